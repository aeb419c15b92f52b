from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    async with anyio.create_task_group() as group:
        app.state.group = group
        yield
        group.cancel_scope.cancel()


app = FastAPI(title="notes", lifespan=lifespan)


@app.get("/health")
async def health():
    return "ok"
