"""Connections that the project opens by ``asyncpg``, ``psycopg`` or ``psycopg2`` itself."""
