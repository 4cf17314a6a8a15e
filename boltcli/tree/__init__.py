"""The B+tree: bounded walks, lookups, buckets.

Every descent is bounded: a page that is its own ancestor, or a tree with more
pages than the file can hold, is reported as damage.
"""
