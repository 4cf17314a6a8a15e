"""Write databases: compact, load rows, surgery."""
