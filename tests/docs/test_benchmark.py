"""The figures on the pages are those that ``make bench`` measured last."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import pytest

from tests.docs.pages import ROOT

RESULTS = ROOT / "benchmarks" / "results"
Raw = Mapping[str, Any]


def table_of_tests(raw: Raw) -> str:
    """Return the README's table: a row for each recipe, milliseconds a test, and what concurrency does to it."""
    from benchmarks.recipes import RECIPES

    lines = ["| recipe | ms a test | may the application commit concurrently? |", "| :--- | ---: | :--- |"]
    for recipe in RECIPES:
        measured = raw["recipes"][recipe.key]
        lines.append(
            f"| {recipe.title} | {median(measured['ms_a_test']):.1f} | {concurrently(measured['at_once'])} |"
        )
    return "\n".join(lines)


def table_of_postgresql_tests(raw: Raw) -> str:
    """Return a row for each recipe on PostgreSQL, and milliseconds a test."""
    from benchmarks.recipes.postgresql import RECIPES

    lines = ["| recipe | ms a test |", "| :--- | ---: |"]
    lines += [f"| {recipe.title} | {median(raw[recipe.key]['ms_a_test']):.1f} |" for recipe in RECIPES]
    return "\n".join(lines)


def concurrently(at_once: list[Raw]) -> str:
    """Say what came of ten POSTs at once, alone and beside five that are rolled back."""
    for each in at_once:
        if each["left_their_row"] < each["sent"]:
            return f"no: {each['left_their_row']} of {each['sent']} left their row"
    return "yes"


def postgresql_restore_table(raw: Raw) -> str:
    """Return the table of restore alone on PostgreSQL, in milliseconds."""
    return table_of_ways({size: dict(ways) for size, ways in raw["tables"].items()})


def client_table(raw: Raw) -> str:
    """Return the table of the clients, in microseconds."""
    lines = ["| a GET | " + " | ".join(f"{app}, us" for app in raw) + " |", "| :--- |" + " ---: |" * len(raw)]
    for way in next(iter(raw.values())):
        lines.append(
            f"| {way} | " + " | ".join(f"{median(times[way]):,.0f}" for times in raw.values()) + " |"
        )
    return "\n".join(lines)


def migrations_table(raw: Raw) -> str:
    """Return a row for each state of the cache, in seconds of a run."""
    took = raw["seconds"]
    lines = [f"| the template | {' | '.join(took)} |", "| :--- |" + " ---: |" * len(took)]
    for title in took["alone"]:
        lines.append(f"| {title} | " + " | ".join(f"{median(of[title]):.1f}" for of in took.values()) + " |")
    return "\n".join(lines)


def restore_table(raw: Raw) -> str:
    """Return the table of restore alone, in milliseconds."""
    sizes = raw["tables"].items()
    return table_of_ways({size: {way: each["us"] for way, each in ways.items()} for size, ways in sizes})


def table_of_ways(sizes: Mapping[str, Mapping[str, list[float]]]) -> str:
    """Return a row for each way back to the baseline, and a column for each number of tables."""
    lines = [
        "| way back | " + " | ".join(f"{size} tables" for size in sizes) + " |",
        "| :--- |" + " ---: |" * len(sizes),
    ]
    for way in next(iter(sizes.values())):
        figures = [f"{median(ways[way]) / 1000:.3f}" for ways in sizes.values()]
        lines.append(f"| {way} | " + " | ".join(figures) + " |")
    return "\n".join(lines).replace("1 tables", "1 table")


@pytest.mark.parametrize(
    ("page", "name", "table"),
    [
        ("README.md", "suite", table_of_tests),
        ("docs/restore.md", "restore", restore_table),
        ("docs/restore.md", "migrations", migrations_table),
        ("docs/postgresql.md", "postgresql_suite", table_of_postgresql_tests),
        ("docs/postgresql.md", "postgresql_restore", postgresql_restore_table),
        ("docs/client.md", "client_3_11", client_table),
        ("docs/client.md", "client_3_13", client_table),
    ],
    ids=[
        "a test",
        "restore",
        "migrations",
        "a test on postgresql",
        "restore on postgresql",
        "client",
        "client, 3.13",
    ],
)
def test_the_table_shows_the_last_results(page: str, name: str, table: Callable[[Raw], str]) -> None:
    """A table between the marks of a benchmark has the medians of its raw results; paste the one shown if not."""
    file = RESULTS / f"{name}.json"
    if not file.exists():
        pytest.skip("nothing was measured here: results are in the repository, not beside a wheel")
    results = json.loads(file.read_text(encoding="utf-8"))
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = text.partition(f"<!-- benchmark: {name} -->")[2].partition("<!-- end -->")[0].strip()
    assert shown == table(results["raw"])
