"""Many files: find them, verify them, run over them here or on a cluster, collect the rows."""
