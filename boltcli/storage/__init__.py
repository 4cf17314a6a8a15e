"""The file: find, open, lock and map it, choose the meta page; and write results.

Two ways to read, as in bbolt: as a transaction on the newest valid meta page sees the file (``snapshot``), and pages as
they lie there (``raw``).
"""
