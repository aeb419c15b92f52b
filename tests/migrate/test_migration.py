"""Steps over a project: each reads what those before it have made, and nothing is written."""

from __future__ import annotations

import ast
import os
import weakref
from pathlib import Path

import pytest

from hermetic.errors import ConfigurationError
from hermetic.migrate.migration import Migration, limited, migrate, migrated, read
from hermetic.migrate.step import Outcome, Project, Step, TestName
from hermetic.migrate.text import Edit
from hermetic.source import modules
from tests.migrate.stepping import renaming
from tests.source.projects import Project as Files

TEST = "def test_one():\n    old()\n\n\ndef test_stays():\n    old()\n"
LEFT_ALONE = renaming("absent", "present")


def after(migration: Migration) -> dict[str, str]:
    """Return what becomes of each file that changes, by its name."""
    return {change.file.name: change.after.decode() for change in migration.changes}


def test_what_no_step_is_about_stays(project: Files) -> None:
    """There is no change, and nothing is told."""
    project.write({"tests/test_a.py": "def test_one():\n    old()\n"})
    migration = migrate(project.root, steps=[LEFT_ALONE])
    assert (migration.changes, migration.left, migration.notes) == ((), (), ())


def test_a_step_reads_what_those_before_it_have_made(project: Files) -> None:
    """And the files on the disk are as they were."""
    project.write({"tests/test_a.py": TEST})
    steps = [renaming("old", "middle", "first"), LEFT_ALONE, renaming("middle", "new", "second")]
    migration = migrate(project.root, steps=steps)
    (change,) = migration.changes
    assert change.steps == ("first", "second")
    assert change.after.decode() == TEST.replace("old", "new", 1)
    assert {test.path for test in migration.converted} == {"test_one"}
    assert project.read("tests/test_a.py") == TEST


def test_lines_are_those_of_the_files_as_they_are(project: Files) -> None:
    """Whatever the steps before have done to them; written, they are those of the new text."""
    project.write({"tests/test_a.py": TEST})
    longer = renaming("old", "(\n        new\n    )", "first")
    migration = migrate(project.root, steps=[longer, renaming("old", "", "second")])
    assert [each.line for each in migration.left] == [5, 5]
    assert [each.line for each in migration.review] == [1]
    assert [each.line for each in migration.written.left] == [7, 7]
    assert [each.line for each in migrate(project.root, steps=[renaming("old", "old")]).written.left] == [5]


def test_a_file_that_an_edit_breaks_is_left_and_the_step_runs_again(project: Files) -> None:
    """It is a defect, which is told; other files are changed, and the step knows which is not."""
    project.write({"tests/test_a.py": "old()", "tests/test_b.py": "x = old"})
    seen: list[set[str]] = []
    breaking = renaming("old", "new y")

    def run(project: Project) -> Outcome:
        seen.append({file.name for file in project.fixed})
        return breaking.run(project) if not seen[1:] else renaming("old", "new").run(project)

    migration = migrate(project.root, steps=[Step("breaks", "", True, ("", ""), run)])
    assert seen == [set(), {"test_a.py", "test_b.py"}]
    assert after(migration) == {}
    assert len(migration.defects) == 2
    assert (
        "the step breaks would make of it what is not Python (line 1: invalid syntax)" in migration.defects[0]
    )


def test_edits_that_overlap_are_a_defect(project: Files) -> None:
    """The file is left."""
    project.write({"tests/test_a.py": "old()"})
    file = project.root / "tests/test_a.py"
    edits = {file: (Edit(0, 3, "a"), Edit(1, 2, "b"))}
    step = Step("overlaps", "", True, ("", ""), lambda project: Outcome(edits))
    migration = migrate(project.root, steps=[step])
    assert "two edits overlap" in migration.defects[0]
    assert migration.changes == ()


def test_a_file_that_cannot_be_changed_is_told_to_steps_and_held(project: Files, tmp_path: Path) -> None:
    """One that is read-only, or a link out of the project; a link inside it is changed as the file that it is."""
    project.write({"tests/test_a.py": "old()", "tests/test_c.py": "old()", ".git/HEAD": ""})
    (tmp_path / "test_b.py").write_text("old()")
    os.chmod(project.root / "tests/test_a.py", 0o444)
    (project.root / "tests/test_b.py").symlink_to(tmp_path / "test_b.py")
    (project.root / "tests/test_d.py").symlink_to("test_c.py")
    found = read(project.root)
    assert {file.name: why.split(",")[0] for file, why in found.fixed.items()} == {
        "test_a.py": "is read-only",
        "test_b.py": "is a link out of the project",
    }
    migration = migrated(found, [renaming("old", "new")])
    assert after(migration) == {"test_c.py": "new()"}
    assert [note.endswith("by rename: it is read-only") for note in migration.notes] == [True, False]


def test_a_file_that_is_not_python_is_named_and_the_rest_is_changed(project: Files) -> None:
    """With its line."""
    project.write({"tests/test_a.py": "def (", "tests/test_b.py": "old()"})
    migration = migrate(project.root, steps=[renaming("old", "new")])
    assert after(migration) == {"test_b.py": "new()"}
    assert [note.partition("test_a.py ")[2] for note in migration.notes] == [
        "was not read: line 1: invalid syntax"
    ]


def test_projects_that_were_not_read_are_named(project: Files) -> None:
    """Where they have tests with a client: a repository may have several projects, and one is migrated."""
    app = "from fastapi import FastAPI\napp = FastAPI()\n"
    test = "from fastapi.testclient import TestClient\nold(TestClient(app))\n"
    for name, text in {"a": test, "b": test, "c": "old()\n"}.items():
        files = {
            "app/__init__.py": "",
            "app/main.py": app,
            "pytest.ini": "[pytest]\n",
            "tests/test_a.py": text,
        }
        project.write({f"services/{name}/{file}": each for file, each in files.items()} | {".git/HEAD": ""})
    migration = migrate(project.root, steps=[renaming("old", "new")])
    assert [change.file.relative_to(project.root).parts[1] for change in migration.changes] == ["a"]
    other = project.root / "services" / "b"
    assert migration.notes == (f"{other} is a project of its own, and was not read: give it for PATH",)
    assert migrate(other, steps=[renaming("old", "new")]).notes == ()


def test_tests_to_keep_are_handed_to_the_steps(project: Files) -> None:
    """With why."""
    project.write({"tests/test_a.py": ""})
    kept = {TestName(project.root / "tests/test_a.py", "test_one"): ("HM899", "it fared worse")}
    given: list[object] = []

    def run(project: Project) -> Outcome:
        given.append(project.keep)
        return Outcome({})

    migrate(project.root, steps=[Step("looks", "", True, ("", ""), run)], keep=kept)
    assert given == [kept]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_comments_say_why_a_test_is_left(project: Files, newline: str) -> None:
    """Above its decorators, and once; they go when the test is converted."""
    before = "class TestA:\n\t@mark\n\tdef test_stays(self):\n\t\told()\n\nnow = 1\n"
    project.write({"tests/test_a.py": before.replace("\n", newline)})
    path = project.root / "tests/test_a.py"

    def commented(comment: bool) -> str | None:
        found = migrated(read(project.root), [in_class(renaming("old", "new"))], comment=comment)
        return after(found).get("test_a.py")

    text = before.replace("\t@mark", "\t# hermetic migrate: HM899: old is wanted\n\t@mark")
    assert commented(False) is None
    assert commented(True) == text.replace("\n", newline)
    path.write_bytes(text.replace("\n", newline).encode())
    assert commented(True) is None
    path.write_bytes(text.replace("_stays", "_goes").replace("\n", newline).encode())
    assert commented(False) == before.replace("_stays", "_goes").replace("old", "new").replace("\n", newline)


def in_class(step: Step) -> Step:
    """Return the step for tests that are methods of ``TestA``."""
    from dataclasses import replace

    def run(project: Project) -> Outcome:
        found = step.run(project)
        return replace(
            found,
            converted=frozenset(replace(test, path=f"TestA::{test.path}") for test in found.converted),
            left=tuple(
                replace(each, test=replace(each.test, path=f"TestA::{each.test.path}")) for each in found.left
            ),
        )

    return replace(step, run=run)


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        ("tests/test_a.py", {"test_a.py"}),
        ("tests/users", {"test_b.py"}),
        ("tests", {"test_a.py", "test_b.py"}),
        (".", {"test_a.py", "test_b.py", "conftest.py"}),
        ("..", {"test_a.py", "test_b.py", "conftest.py"}),
    ],
)
def test_only_what_is_asked_for_is_changed(place: str, changed: set[str], project: Files) -> None:
    """All of the project is read, and what would change elsewhere is not told."""
    project.write(dict.fromkeys(("conftest.py", "tests/test_a.py", "tests/users/test_b.py"), TEST))
    found = migrated(limited(read(project.root), project.root / place), [renaming("old", "new")])
    assert set(after(found)) == changed
    assert {each.test.file.name for each in found.left} == changed
    assert found.notes == ()


def test_a_place_without_files_of_the_project_is_named(project: Files) -> None:
    """As a user has then mistyped it."""
    project.write({"pytest.ini": "[pytest]\n", "tests/test_a.py": TEST})
    with pytest.raises(ConfigurationError, match=r"pytest.ini has no Python file of the project"):
        limited(read(project.root), project.root / "pytest.ini")


def test_the_tree_of_a_file_that_changes_goes(project: Files) -> None:
    """And comes back where the project as it was is asked again, as each round of a verification does."""
    project.write({"tests/test_a.py": TEST})
    before = read(project.root)
    module = before.symbols.sources.modules[project.root / "tests/test_a.py"]
    scope, tree = before.symbols.scope(module.path), module.tree
    found = [migrated(before, [renaming("old", "new")]) for _ in range(2)]
    assert found[0].changes == found[1].changes
    assert module.tree is not tree
    assert before.symbols.scope(module.path).definitions["test_one"] is module.tree.body[0]
    assert scope.definitions["test_one"] is tree.body[0]


def test_one_tree_is_there_at_a_time(project: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a suite's files each is read, looked at and rewritten by itself; of a conftest two share, two are."""
    client = "from fastapi.testclient import TestClient\nfrom app.main import app\n"
    test = "def test_one(client):\n    assert client.get('/').status_code == 200\n"
    project.write({"app/__init__.py": "", "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n"})
    project.write({f"tests/test_{number}.py": test for number in range(12)})
    fixture = "@pytest.fixture\ndef client():\n    with TestClient(app) as client:\n        yield client\n"
    project.write({"tests/conftest.py": f"import pytest\n{client}\n\n{fixture}"})
    alive: list[weakref.ref[ast.AST]] = []
    most: list[int] = []

    def parsed(path: Path, text: bytes) -> ast.Module:
        tree = ast.parse(text)
        alive.extend(weakref.ref(each.body[0]) for each in tree.body if isinstance(each, ast.FunctionDef))
        most.append(sum(each() is not None for each in alive))
        return tree

    monkeypatch.setattr(modules, "_tree_of", parsed)
    migration = migrate(project.root)
    assert len(migration.converted) == 12
    assert len(most) > 3 * 12
    assert max(most) <= 2
