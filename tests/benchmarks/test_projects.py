"""The projects that are measured."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks.processes import BenchmarkFailed, run_pytest
from benchmarks.projects import modules, write
from benchmarks.recipes import GUIDE_RECIPE, HERMETIC_RECIPE, RECIPES, Recipe, recipe
from benchmarks.shop import TABLES, Base
from tests.pytest_plugin.project import PLUGINS, Project

KEYS = [each.key for each in RECIPES]


def functions(text: str) -> list[str]:
    """Return the names of the tests in a module."""
    return [node.name for node in ast.parse(text).body if isinstance(node, ast.AsyncFunctionDef)]


def test_every_test_is_a_function_of_its_own() -> None:
    """Seventy tests are three modules of at most thirty, no name twice."""
    found = [functions(text) for text in modules(70)]
    assert [len(names) for names in found] == [30, 30, 10]
    assert len({name for names in found for name in names}) == 70


def test_tests_share_what_may_be_there_once() -> None:
    """The same e-mail address in every test shows a recipe that does not clean up."""
    (text,) = modules(2)
    assert text.count('"email": "ada@example.com"') == 2


def test_the_application_has_twenty_tables() -> None:
    """The table in the README says so."""
    assert len(Base.metadata.tables) == TABLES == 20


def test_the_number_of_tables_can_be_chosen(tmp_path: Path) -> None:
    """The application that is copied into a project has as many tables as asked for."""
    shop = write(GUIDE_RECIPE, tmp_path, tables=60).root / "shop.py"
    assert "\nTABLES = 60\n" in shop.read_text(encoding="utf-8")


def test_no_two_recipes_share_a_key() -> None:
    """A key finds one recipe."""
    assert [recipe(key).key for key in KEYS] == KEYS
    assert len(set(KEYS)) == len(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_recipes_tests_pass(tmp_path: Path, key: str) -> None:
    """Each test finds a clean database, with nobody at the one e-mail address that all use."""
    written = write(recipe(key), tmp_path)
    project = Project(written.root)
    # In another order they would be started anew.
    project.plugins = tuple(sorted(written.recipe.plugins, key=PLUGINS.index))
    result = project.pytest(written.tests(3))
    assert result.outcomes() == {"passed": 3}, result.output


def test_a_run_is_timed(tmp_path: Path) -> None:
    """It is started as a user's is, with the recipe's plugins."""
    project = write(HERMETIC_RECIPE, tmp_path)
    assert run_pytest(project.root, project.recipe.plugins, [project.tests(3)]).wall > 0


def test_a_recipe_that_does_not_clean_up_is_no_measurement(tmp_path: Path) -> None:
    """A test that finds another's row stops the benchmark, with pytest's own output."""
    project = write(Recipe("dirty", "no clean-up", "nothing.py"), tmp_path)
    with pytest.raises(BenchmarkFailed, match="assert 409 == 201"):
        run_pytest(project.root, GUIDE_RECIPE.plugins, [project.tests(2)])
