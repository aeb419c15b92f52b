from contextlib import asynccontextmanager

from fastapi import FastAPI, Request

from books.database import Session


@asynccontextmanager
async def lifespan(api):
    api.state.title = "Books"
    api.state.sessions = Session
    yield


api = FastAPI(lifespan=lifespan)


@api.get("/title")
async def title(request: Request):
    async with request.app.state.sessions():
        return request.app.state.title
