"""The terminal browser.

A thread (``reader``) reads one state of the file (``session``): rows (``keys``, ``tables``), their number (``tally``),
the chosen value (``record``, ``value``, ``references``). ``showing`` is the part of the screen that waits for it, and
``app`` the part that waits for the user; they have ``sidebar``, ``grid``, ``pane`` and ``screens``.
"""
