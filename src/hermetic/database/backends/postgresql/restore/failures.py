"""What is said when a worker database cannot be put back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hermetic.database.backends.postgresql.restore.administration import LOCK_PATIENCE, Administration
from hermetic.database.backends.postgresql.restore.sessions import Session, Sessions
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.errors import LayerConflict, RestoreError
from hermetic.owners import Owner

OPEN = """
    SELECT pid, state, coalesce(application_name, ''), left(query, 200) FROM pg_catalog.pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL ORDER BY xact_start
"""


@contextmanager
def explained(
    name: str, sessions: Sessions, administration: Administration, host: PostgresqlHost
) -> Iterator[None]:
    """Name whose lock blocks, or say that the server is gone, in place of the driver's errors.

    Raises:
        RestoreError: In their place.
    """
    from psycopg import OperationalError
    from psycopg.errors import DeadlockDetected, LockNotAvailable

    try:
        yield
    except (LockNotAvailable, DeadlockDetected):
        raise blocked(name, sessions, administration.all(OPEN)) from None
    except OperationalError as error:
        if not administration.is_lost:
            raise
        raise RestoreError(
            f"the database {name!r} could not be brought back to its baseline: its server is gone.",
            why=f"{str(error).strip()}\n{host.describe_end()}".strip(),
            hints=("run the tests again; if a test ends the server, leave it out",),
        ) from error


def is_misfit(error: Exception) -> bool:
    """Whether rows, or the schema, were in the way of a restore."""
    from psycopg import IntegrityError, InternalError, ProgrammingError

    return isinstance(error, IntegrityError | InternalError | ProgrammingError)


def blocked(name: str, sessions: Sessions, rows: Sequence[Any]) -> RestoreError:
    """Name whoever has a transaction open."""
    lines = [f"  {_describe(sessions.by_pid(row[0]), *row)}" for row in rows]
    return RestoreError(
        f"the database {name!r} could not be brought back to its baseline.",
        why=f"for {LOCK_PATIENCE:g} seconds it waited for a lock; these transactions are open:\n"
        + "\n".join(lines)
        if lines
        else "it waited for a lock for too long, and whoever held it is gone.",
        hints=("commit, roll back or close it before the test that uses the database ends",),
    )


def held(name: str, why: str, who: Sequence[str]) -> RestoreError:
    """Say that connections would have to be ended which are somebody's who outlives the test."""
    return RestoreError(
        f"the database {name!r} could not be brought back to its baseline: {why}, and a connection is in use.",
        why="these outlive the test, so that hermetic does not end them:\n" + "\n".join(who),
        hints=(
            "give the connection back before the test that changes the schema",
            "or change the schema in a fixture of the same scope",
        ),
    )


def no_origin(name: str, who: Sequence[str]) -> RestoreError:
    """Say why the database cannot be made anew: who was connected when a copy was to be taken."""
    return RestoreError(
        f"the database {name!r} could not be made anew after a test changed the schema.",
        why="a fixture had changed the schema before, while connections were in use, so that no copy could be taken:\n"
        + ("\n".join(who) or "  one that came again and again"),
        hints=(
            "let the schema be made by hermetic: hermetic_schema",
            "or give connections back before the fixture that changes the schema ends",
        ),
    )


def changed_before(owner: Owner) -> LayerConflict:
    """Say that a fixture wrote after its test had changed the schema."""
    return LayerConflict(
        f"{owner.name} was asked for after the test had changed the schema, and wrote to the database.",
        why="What it did cannot be told from what the test did before.",
        hints=("ask for the fixture in the test's arguments, not with getfixturevalue",),
    )


def schema_conflict(owner: Owner, others: Sequence[Owner]) -> LayerConflict:
    """Name the fixtures that came after one that changed the schema, and outlive it."""
    names = " and ".join(dict.fromkeys(one.name for one in others))
    return LayerConflict(
        f"{owner.name} changed the schema, and {names} wrote after it and still lives.",
        why="What was written since cannot be kept when the schema goes back.",
        hints=("give both fixtures the same scope", "or let the schema be made by hermetic: hermetic_schema"),
    )


def _describe(session: Session | None, pid: int, state: str, application: str, query: str) -> str:
    last = " ".join(query.split()) or "nothing yet"
    if session is not None and session.checkout is not None:
        whose = f"{session.checkout.owner.name}, checked out at {session.checkout.location}"
    elif session is not None:
        whose = "a connection that is in no one's hands"
    else:
        named = f" ({application})" if application else ""
        whose = f"a connection that no SQLAlchemy engine of this process opened{named}"
    return f"{whose}: {state}, process {pid}, last statement: {last}"
