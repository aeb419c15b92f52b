"""``hermetic db list``."""

from __future__ import annotations

import json
import os
import re

import pytest

from hermetic.cli import main
from hermetic.database.backends.postgresql.server import new_instance
from tests.cli.db.projects import Project

OURS = re.compile(r"^(?:template|kept) .*$", re.MULTILINE)


def test_nothing_is_kept(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project whose tests never ran is told so, and nothing is started to find out."""
    monkeypatch.setattr("hermetic.database.backends.postgresql.Postgresql.running", lambda self, project: [])
    assert main(["db", "list", str(project.root)]) == 0
    assert capsys.readouterr() == ("", "nothing is kept, and no server runs\n")


def test_what_a_run_left_is_listed(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Templates with their project, a database with its test, each with its size and date."""
    (name,) = project.leave("test_a.py::test_one")
    file = project.leave_template()
    assert main(["db", "list", str(project.root)]) == 0
    captured = capsys.readouterr()
    template, of_sqlite, kept = OURS.findall(captured.out)
    date = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d"
    root = re.escape(str(project.root))
    assert re.fullmatch(rf"template  hermetic_t_of_\w+  \d+\.\d MB  built {date}  {root}", template)
    assert re.fullmatch(rf"template  {re.escape(str(file))}  0\.0 MB  built {date}  {root}", of_sqlite)
    assert re.fullmatch(rf"kept      {name}  \d+\.\d MB  kept {date}  test_a.py::test_one", kept)
    assert "to look at them: hermetic db start" in captured.err


def test_it_can_be_read_by_programs(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has the same, in numbers."""
    file = project.leave_file("test_a.py::test_file")
    assert main(["db", "list", "--format", "json", str(project.root)]) == 0
    document = json.loads(capsys.readouterr().out)
    (kept,) = document["kept"]
    assert (kept["name"], kept["bytes"]) == (str(file), file.stat().st_size)
    assert (kept["test"], kept["project"]) == ("test_a.py::test_file", str(project.root))
    assert document["templates"] == []


def test_files_without_their_note_or_database_are_passed_over(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody may have removed one of the two."""
    project.leave_file("test_a.py::test_one").unlink()
    assert main(["db", "list", str(project.root)]) == 0
    assert OURS.findall(capsys.readouterr().out) == []


def test_servers_of_runs_are_listed(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its process and what it says of itself; those in hermetic_directory too."""
    project.write("hermetic_directory = homes")
    instance = new_instance("embedded", project=project.root, label="a run", directory=project.root / "homes")
    try:
        home = instance.handover()["home"]
        assert main(["db", "list", str(project.root)]) == 0
        # This process holds the home, so that the list passes it over; another one sees it.
        assert home not in capsys.readouterr().out
        child = os.fork()
        if not child:  # pragma: no cover - the forked child
            from hermetic.database.backends.postgresql.server.run_dir import running

            found = [one for one in running([project.root / "homes"]) if str(one.home) == home]
            os._exit(0 if [one.label for one in found] == ["a run"] else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        instance.stop()


def test_an_external_server_has_others_databases_too(
    project: Project, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the project's own are listed."""
    other = Project(project.root / "other")
    other.root.mkdir()
    other.leave("test_b.py::test_two", on=server)
    (name,) = project.write(f"hermetic_postgresql = {server}").leave("test_a.py::test_one", on=server)
    assert main(["db", "list", str(project.root)]) == 0
    template, kept = OURS.findall(capsys.readouterr().out)
    assert str(project.root) in template
    assert name in kept


def test_a_directory_must_exist(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Else it is an error, with how to say it."""
    assert main(["db", "list", str(project.root / "nowhere")]) == 2
    assert "is not a directory. [HM113]" in capsys.readouterr().err
