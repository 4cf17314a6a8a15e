"""Records to bytes: bbolt's text, and the rules of Go's formatting that it follows."""
