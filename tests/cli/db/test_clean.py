"""``hermetic db clean``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hermetic.cli import main
from tests.cli.db.projects import Project


def listed(project: Project, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], list[str]]:
    """Return the names of what is kept and of the templates."""
    capsys.readouterr()
    main(["db", "list", "--format", "json", str(project.root)])
    document = json.loads(capsys.readouterr().out)
    return [kept["name"] for kept in document["kept"]], [one["name"] for one in document["templates"]]


def test_kept_databases_go_and_templates_stay(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Files too; each is named, with its test."""
    (name,) = project.leave("test_a.py::test_one")
    file = project.leave_file("test_a.py::test_file")
    assert main(["db", "clean", str(project.root)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"removed {file}  test_a.py::test_file",
        f"removed {name}  test_a.py::test_one",
    ]
    assert list(file.parent.iterdir()) == []
    kept, templates = listed(project, capsys)
    assert (kept, len(templates)) == ([], 1)


def test_a_dry_run_removes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what would be."""
    names = project.leave("test_a.py::test_one", "test_a.py::test_two")
    file = project.leave_file("test_a.py::test_file")
    assert main(["db", "clean", "--dry-run", str(project.root)]) == 0
    out = capsys.readouterr().out
    assert out.count("would remove ") == 3
    assert sorted(listed(project, capsys)[0]) == sorted([*names, str(file)])


def test_all_takes_the_project_s_cluster(
    project: Project, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Templates and kept databases are in it, beside those of SQLite; a dry run names it all and leaves it."""
    project.leave("test_a.py::test_one")
    file = project.leave_template()
    assert main(["db", "clean", "--all", "--dry-run", str(project.root)]) == 0
    out = capsys.readouterr().out
    assert f"would remove {file}\nwould remove {cache / 'projects'}" in out
    assert main(["db", "clean", str(project.root)]) == 0
    assert file.exists()
    assert main(["db", "clean", "--all", str(project.root)]) == 0
    assert f"removed {file}\nremoved {cache / 'projects'}" in capsys.readouterr().out
    assert listed(project, capsys) == ([], [])


def test_what_projects_share_stays(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not the project's, and is not offered."""
    monkeypatch.setenv("HERMETIC_CACHE", str(tmp_path / "mine"))
    (tmp_path / "mine" / "initdb").mkdir(parents=True)
    (tmp_path / "mine" / "binaries-1").touch()
    for further in (["--dry-run"], []):
        assert main(["db", "clean", "--all", *further, str(project.root)]) == 0
        assert capsys.readouterr().out == ""
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["binaries-1", "initdb"]


def test_an_external_server_keeps_what_is_others(
    project: Project, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --all the project's templates go, and nobody else's."""
    other = Project(project.root / "other")
    other.root.mkdir()
    other.write(f"hermetic_postgresql = {server}").leave("test_b.py::test_two", on=server)
    project.write(f"hermetic_postgresql = {server}").leave("test_a.py::test_one", on=server)
    assert main(["db", "clean", "--all", str(project.root)]) == 0
    assert listed(project, capsys) == ([], [])
    kept, templates = listed(other, capsys)
    assert (len(kept), len(templates)) == (1, 1)


def test_there_may_be_nothing_to_clean(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With a cluster that has templates only, and without any."""
    assert main(["db", "clean", str(project.root)]) == 0
    assert capsys.readouterr().err == "nothing to clean\n"
    project.leave()
    assert main(["db", "clean", str(project.root)]) == 0
    assert capsys.readouterr().err == "nothing to clean\n"
