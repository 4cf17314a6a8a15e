"""Check a database: bbolt's check, the deep check, warnings about the file."""
