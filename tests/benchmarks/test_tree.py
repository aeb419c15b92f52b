"""The tree that ``hermetic init`` is measured on."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

from benchmarks.init import INIT
from benchmarks.tree import LINES, contents, write_tree
from hermetic.cli.init.setup_plan import make_plan


def test_a_tree_has_as_many_files_as_asked_for() -> None:
    """Nearly all of them have the lines that are promised, and all are Python."""
    for number in (40, 1000):
        texts = contents(number)
        assert len(texts) == number
    assert median(text.count("\n") for text in texts.values()) in range(LINES, LINES + 15)
    assert all(ast.parse(text) for name, text in texts.items() if "/part007" in name or "part" not in name)


def test_a_tree_is_a_project_that_is_set_up(tmp_path: Path) -> None:
    """With an application, tables, tests and a variable; looking at it is what is measured."""
    root = write_tree(tmp_path, 60)
    plan = make_plan(root)
    assert plan.choice.found[0].target == "shop.main:app"
    assert [metadata.tables for metadata in plan.tables.metadata] == [5 * 8]
    assert plan.runner.async_tests > 100
    assert "shop_database_url" in str(plan.environment.lines).lower()
    assert plan.observes
    assert INIT.look(root).wall > 0
    assert not (root / "pytest.ini").exists()
