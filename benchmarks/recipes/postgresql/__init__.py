"""The same ways on PostgreSQL, through asyncpg; ``DATABASE_URL`` names the server that all share."""

from __future__ import annotations

from benchmarks.recipes import GUIDE_LOOPS, HERMETIC, SESSION_LOOPS, Recipe

ON_POSTGRESQL = HERMETIC + "hermetic_database = postgresql\nhermetic_env = DATABASE_URL={url}\n"
RECREATE = Recipe("recreate", "`drop_all` and `create_all` a test", "postgresql/recreate.py")
SAVEPOINT = Recipe("savepoint", "savepoint on one shared connection, rolled back", "postgresql/savepoint.py")
HERMETIC_SESSION = Recipe(
    "hermetic", "hermetic, one event loop a run", None, ON_POSTGRESQL + SESSION_LOOPS, ("asyncio", "hermetic")
)
RECIPES = (
    HERMETIC_SESSION,
    Recipe(
        "hermetic-function-loops",
        "hermetic, an event loop a test",
        None,
        ON_POSTGRESQL + GUIDE_LOOPS,
        ("asyncio", "hermetic"),
    ),
    SAVEPOINT,
    RECREATE,
)
