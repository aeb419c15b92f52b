"""One side of a comparison of two revisions; started by ``benchmarks.pairs`` with that revision on the path.

It uses what ``benchmarks`` has had in every revision: the ways of hermetic's own restores, and those of a request. For
each line on its input it measures a round, and writes the microseconds of each way as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import Any

from benchmarks import client, postgresql_restore, restore
from benchmarks.projects import workplace
from hermetic import AsyncTestClient

TABLES = 10
TIMES = 15
"""Restores a round; a round is their median."""

Round = Callable[[], float]


def restored(way: Any) -> float:
    """Return the median of some restores."""
    for _ in range(TIMES):
        way.measure()
    taken: float = median(way.us)
    way.us.clear()
    return taken


def ways(stack: ExitStack) -> dict[str, Round]:
    """Return what is measured, by name: restores on both databases, requests, and a floor of each."""
    folder = stack.enter_context(workplace())
    metadata = restore.schema(TABLES)
    on_sqlite = [
        *stack.enter_context(restore.hermetic_ways(metadata, folder)),
        *stack.enter_context(restore.memdb_way(metadata, folder)),
    ]
    host = stack.enter_context(postgresql_restore.server(folder))
    shop = postgresql_restore.Shop(host, "bench_pairs", TABLES)
    stack.callback(shop.close)
    found: dict[str, Round] = {f"SQLite: {way.title}": partial(restored, way) for way in on_sqlite}
    found |= {
        f"PostgreSQL: {way.title}": partial(restored, way) for way in postgresql_restore.hermetic_ways(shop)
    }
    runner = stack.enter_context(asyncio.Runner())
    for name, app in (("bare ASGI", client.bare), ("FastAPI", client.fastapi())):
        ours = AsyncTestClient(app)
        found[f"{name}: a direct call"] = partial(requested, runner, partial(client.direct, app))
        found[f"{name}: a request"] = partial(requested, runner, partial(ours.get, "/"))
    return found


def requested(runner: asyncio.Runner, call: Callable[[], Any]) -> float:
    """Return the microseconds of the processor for one of many calls."""
    taken: float = runner.run(client.timed(call))
    return taken


def main() -> None:
    """Measure a round for each line of the input."""
    with ExitStack() as stack:
        found = ways(stack)
        for measure in found.values():  # what the first turn of each fills is left out
            measure()
        print("{}", flush=True)
        for _ in sys.stdin:
            print(json.dumps({name: round(measure(), 2) for name, measure in found.items()}), flush=True)


if __name__ == "__main__":
    main()
