"""What the benchmarks keep."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path

from benchmarks.results import Report, keep, page, table


def test_a_table_is_markdown() -> None:
    """The first column is aligned to the left, the others to the right."""
    assert table(["way", "ms"], [["a", "1"]]) == "| way | ms |\n| :--- | ---: |\n| a | 1 |"


def test_raw_figures_are_kept(tmp_path: Path) -> None:
    """Every single measurement is in the JSON file, with the machine's versions."""
    keep(Report("suite", "## A heading", {"ms": [1.5, 2.5]}), tmp_path)
    kept = json.loads((tmp_path / "suite.json").read_text(encoding="utf-8"))
    assert kept["raw"] == {"ms": [1.5, 2.5]}
    assert kept["machine"]["python"].endswith(platform.python_version())


def test_nothing_kept_names_the_machine(tmp_path: Path) -> None:
    """Neither the host's name, nor the user's, nor a path is in what is kept."""
    keep(Report("suite", "## A heading", {}), tmp_path)
    kept = (tmp_path / "suite.json").read_text(encoding="utf-8")
    names = [platform.node(), str(Path.home()), str(tmp_path), getpass.getuser()]
    assert [name for name in names if f'"{name}"' in kept or (len(name) > 5 and name in kept)] == []


def test_the_page_has_all_kept_reports_in_order(tmp_path: Path) -> None:
    """One page shows the suite first, whichever was measured last."""
    for name in ("suite", "restore"):
        keep(Report(name, f"## {name}", {}), tmp_path)
    shown = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert shown.index("## suite") < shown.index("## restore")
    assert shown == page(tmp_path)
