"""What differs between two databases or two transactions, applied and followed: diff, patch, watch, metrics."""
