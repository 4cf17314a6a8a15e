"""What the library returns: rows that Arrow libraries, data frames and notebooks take."""
