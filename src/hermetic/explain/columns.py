"""A column that a model has and its table has not: who made the table, without it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hermetic.causes.data import COLUMN_NOT_MADE
from hermetic.explain.definitions import definition_of, has_column
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import connection_through, place_of
from hermetic.explain.history import History
from hermetic.masking import masked
from hermetic.statements import table_name

_MISSING = re.compile(
    r"no such column: (?P<a>[\w.\"]+)\.(?P<b>\w+)"
    r"|table (?P<c>\w+) has no column named (?P<d>\w+)"
    r"|column (?P<e>\w+)\.(?P<f>\w+) does not exist"
    r'|column "(?P<h>\w+)" of relation "(?P<g>\w+)" does not exist'
)


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say who made the table, where a model of the project has the column."""
    for error in failure.chain():
        found = _MISSING.search(str(error))
        connection = connection_through(error)
        if found is None or connection is None:
            continue
        table, column = (each for each in found.groupdict().values() if each is not None)
        if found["g"] is not None:
            table, column = found["g"], found["h"]
        table, model = table_name(table), definition_of(table_name(table), failure.root)
        if model is not None and has_column(table, column):
            place = place_of(error, "The test")
            yield _explanation(
                history, place, f"{table}.{column}", str(model), table, masked(connection.engine.url)
            )
            return


def _explanation(history: History, place: str, column: str, model: str, table: str, url: str) -> Explanation:
    made = [each for each in history.databases.made(table) if each.engine == url]
    contents = ", ".join(history.databases.contents)
    by = f"hermetic, by {contents}" if contents else "somebody before the tests"
    change = "make the table from the model: run_sync(Base.metadata.create_all)"
    if made:
        by = f"{made[-1].owner}, at {made[-1].location}"
        change = f"{made[-1].location}: {change}"
    elif any(".ini" in each or ".toml" in each for each in history.databases.contents):
        change = "alembic revision --autogenerate, which writes the migration for it"
    return Explanation(
        COLUMN_NOT_MADE,
        (f"{place} asked for {column}, which {model} has and the table has not: it was made by {by}.",),
        (change,),
    )
