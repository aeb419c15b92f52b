"""What a request costs through each client: ``python -m benchmarks.client``.

It is kept for each version of Python on its own: newer ones can begin a task without a turn of the loop.

One process, all ways in turns, many requests a turn. A direct call of the application, with a scope that is ready, is
what no client can beat. The floor is what this one cannot do without: one request built, the direct call in a task of
its own, one response. What is counted is the processor's time of all threads, which other work on the machine
disturbs less than a clock on the wall.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from platform import python_version
from time import process_time
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.testclient import TestClient

from benchmarks.results import Json, Report, keep, table
from benchmarks.samples import ratios, sample
from hermetic import AsyncTestClient

ROUNDS = 30
REQUESTS = 100
DIRECT, FLOOR, HERMETIC, HTTPX2, TESTCLIENT = (
    "a direct call",
    "the floor: a request, a task, a response",
    "hermetic",
    "httpx2's ASGITransport",
    "TestClient, inside with",
)
NAME = f"client_{sys.version_info.major}_{sys.version_info.minor}"
WAYS = (DIRECT, FLOOR, HERMETIC, HTTPX2, TESTCLIENT)
Times = dict[str, list[float]]


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Answer in plain ASGI; agree to a lifespan."""
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


def fastapi() -> FastAPI:
    """Make an application with one route that answers with JSON."""
    app = FastAPI()

    @app.get("/")
    async def index() -> dict[str, str]:
        return {"hello": "world"}

    return app


async def direct(app: Any) -> None:
    """Call the application as a server would, with nothing around it."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "client": ("testclient", 50000),
        "server": ["testserver", 80],
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        return None

    await app(scope, receive, send)


async def floor(client: AsyncTestClient) -> None:
    """Build a request, call the application in a task and make a response, with nothing between."""
    request = client.build_request("GET", "/")
    await asyncio.create_task(direct(client.app))
    headers = [(b"content-type", b"text/plain")]
    httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(b"hello"), request=request)


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Return the microseconds of one call, over many."""
    begin = process_time()
    for _ in range(REQUESTS):
        await call()
    return (process_time() - begin) / REQUESTS * 1e6


def timed_blocking(call: Callable[[], object]) -> float:
    """Return the microseconds of one call that blocks, over many."""
    begin = process_time()
    for _ in range(REQUESTS):
        call()
    return (process_time() - begin) / REQUESTS * 1e6


def measure(app: Any, rounds: int) -> Times:
    """Measure all ways in turns; the first turn, which fills caches, is left out."""
    found: Times = {way: [] for way in WAYS}
    ours = AsyncTestClient(app)
    theirs = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver")
    with asyncio.Runner() as runner, TestClient(app) as blocking:
        for _ in range(rounds + 1):
            found[DIRECT].append(runner.run(timed(lambda: direct(app))))
            found[FLOOR].append(runner.run(timed(lambda: floor(ours))))
            found[HERMETIC].append(runner.run(timed(lambda: ours.get("/"))))
            found[HTTPX2].append(runner.run(timed(lambda: theirs.get("/"))))
            found[TESTCLIENT].append(timed_blocking(lambda: blocking.get("/")))
        runner.run(theirs.aclose())
    return {way: times[1:] for way, times in found.items()}


def report(found: dict[str, Times]) -> Report:
    """Write a table for each application: microseconds, what is over a direct call, and how each compares."""
    parts = [
        f"## A request, by client, on Python {python_version()}",
        f"Microseconds of the processor for a GET, all threads, {REQUESTS} in a row, all ways in turns.",
        *(_table(app, times) for app, times in found.items()),
    ]
    raw: dict[str, Json] = {
        app: {way: [round(each, 2) for each in each_time] for way, each_time in times.items()}
        for app, times in found.items()
    }
    return Report(NAME, "\n\n".join(parts), raw)


def _table(app: str, times: Times) -> str:
    head = [app, "us", "over a direct call, us", "times a direct call", "times the floor", "times hermetic's"]
    return table(head, [[way, *_cells(times, way)] for way in WAYS])


def _cells(times: Times, way: str) -> list[str]:
    over = [time - direct for time, direct in zip(times[way], times[DIRECT], strict=True)]
    return [
        sample(times[way]).text(0),
        sample(over).text(0),
        sample(ratios(times[DIRECT], times[way])).text(2),
        sample(ratios(times[FLOOR], times[way])).text(2),
        sample(ratios(times[HERMETIC], times[way])).text(2),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the raw figures, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    made = report(
        {name: measure(app, options.rounds) for name, app in (("bare ASGI", bare), ("FastAPI", fastapi()))}
    )
    keep(made)
    print(made.text)


if __name__ == "__main__":
    main()
