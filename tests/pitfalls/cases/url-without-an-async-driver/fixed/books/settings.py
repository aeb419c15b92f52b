DATABASE_URL = "sqlite+aiosqlite:///books.db"
