"""Render records as bytes: bbolt's text with Go's formatting rules, JSON, tables, pictures, HTML."""
