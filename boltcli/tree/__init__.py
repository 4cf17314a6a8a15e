"""The B+tree: bounded walks, lookups, buckets. A page that is its own ancestor, or too many pages, are damage."""
