"""Coverage-guided fuzzing of the readers (``make fuzz``)."""
