"""Times with a time zone, and columns that have none: refused on the way in, or lost on the way back."""

from __future__ import annotations

import datetime
import linecache
import re
from collections.abc import Iterator
from typing import Any

from hermetic.causes.data import TIME_ZONE_LOST, TIME_ZONE_REFUSED
from hermetic.database.backend import Backend, find_backend
from hermetic.events.database import Statement
from hermetic.explain.definitions import definition_of
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, place_of, project_lines
from hermetic.explain.history import History
from hermetic.statements import names_table, table_name

_MIXED = re.compile(r"can't (?:subtract|compare) offset-naive and offset-aware datetimes")
_ARGUMENT = re.compile(r"query argument \$(\d+)")
_WITHOUT = "TIMESTAMP WITHOUT TIME ZONE"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say which column it is that has no time zone."""
    for error in failure.chain():
        if _MIXED.search(str(error)) is None:
            continue
        statement = attribute(error, "statement")
        if isinstance(statement, str):
            yield from _refused(failure, error, statement)
        elif isinstance(error, TypeError):
            yield from _lost(error, history)


def _refused(failure: Failure, error: BaseException, statement: str) -> Iterator[Explanation]:
    """Name the column of the parameter that the driver has refused."""
    number = _ARGUMENT.search(str(error))
    if number is None or f"${number[1]}::{_WITHOUT}" not in statement:
        return
    table, column = _column(statement, int(number[1]))
    model = definition_of(table, failure.root) if table else None
    name = f"{table}.{column}" if table and column else "a column"
    where = f" of {model}" if model is not None else ""
    yield Explanation(
        TIME_ZONE_REFUSED,
        (
            f"{place_of(error, 'The test')} gives {name}{where}, which is {_WITHOUT}, a time that has a time zone.",
        ),
        (
            f"DateTime(timezone=True) for {name}, and a migration; or a time without one: value.replace(tzinfo=None)",
        ),
    )


def _column(statement: str, number: int) -> tuple[str, str]:
    """Return the table and the column of a statement's parameter; empty where that is not plain to see."""
    inserted = re.match(r"\s*INSERT INTO ([\w.\"]+) \(([^)]*)\) VALUES \(([^)]*)\)", statement)
    if inserted is not None:
        columns, values = ([each.strip() for each in inserted[group].split(",")] for group in (2, 3))
        at = [index for index, each in enumerate(values) if each.startswith(f"${number}::")]
        return table_name(inserted[1]), columns[at[0]].strip('"') if at and len(columns) == len(
            values
        ) else ""
    updated = re.match(r"\s*UPDATE ([\w.\"]+) SET ", statement)
    compared = re.search(rf"([\w.\"]+) ?(?:[=<>!]+) ?\${number}::", statement)
    table = "" if updated is None else table_name(updated[1])
    column = "" if compared is None else compared[1]
    return table or table_name(column.rpartition(".")[0]), column.rpartition(".")[2].strip('"')


def _lost(error: BaseException, history: History) -> Iterator[Explanation]:
    """Name an attribute that the line reads, and whose database keeps no time zone."""
    for frame, at in [*project_lines(error)][:1]:
        line = linecache.getline(at.file, at.line)
        for found in list(frame.f_locals.values()):
            for name, dialect in _without_zone(found, history):
                if re.search(rf"\.{name}\b", line):
                    kind = f"{type(found).__name__}.{name}"
                    yield Explanation(
                        TIME_ZONE_LOST,
                        (
                            f"{at} compares {kind}, which has no zone here, with a time that has one. Its column is"
                            f" DateTime(timezone=True), of which {dialect} keeps no zone.",
                        ),
                        (
                            f"{at}: {name}.replace(tzinfo=UTC); or a TypeDecorator that adds it to what is read",
                            "or tests on the database that production has: hermetic_database",
                        ),
                    )
                    return


def _without_zone(found: Any, history: History) -> Iterator[tuple[str, str]]:
    """Give the attributes of a mapped object that lack the zone that their columns should keep, and the dialect."""
    state = attribute(found, "_sa_instance_state")
    table = attribute(attribute(attribute(state, "mapper"), "local_table"), "name")
    backend = _backend_of(str(table), history) if table else None
    if backend is None or backend.keeps_time_zones:
        return
    for each in state.mapper.column_attrs:
        value = state.dict.get(each.key)
        is_meant = attribute(each.columns[0].type, "timezone") is True
        if is_meant and isinstance(value, datetime.datetime) and value.tzinfo is None:
            yield each.key, backend.title


def _backend_of(table: str, history: History) -> Backend | None:
    """Return the kind of the database in which a table was read last."""
    read = [each for each in history.of(Statement) if not each.error and names_table(each.text, table)]
    return find_backend(re.split(r"[+:]", read[-1].engine)[0]) if read else None
