"""Connections that the project opens by ``sqlite3`` or ``aiosqlite`` itself."""
