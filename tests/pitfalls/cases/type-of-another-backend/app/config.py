import os

URL = os.environ.get("DATABASE_URL", "postgresql+asyncpg://notes@127.0.0.1:54399/notes")
