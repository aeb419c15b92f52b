"""SQLite: worker databases are files."""
