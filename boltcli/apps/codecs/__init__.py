"""Codecs for what programs put into keys and values; none raises on bytes that aren't of its kind."""
