"""The application that the cases of the census test: one of everything that a test's client can meet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import NullPool
from starlette.types import Receive, Scope, Send

engine = create_async_engine("sqlite+aiosqlite:///service.db", poolclass=NullPool)
sessions = async_sessionmaker(engine, expire_on_commit=False)
sync_engine = create_engine("sqlite:///service.db", poolclass=NullPool)


class Base(DeclarativeBase):
    """The declarative base."""


class Note(Base):
    """A row of the database."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    text: Mapped[str]


Base.metadata.create_all(sync_engine)


async def get_session() -> AsyncIterator[AsyncSession]:
    """Give a session of its own to a request."""
    async with sessions() as session:
        yield session


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Say in the state of the application, and of requests, that it is up."""
    app.state.up = True
    yield {"ready": True}
    app.state.up = False


app = FastAPI(lifespan=lifespan)
app.state.up = False
app.state.sent = []
oauth2 = OAuth2PasswordBearer("/login")


def get_user(token: Annotated[str, Depends(oauth2)]) -> str:
    """Return the user whose token it is."""
    name, _, kind = token.partition("-")
    if kind != "token":
        raise HTTPException(401)
    return name


@app.get("/")
async def hello() -> dict[str, str]:
    """Say hello."""
    return {"hello": "world"}


@app.get("/items/{number}")
async def item(number: int) -> dict[str, int]:
    """Give an item; there are nine."""
    if number > 9:
        raise HTTPException(404, "no such item")
    return {"number": number}


@app.api_route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def echo(request: Request) -> dict[str, Any]:
    """Say what was asked for."""
    return {
        "method": request.method,
        "url": str(request.url),
        "root_path": request.scope["root_path"],
        "agent": request.headers["user-agent"],
        "body": (await request.body()).decode(),
        "token": request.headers.get("x-token"),
        "cookies": request.cookies,
    }


@app.post("/notes", status_code=201)
async def add_note(
    body: dict[str, str], session: Annotated[AsyncSession, Depends(get_session)]
) -> dict[str, Any]:
    """Write a row."""
    note = Note(**body)
    session.add(note)
    await session.commit()
    return {"id": note.id, **body}


@app.get("/notes")
async def notes(owner: str, session: Annotated[AsyncSession, Depends(get_session)]) -> list[str]:
    """Read the rows of an owner."""
    return list(await session.scalars(select(Note.text).where(Note.owner == owner).order_by(Note.id)))


@app.post("/login")
async def login(request: Request) -> dict[str, str]:
    """Give a token to whoever knows the password; the form is read by hand, without a library for it."""
    form = parse_qs((await request.body()).decode())
    if form.get("password") != ["secret"]:
        raise HTTPException(401)
    return {"access_token": f"{form['username'][0]}-token", "token_type": "bearer"}


@app.get("/me")
async def me(user: Annotated[str, Depends(get_user)]) -> dict[str, str]:
    """Say who asks."""
    return {"user": user}


@app.get("/cookies")
async def set_cookie(response: Response) -> None:
    """Set a cookie."""
    response.set_cookie("flavour", "oat")


@app.get("/redirect")
async def redirect() -> RedirectResponse:
    """Send elsewhere."""
    return RedirectResponse("/")


@app.get("/stream")
async def stream() -> StreamingResponse:
    """Send three lines."""

    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"line {number}\n"

    return StreamingResponse(lines(), media_type="text/plain")


@app.post("/upload")
async def upload(request: Request) -> list[str]:
    """Take a file: give the lines of what was sent but for the boundaries."""
    lines = (await request.body()).decode().splitlines()
    return [line for line in lines if line and not line.startswith("--")]


@app.get("/state")
async def state(request: Request) -> dict[str, bool]:
    """Say whether the lifespan runs, by the state of the application and by that of the request."""
    return {"up": request.app.state.up, "ready": getattr(request.state, "ready", False)}


@app.post("/send")
async def send(to: str, request: Request, tasks: BackgroundTasks) -> None:
    """Send something after the response."""
    tasks.add_task(request.app.state.sent.append, to)


@app.get("/error")
async def error() -> None:
    """Raise what nobody handles."""
    raise RuntimeError("broken")


class Page(PlainTextResponse):
    """A page that says of which template it is, as those of Jinja do."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        info = {"template": "page.html", "context": {"title": "Notes"}}
        await send({"type": "http.response.debug", "info": info})
        await super().__call__(scope, receive, send)


@app.get("/page")
async def page() -> Response:
    """Give a page."""
    return Page("Notes")


@app.websocket("/ws")
async def ws(websocket: WebSocket) -> None:
    """Give everything back: a text as a text, bytes as bytes."""
    await websocket.accept("chat" if "chat" in websocket.scope["subprotocols"] else None)
    while (message := await websocket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])


@app.websocket("/ws/private")
async def private(websocket: WebSocket) -> None:
    """Refuse whoever has no token, by a close or by a response."""
    if "token" in websocket.query_params:
        await websocket.accept()
        await websocket.send_json({"user": websocket.query_params["token"]})
        await websocket.close(4000)
    elif "politely" in websocket.query_params:
        await websocket.send_denial_response(PlainTextResponse("no token", 403))
    else:
        await websocket.close(4001, "no token")


@asynccontextmanager
async def lifespan_without_state(_: FastAPI) -> AsyncIterator[None]:
    """Say in the state of the application alone that it is up: async-asgi-testclient has none for requests."""
    async with lifespan(app):
        yield


mounting = FastAPI(lifespan=lifespan_without_state)
mounting.mount("/", app)
