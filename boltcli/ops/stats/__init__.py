"""Count pages, pairs, bytes and buckets."""
