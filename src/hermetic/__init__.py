"""Test FastAPI applications whose database is async: real commits, any event loop, a clean baseline each test."""

__version__ = "0.1.0"
