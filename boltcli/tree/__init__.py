"""The B+tree: guarded walks, lookup, buckets.

Every descent is bounded: a page that is its own ancestor, or a tree that
visits more pages than the file holds, is damage and not a place to get lost in.
"""
