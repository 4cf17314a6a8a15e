"""Tests of files that are packed, elsewhere or many."""
