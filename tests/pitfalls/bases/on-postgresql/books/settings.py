import os

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql+asyncpg://books@127.0.0.1:54399/books")
