"""Rescue: read everything that a file still holds, without trusting its tree."""
