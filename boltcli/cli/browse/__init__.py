"""The terminal browser: its data (``session``, ``window``, ``value``) and its screens (``app``, ``widgets``)."""
