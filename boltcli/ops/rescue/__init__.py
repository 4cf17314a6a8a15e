"""Rescue: what a file still holds when its tree can't be trusted."""
