"""Keeping what was measured: raw figures as JSON, and one page of tables made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe, one_minute_load

RESULTS = Path(__file__).parent / "results"
ORDER = (
    "suite",
    "restore",
    "failures",
    "startup",
    "init",
    "doctor",
    "migrate",
    "migrations",
    "concurrency",
    "postgresql_suite",
    "postgresql_restore",
    "client_3_11",
    "client_3_12",
    "client_3_13",
    "pairs",
)

Json = Mapping[str, "Json"] | Sequence["Json"] | str | float | bool | None


@dataclass(frozen=True)
class Report:
    """What one benchmark found.

    Attributes:
        name: The benchmark's module.
        text: Markdown: a heading, what was done, tables.
        raw: Every single measurement, with its unit in its key.
    """

    name: str
    text: str
    raw: Json


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a markdown table; all columns but the first are aligned to the right."""
    aligned = [":---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, aligned, *rows])


def keep(report: Report, folder: Path = RESULTS) -> None:
    """Write a report's raw figures, and make the page of all kept reports anew."""
    folder.mkdir(exist_ok=True)
    record = {
        "benchmark": report.name,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe(),
        "load_1min": one_minute_load(),
        "text": report.text,
        "raw": report.raw,
    }
    (folder / f"{report.name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(page(folder), encoding="utf-8")


def page(folder: Path) -> str:
    """Write the page of all reports kept in a folder."""
    files = [folder / f"{name}.json" for name in ORDER]
    kept = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    parts = [
        "# What was measured",
        "Made by `make bench` from the raw figures in the JSON files beside this page; do not edit. Figures are "
        "medians, in brackets the least and the greatest. Absolute figures depend on the machine and on what else it "
        "did; the sides of each comparison were run in turns, so that the ratios can be trusted further.",
    ]
    parts.extend(f"{record['text']}\n\n{_origin(record)}" for record in kept)
    return "\n\n".join(parts) + "\n"


def _origin(record: Mapping[str, object]) -> str:
    machine = record["machine"]
    assert isinstance(machine, dict)
    facts = ", ".join(f"{key} {value}" for key, value in machine.items())
    return f"<sub>{record['date']}; {facts}; load at the end {record['load_1min']}</sub>"
