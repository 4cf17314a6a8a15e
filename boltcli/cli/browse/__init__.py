"""The browser: what it shows (``window``, ``value``), and its screens, which are textual's (``app``, ``widgets``)."""
