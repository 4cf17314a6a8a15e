"""The file: find, open, lock and map it, read it as a transaction sees it or page by page; and write results."""
