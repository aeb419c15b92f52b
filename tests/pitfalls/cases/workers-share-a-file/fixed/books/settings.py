import os

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
DATABASE_URL = f"sqlite+aiosqlite:///./books-{WORKER}.db"
