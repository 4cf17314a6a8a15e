"""Tests of what shows files: maps, sizes, pages."""
