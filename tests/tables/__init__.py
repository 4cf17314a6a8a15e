"""Tests of databases as tables."""
