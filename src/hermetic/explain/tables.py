"""A table that is not there, or that is there already: in which database, who made it where, or who makes it twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from hermetic.causes.data import TABLE_EXISTS_ALREADY, TABLE_IN_ANOTHER_DATABASE, TABLE_NOT_MADE
from hermetic.database.engines import private
from hermetic.events.database import EngineResolved
from hermetic.explain.databases import Made
from hermetic.explain.definitions import (
    Definition,
    base_of,
    definition_of,
    is_known_to,
    metadata_of,
    project_tables,
)
from hermetic.explain.failure import Explanation, Failure, UsedFixture
from hermetic.explain.frames import connection_through, frames, place_of, project_frames
from hermetic.explain.history import History
from hermetic.masking import masked
from hermetic.statements import table_name

_MISSING = re.compile(r'no such table: ([\w."]+)|relation "([^"]+)" does not exist')
_EXISTING = re.compile(
    r'table ["`\[]?([\w.]+)["`\]]? already exists|relation "([^"]+)" already exists'
    r'|type "(?P<type>[^"]+)" already exists'
)


class Asked(NamedTuple):
    """Somebody asked a database for a table.

    Attributes:
        table: Its name, without its schema.
        place: The project's line.
        engine: The engine; None where the frames do not tell.
        connection: The number of the driver's connection, as statements tell it.
        kind: What it is, where it is no table but a type: an enum's.
    """

    table: str
    place: str
    engine: Any
    connection: int
    kind: str = "table"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say why a table is missing, or why it is there already, as far as that is known."""
    for error in failure.chain():
        missing, existing = _MISSING.search(str(error)), _EXISTING.search(str(error))
        found = missing or existing
        connection = None if found is None else connection_through(error)
        if found is None or connection is None:
            continue
        a_type = existing["type"] if existing is not None else None
        name, kind = table_name(a_type or found[1] or found[2]), "type" if a_type else "table"
        place = place_of(error, "The test")
        asked = Asked(name, place, connection.engine, private.number_of(connection), kind)
        explanation = (
            _missing(failure, history, asked) if missing else _existing(failure, history, asked, error)
        )
        if explanation is not None:
            yield explanation
            return


def shown(url: str) -> str:
    """Return a URL as somebody writes it."""
    return url.replace("%3Amemory%3A", ":memory:")


def _on(asked: Asked, engine: EngineResolved | None, url: str) -> str:
    """Say who asked which engine for a table, and where that goes."""
    said = f"{asked.place} asked for the table {asked.table} on the engine {url}"
    if engine is None:
        return said
    made = f", made at {engine.location}" if engine.location is not None else ""
    if engine.outcome == "left alone":
        return f"{said}{made}, which hermetic leaves alone: {engine.why}"
    return f"{said}{made}, which goes to {engine.destination}"


def _missing(failure: Failure, history: History, asked: Asked) -> Explanation | None:
    engine = history.databases.engine(asked.engine)
    url = masked(asked.engine.url)
    on = _on(asked, engine, shown(url))
    made_by = history.databases.made(asked.table)
    elsewhere = [each for each in made_by if history.databases.is_elsewhere(each, url, asked.connection)]
    if elsewhere:
        return _in_another_database(asked, engine, on, elsewhere[-1])
    if engine is not None and engine.outcome == "left alone":
        base = base_of(asked.table) or "Base"
        defined = definition_of(asked.table, failure.root)
        by = "" if defined is None or base == "Base" else f" {defined} belongs to the MetaData of {base}."
        return Explanation(
            TABLE_NOT_MADE,
            (f"{on}.", f"Nobody has made the table there.{by}"),
            (f"await connection.run_sync({base}.metadata.create_all), on that engine, before it is asked",),
        )
    if engine is not None and engine.starts_empty:
        return _started_empty(failure, history, asked, on, url)
    return _not_in_the_contents(failure, history, asked, on) if history.databases.contents else None


def _started_empty(failure: Failure, history: History, asked: Asked, on: str, url: str) -> Explanation | None:
    """Say how a database of which nobody has said that it is the application's gets its tables."""
    found = definition_of(asked.table, failure.root)
    if found is None:
        return None
    why = "No application has opened it, and no line of hermetic_schema has its URL: it started empty."
    changes = [f"one more line in hermetic_schema: {metadata_of(found, asked.table)} -> {shown(url)}"]
    if history.databases.contents:
        changes.append(
            f"hermetic_targets = {shown(url)} -> <the application's URL>, if it is the same database"
        )
    return Explanation(TABLE_NOT_MADE, (f"{on}.", why), tuple(changes))


def _in_another_database(asked: Asked, engine: EngineResolved | None, on: str, made: Made) -> Explanation:
    """Say in which other database a table was made."""
    pool = type(asked.engine.pool).__name__
    at = "" if engine is None or engine.location is None else f" ({engine.location})"
    if made.engine == masked(asked.engine.url) and pool == "SingletonThreadPool":
        where = (
            "Each thread has a database of its own in memory there, as each engine has: the table was made by"
            f" {made.owner} at {made.location}, in another one."
        )
        change = f"poolclass=StaticPool where the engine is made{at}, and that engine for all"
    elif made.engine == masked(asked.engine.url) and pool == "NullPool":
        where = (
            "With NullPool each connection to memory is a database of its own: the table was made by"
            f" {made.owner} at {made.location}, on one that is closed."
        )
        change = f"poolclass=StaticPool where the engine is made{at}, or a file in place of memory"
    else:
        where = (
            f"It was made at {made.location} by {made.owner}, on {shown(made.engine)}: in another database."
        )
        change = f"make the tables on the engine that is asked, or use the one of {made.location} here"
    return Explanation(TABLE_IN_ANOTHER_DATABASE, (f"{on}.", where), (change,))


def _not_in_the_contents(failure: Failure, history: History, asked: Asked, on: str) -> Explanation | None:
    """Say why what hermetic has filled the database by did not make a table."""
    contents = ", ".join(history.databases.contents)
    first = (f"{on}.", f"Its tables were made by {contents}, which has not made this one.")
    found = definition_of(asked.table, failure.root)
    if found is None:
        return None
    if not found.is_imported:
        why = f"{found.place} defines it, and nobody has imported that file."
    elif is_known_to(asked.table, history.databases.contents):
        why = f"{found} was imported after the tables had been made."
    else:
        return _of_another_metadata(history, found, first)
    change = f"import {found.module} where the other tables are imported"
    return Explanation(TABLE_NOT_MADE, (*first, why), (change,))


def _of_another_metadata(history: History, found: Definition, first: tuple[str, ...]) -> Explanation:
    if any(".ini" in each or ".toml" in each for each in history.databases.contents):
        lines = (*first, f"{found} defines it, and no migration makes it.")
        return Explanation(
            TABLE_NOT_MADE, lines, ("alembic revision --autogenerate, which writes that migration",)
        )
    lines = (*first, f"{found} belongs to another MetaData.")
    change = f"one more line in hermetic_schema: {found.module}:<what has that MetaData>"
    return Explanation(TABLE_NOT_MADE, lines, (change,))


def _existing(failure: Failure, history: History, asked: Asked, error: BaseException) -> Explanation | None:
    """Say who makes a table that is there, and who has made it before."""
    fixture = fixture_through(failure, error)
    by = asked.place if fixture is None else f"The {fixture}, at {asked.place},"
    is_alembic = any(
        "alembic" in frame.f_globals.get("__name__", "").split(".")[:1] for frame in frames(error)
    )
    what = "runs the migrations, which make" if is_alembic else "makes"
    url = masked(asked.engine.url)
    made = history.databases.made(asked.table)
    before = [each for each in made if not history.databases.is_elsewhere(each, url, asked.connection)]
    if asked.kind == "type" and not _is_of_a_column(asked.table):
        return None
    if history.databases.contents:
        contents = ", ".join(history.databases.contents)
        who = f"Hermetic had made it before the first test, by {contents}; it is there in every test."
        change = (
            "delete that line"
            if fixture is None
            else f"delete the fixture {fixture.name!r}, or that line of it"
        )
        changes: tuple[str, ...] = (f"{change}: what it makes is there already",)
        if is_alembic:
            changes += ("hermetic_schema = alembic.ini, if the tests need what only the migrations make",)
    elif before:
        who = f"It was made at {before[0].location}, by {before[0].owner}."
        changes = ("make the tables once, in a fixture of session scope",)
    else:
        return None
    return Explanation(
        TABLE_EXISTS_ALREADY, (f"{by} {what} the {asked.kind} {asked.table}, which exists.", who), changes
    )


def _is_of_a_column(kind: str) -> bool:
    """Whether a type of the database is that of a column which a loaded module defines: an enum's."""
    columns = (column for table in project_tables() for column in table.columns)
    return any(str(getattr(each.type, "name", "")).lower() == kind for each in columns)


def fixture_through(failure: Failure, error: BaseException) -> UsedFixture | None:
    """Return the fixture in whose function it came."""
    known = {(each.location.file, each.location.line): each for each in failure.fixtures if each.location}
    for frame in project_frames(error):
        code = frame.f_code
        found = known.get((code.co_filename, code.co_firstlineno))
        if found is not None:
            return found
    return None
