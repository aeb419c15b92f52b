"""Which versions a project runs with, and in which order the places that tell are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.doctor.versions import Versions
from tests.source.projects import Project

LOCK = '[[package]]\nname = "httpx"\nversion = "{}"\n'


def answer(root: Path, environment: Path | None = None) -> bool | None:
    """Whether httpx is 0.28 or later; None where that is not known."""
    versions = Versions([root], environment)
    since, before = versions.since("httpx", (0, 28)), versions.before("httpx", (0, 28))
    assert not (since and before)
    assert bool(versions.unknown) is (since is before is None)
    return bool(since) if since or before else None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"uv.lock": LOCK.format("0.28.1")}, True),
        ({"uv.lock": LOCK.format("0.27.2")}, False),
        ({"uv.lock": LOCK.format("0.27.2") + LOCK.format("0.28.1")}, None),
        ({"Pipfile.lock": '{"develop": {"httpx": {"version": "==0.28.0"}}}'}, True),
        ({"requirements.txt": "httpx==0.28.1"}, True),
        ({"requirements.txt": "httpx>=0.28,<1"}, True),
        ({"requirements.txt": "httpx<0.28"}, False),
        ({"requirements.txt": "httpx>=0.23"}, None),
        ({"requirements.txt": "httpx"}, None),
        ({"pyproject.toml": '[tool.poetry.dependencies]\nhttpx = "^0.28"'}, True),
        ({"pyproject.toml": '[tool.poetry.dependencies]\nhttpx = "^0.27"'}, False),
        ({"pyproject.toml": 'dependencies = ["httpx~=0.28.0"]'}, True),
        ({"pyproject.toml": 'dependencies = ["httpx>=0.20,!=0.25"]'}, None),
        ({"requirements.txt": "httpx==0.28.*"}, True),
        ({".venv/lib/python3.12/site-packages/httpx-0.28.1.dist-info/METADATA": ""}, True),
        ({".venv/Lib/site-packages/HTTPX-0.27.0.dist-info/METADATA": ""}, False),
        ({".venv/lib/python3.12/site-packages/httpx2-0.28.1.dist-info/METADATA": ""}, None),
        (
            {
                "uv.lock": LOCK.format("0.28.1"),
                ".venv/lib/python3.12/site-packages/httpx-0.27.0.dist-info/METADATA": "",
            },
            True,
        ),
        (
            {
                "requirements.txt": "httpx>=0.23",
                ".venv/lib/python3.12/site-packages/httpx-0.27.0.dist-info/METADATA": "",
            },
            False,
        ),
    ],
)
def test_lock_files_go_first_then_requirements_then_the_environment(
    project: Project, files: dict[str, str], expected: bool | None
) -> None:
    """Where one does not tell, or two entries of it disagree, the next is asked."""
    assert answer(project.write(files).root) is expected


def test_an_environment_can_be_named(project: Project) -> None:
    """Then the project's own does not count."""
    own, other = (
        f"{name}/lib/python3.12/site-packages/httpx-{version}.dist-info/METADATA"
        for name, version in ((".venv", "0.27.0"), ("other", "0.28.1"))
    )
    project.write({own: "", other: ""})
    assert answer(project.root) is False
    assert answer(project.root, project.root / "other") is True
