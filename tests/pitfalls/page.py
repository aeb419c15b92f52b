"""What ``docs/pitfalls.md`` says of each pitfall, compared line by line with how its projects ended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.pitfalls import endings

PAGE = Path(__file__).parents[2] / "docs" / "pitfalls.md"

_ROW = re.compile(r"^\|.*\| (?P<state>[^|]*?) <!-- (?P<cases>[a-z -]+) --> \|$", re.MULTILINE)

_STATE = re.compile(r"^(happens no more|named|by hand)")

_WITHOUT_A_PROJECT = "no case"


class Row(NamedTuple):
    """A line of a table.

    Attributes:
        state: What it says becomes of such a project.
        cases: The names of the projects that prove it.
    """

    state: str
    cases: tuple[str, ...]


def rows() -> list[Row]:
    """Return the lines of all tables that name their projects."""
    found = _ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return [
        Row(row["state"], tuple(row["cases"].split())) for row in found if row["cases"] != _WITHOUT_A_PROJECT
    ]


def untrue(recorded: Mapping[str, str]) -> Iterator[str]:
    """Yield what the page says otherwise than the projects ended.

    Args:
        recorded: How each project ended, by its name.
    """
    for state, cases in rows():
        ended = {recorded[name] for name in cases}
        if not state.startswith(_expected(ended)):
            yield f"{', '.join(cases)}: the page says {state!r}, and it is {_expected(ended)!r}"
        deleted = {recorded.get(f"{name} (deleted)") for name in cases}
        if ("gone once you delete" in state) != (deleted == {endings.PASSES}):
            yield f"{', '.join(cases)}: the page says {state!r}; what is left without it: {deleted}"


def write(recorded: Mapping[str, str]) -> None:
    """Have each line say what became of its projects; what it says beside that is left to its author."""

    def line(row: re.Match[str]) -> str:
        names = row["cases"].split()
        if row["cases"] == _WITHOUT_A_PROJECT or not recorded.keys() >= {*names}:
            return row[0]
        state = _STATE.sub(_expected({recorded[name] for name in names}), row["state"])
        return row[0].replace(f"| {row['state']} <!--", f"| {state} <!--")

    PAGE.write_text(_ROW.sub(line, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _expected(ended: set[str]) -> str:
    if ended == {endings.IMPOSSIBLE}:
        return "happens no more"
    return "named" if ended <= {endings.IMPOSSIBLE, endings.EXPLAINED} else "by hand"
