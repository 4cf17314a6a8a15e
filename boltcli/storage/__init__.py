"""The file: find it, open it, lock it, map it, choose its meta page; and where results are written.

There are two ways to the bytes, as in bbolt. The transactional one
(``snapshot``): metas are validated, the newest valid one wins, and pages are
handed out as bbolt's transactions see them. The raw one (``raw``): pages as
they lie in the file.
"""
