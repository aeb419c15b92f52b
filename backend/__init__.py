"""The example service: an ordinary FastAPI application with an async database, and its tests."""
