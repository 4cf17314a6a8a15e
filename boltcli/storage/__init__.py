"""The file: find it, open it, lock it, map it, choose its meta page.

This is the transactional way to the bytes: metas are validated, the newest
valid one wins, and pages are handed out as bbolt's transactions see them.
"""
