from functools import lru_cache

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file="test.env")
    db_url: str = "sqlite+aiosqlite:///./orders.db"
    currency: str = "EUR"


@lru_cache
def get_settings() -> Settings:
    return Settings()
