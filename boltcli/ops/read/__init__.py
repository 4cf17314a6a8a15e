"""Read keys and values."""
