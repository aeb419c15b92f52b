from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


@asynccontextmanager
async def lifespan(app):
    engine = create_async_engine("sqlite+aiosqlite:///service.db")
    yield {"maker": async_sessionmaker(engine)}
    await engine.dispose()


service = FastAPI(lifespan=lifespan)


@service.get("/health")
async def health(request: Request):
    async with request.state.maker() as session:
        return {"database": await session.scalar(text("select 1"))}
