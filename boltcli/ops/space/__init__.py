"""Show how the space of a file is used."""
