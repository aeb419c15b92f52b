"""Whether each case is what its ``case.toml`` says, without hermetic: the fault shows itself, the fixed one passes.

What needs PostgreSQL gets a new database on the server that ``PITFALL_PG`` names (``host:port``, trust for postgres).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.pitfalls.corpus import Case
from tests.pitfalls.projects import Run, project, without_hermetic


def main(cases: Sequence[Case], *, show: bool) -> int:
    """Run each case and its fixed twin; return 1 if one differs from its description."""
    wrong = 0
    for case in cases:
        if case.database and "PITFALL_PG" not in os.environ:
            print(f"{case.name:60} not run: PITFALL_PG names no server")
            continue
        broken = _run(case, case.folders)
        fixed = _run(case, case.fixed) if case.fixed else None
        as_described = _as_described(case, broken)
        good = as_described and (fixed is None or fixed.passed)
        print(
            f"{case.name:60} {'as described' if as_described else 'DIFFERENT'}"
            + ("" if fixed is None else f"; fixed: {'passes' if fixed.passed else 'FAILS'}"),
            flush=True,
        )
        if show and not good:
            print(fixed.output if as_described and fixed else broken.output)
        wrong += not good
    return 1 if wrong else 0


def _run(case: Case, folders: Sequence[Path]) -> Run:
    with project(folders) as root:
        if not case.database:
            return without_hermetic(root, case.timeout)
        with _database() as url:
            return without_hermetic(root, case.timeout, url)


def _as_described(case: Case, run: Run) -> bool:
    if not case.cause:
        return run.passed
    ended = "hangs" if run.hung else "passes" if run.status == 0 else "fails"
    return ended == case.plain and re.search(case.symptom, run.output, re.MULTILINE | re.DOTALL) is not None


@contextmanager
def _database() -> Iterator[str]:
    server = os.environ["PITFALL_PG"]
    name = f"pitfall_{secrets.token_hex(4)}"
    with psycopg.connect(f"postgresql://postgres@{server}/postgres", autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
        try:
            yield f"postgresql+asyncpg://postgres@{server}/{name}"
        finally:
            connection.execute(f'drop database "{name}" with (force)')
