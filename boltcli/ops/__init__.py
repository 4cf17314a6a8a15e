"""Operations on databases, one module each. They compute and yield records; they never print."""
