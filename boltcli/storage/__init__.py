"""The file: find, open, lock and map it, choose the meta page; and write results.

As in bbolt there are two ways to read. The transactional one (``snapshot``) validates the meta pages, and reads pages
as a transaction on the newest valid one sees them. The raw one (``raw``) reads pages as they lie in the file.
"""
