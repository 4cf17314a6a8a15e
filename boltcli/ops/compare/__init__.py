"""Compare two databases or transactions, apply changes, follow a database: diff, patch, watch, metrics."""
