"""The version that a project names."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server.declared_version import Named, mismatch, named_version


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
