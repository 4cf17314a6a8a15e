"""Comparison of boltcli with the real bbolt command line tool."""
