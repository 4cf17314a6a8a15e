"""A database and its application's views as relations: for SQL, Arrow, Parquet, CSV and SQLite."""
