"""Rescue: read everything that a file still holds, without trusting its tree.

What each rule of the search earns stands in tests/rescue_score, which measures it.
"""
