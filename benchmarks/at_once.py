"""Concurrent writing requests in one test; copied into each generated project as ``test_at_once.py``.

Nothing is asserted: what came of it is the result, written where ``AT_ONCE_RESULT`` says.
"""

import asyncio
import json
import os
import time

from sqlalchemy import text

COUNT = int(os.environ.get("AT_ONCE_COUNT", "10"))
REFUSED = int(os.environ.get("AT_ONCE_REFUSED", "0"))
REPEATS = int(os.environ.get("AT_ONCE_REPEATS", "1"))


async def test_at_once(async_client, async_test_db):
    """Send ``COUNT`` POSTs at once, ``REFUSED`` more of them for an e-mail address that is taken."""
    await post(async_client, "first")
    rounds = [await one_round(async_client, number) for number in range(REPEATS)]
    names = await rows(async_test_db)
    for made in rounds:
        made["left_their_row"] = sum(name in names for name in made.pop("names"))
    with open(os.environ["AT_ONCE_RESULT"], "w", encoding="utf-8") as file:
        json.dump(rounds, file)


async def one_round(client, number):
    """Send the requests of one round and say how long they took and what came of them."""
    good = [f"{number}-{each}" for each in range(COUNT)]
    requests = [post(client, name) for name in good]
    for each in range(REFUSED):
        requests.insert(2 * each, post(client, f"refused {number}-{each}", email="first@example.com"))
    started = time.perf_counter()
    answers = await asyncio.gather(*requests, return_exceptions=True)
    seconds = time.perf_counter() - started
    names = [a.json()["name"] for a in answers if getattr(a, "status_code", 0) == 201]
    errors = sorted({f"{type(a).__name__}: {a}".splitlines()[0] for a in answers if isinstance(a, Exception)})
    return {"answered_201": len(names), "seconds": seconds, "errors": errors, "names": names}


async def post(client, name, email=None):
    """Make a user."""
    return await client.post("/api/users", json={"name": name, "email": email or f"{name}@example.com"})


async def rows(session):
    """Return the names that are in the database; none where it cannot even be read any more."""
    try:
        return set((await session.scalars(text("SELECT name FROM users"))).all())
    except Exception:
        return set()
