DATABASE_URL = "postgresql+psycopg2://books@localhost/books"
