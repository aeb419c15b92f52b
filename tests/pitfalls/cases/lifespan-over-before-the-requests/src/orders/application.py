from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from orders.config import get_settings
from orders.models import Model
from orders.routes import router


@asynccontextmanager
async def lifespan(app: FastAPI):
    engine = create_async_engine(get_settings().db_url)
    async with engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    app.state.sessions = async_sessionmaker(engine, expire_on_commit=False)
    yield
    del app.state.sessions
    await engine.dispose()


def create_app() -> FastAPI:
    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    return app
