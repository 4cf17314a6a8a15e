"""One module a job. They compute and yield records; they never print."""
