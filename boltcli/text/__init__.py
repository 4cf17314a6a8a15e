"""Values as text and back, in one way each: bytes, Go's formats, JSON, times, sizes, and what a terminal may show."""
