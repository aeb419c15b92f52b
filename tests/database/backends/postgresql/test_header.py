"""What a run says of its PostgreSQL server."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import NoReturn

import pytest

from hermetic.database.backends.postgresql import header as module
from hermetic.database.backends.postgresql.header import (
    ExpectedServer,
    Named,
    announcement,
    expected,
    expected_lines,
    facts_lines,
    mismatch,
    named_version,
)
from hermetic.database.backends.postgresql.server import Facts
from hermetic.settings import Settings


def programs(directory: Path) -> Path:
    """Make a directory that looks like an installation's."""
    directory.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (directory / name).touch(0o755)
    return directory


def test_the_wheel_s_version_is_known() -> None:
    """Its major number is PostgreSQL's."""
    found = expected("embedded")
    assert found is not None
    assert str(found) == f"embedded {found.major}"
    assert found.major is not None and found.major >= 18


def test_a_wheel_without_metadata_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendored copy serves all the same."""

    def lacking(name: str) -> NoReturn:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", lacking)
    assert expected("embedded") == ExpectedServer("embedded")


def test_a_directory_tells_by_its_name(tmp_path: Path) -> None:
    """As Debian and Homebrew name it."""
    path = programs(tmp_path / "postgresql@16" / "bin")
    assert expected(str(path)) == ExpectedServer(str(path), 16)


def test_a_url_is_shown_without_its_password() -> None:
    """Its version is known once it is reached."""
    assert str(expected("postgresql://me:secret@db/app")) == "postgresql://me:***@db/app"


def test_a_setting_that_finds_nothing_is_no_error_yet() -> None:
    """The first test that needs a server is told."""
    assert expected("/nowhere/at/all") is None


@pytest.mark.parametrize(
    ("image", "major"),
    [
        ("postgres:16", 16),
        ('"postgres:16.3-alpine"', 16),
        ("docker.io/library/postgres:9.6", 9),
        ("localhost:5000/postgres:17", 17),
        ("postgis/postgis:15-3.4", 15),
        ("pgvector/pgvector:pg16", 16),
        ("timescale/timescaledb:latest-pg14", 14),
        ("bitnami/postgresql:13", 13),
    ],
)
def test_an_image_names_a_version(tmp_path: Path, image: str, major: int) -> None:
    """Whoever made it, and whatever follows the number; the file and the line are told."""
    (tmp_path / "compose.yaml").write_text(f"services:\n  db:\n    image: {image}\n")
    named = named_version(None, tmp_path)
    assert named == Named(major, f"compose.yaml:3 ({image.strip(chr(34))})")


@pytest.mark.parametrize(
    "line",
    [
        "# image: postgres:16",
        "image: postgres",
        "image: postgres:latest",
        "image: redis:7",
        "image: my-postgres:3",
    ],
)
def test_other_images_name_none(tmp_path: Path, line: str) -> None:
    """Nor do comments and tags without a number."""
    (tmp_path / "docker-compose.yml").write_text(f"services:\n  db:\n    {line}\n")
    assert named_version(None, tmp_path) is None


def test_the_setting_comes_first(tmp_path: Path) -> None:
    """No file is read then."""
    (tmp_path / "compose.yaml").write_text("image: postgres:16\n")
    assert named_version("17", tmp_path) == Named(17, "hermetic_postgresql_version")


def test_workflows_count_after_compose(tmp_path: Path) -> None:
    """A service of a job is written as a container's image too."""
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "test.yml").write_text("  - image: postgres:15\n")
    assert named_version(None, tmp_path) == Named(15, ".github/workflows/test.yml:1 (postgres:15)")


def test_a_repository_is_looked_at_up_to_its_top(tmp_path: Path) -> None:
    """The backend's tests find what lies beside the backend, and nothing outside the repository."""
    root = tmp_path / "repository" / "backend"
    root.mkdir(parents=True)
    (tmp_path / "compose.yaml").write_text("image: postgres:14\n")
    assert named_version(None, root) is None
    (root.parent / ".git").mkdir()
    assert named_version(None, root) is None
    (root.parent / "compose.yaml").write_text("image: postgres:16\n")
    named = named_version(None, root)
    assert named is not None
    assert named.where == f"{root.parent / 'compose.yaml'}:1 (postgres:16)"


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    """A directory of that name, say."""
    (tmp_path / "compose.yaml").mkdir()
    assert named_version(None, tmp_path) is None


def test_another_version_is_warned_of() -> None:
    """With where it was found; the same, or an unknown one, is not."""
    named = Named(16, "compose.yaml:3 (postgres:16)")
    warning = mismatch(18, named)
    assert warning is not None
    assert "run on PostgreSQL 18, but compose.yaml:3 (postgres:16) says 16" in warning
    assert mismatch(16, named) is mismatch(None, named) is mismatch(18, None) is None


NAMED = Named(16, "compose.yaml:3 (postgres:16)")
WARNING = (
    "warning: the tests run on PostgreSQL 18, but compose.yaml:3 (postgres:16) says 16;"
    " hermetic_postgresql = /path/to/bin or a URL brings another server"
)


def test_a_server_is_announced() -> None:
    """What was chosen, and the warning where it is another version than production's."""
    assert expected_lines(ExpectedServer("embedded", 18), NAMED) == [
        "postgresql: embedded 18, started when a test first needs it",
        WARNING,
    ]
    assert expected_lines(ExpectedServer("embedded", 16), NAMED) == [
        "postgresql: embedded 16, started when a test first needs it"
    ]


def test_a_missing_server_is_said() -> None:
    """It may not be needed."""
    assert expected_lines(None, None) == ["postgresql: no server was found yet"]


def test_a_server_by_its_url_is_announced(tmp_path: Path) -> None:
    """Without a password, and nothing is asked of it."""
    assert announcement(Settings(postgresql="postgresql://me:secret@h/d"), tmp_path) == [
        "postgresql: postgresql://me:***@h/d, started when a test first needs it"
    ]


def test_facts_of_a_server_that_was_used() -> None:
    """Version, source, how texts are ordered."""
    facts = Facts(180006, "embedded 18.6", "C.UTF-8 (builtin)", True, 300)
    assert facts_lines(facts, "hermetic_admin", None) == [
        "postgresql: embedded 18.6, locale C.UTF-8 (builtin)"
    ]
    assert facts_lines(facts, "hermetic_admin", NAMED)[1:] == [WARNING]


def test_a_role_that_is_no_superuser_is_told() -> None:
    """With what that changes."""
    facts = Facts(160001, "postgresql://me@db/app (16.1)", "en_US.UTF-8", False, 100)
    assert facts_lines(facts, "me", NAMED) == [
        "postgresql: postgresql://me@db/app (16.1), locale en_US.UTF-8",
        "the role 'me' is no superuser: dirty tables are emptied in foreign-key order,"
        " and changes of the schema are found by comparing the catalog",
    ]
