from contextlib import asynccontextmanager

from fastapi import FastAPI, Request

from books.database import Session


@asynccontextmanager
async def lifespan(api):
    api.state.title = "Books"
    yield


api = FastAPI(lifespan=lifespan)


def open_sessions():
    api.state.sessions = Session


api.router.on_startup.append(open_sessions)


@api.get("/title")
async def title(request: Request):
    async with request.app.state.sessions():
        return request.app.state.title
