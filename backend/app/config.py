"""Settings, read once from the environment."""

from functools import lru_cache

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """What the service is told from outside; each name is an environment variable.

    Attributes:
        database_url: Where the rows live, with an async driver (``DATABASE_URL``).
        testing: Whether a test suite runs the service (``TESTING``).
        heartbeat_seconds: How often the running service looks at its database (``HEARTBEAT_SECONDS``).
    """

    database_url: str = "sqlite+aiosqlite:///./example.db"
    testing: bool = False
    heartbeat_seconds: float = 5.0


@lru_cache
def get_settings() -> Settings:
    """Return the settings; the environment is read at the first call."""
    return Settings()
