"""Which versions a project runs with, in which order the places that tell are asked, and which environment is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hermetic.doctor.versions import Versions, find_environment
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


@pytest.mark.parametrize(
    ("environ", "inside", "values", "files", "expected"),
    [
        ({}, True, {}, {}, None),
        ({"VIRTUAL_ENV": "/activated"}, True, {}, {}, "/activated"),
        ({"CONDA_PREFIX": "/activated"}, True, {}, {}, "/activated"),
        ({"VIRTUAL_ENV": "/activated"}, False, {}, {}, None),
        ({"VIRTUAL_ENV": "/activated"}, True, {}, {".venv/pyvenv.cfg": ""}, None),
        ({}, False, {"hermetic_app": "app:app"}, {}, "own"),
        ({"VIRTUAL_ENV": "/activated"}, True, {"hermetic_app": "app:app"}, {}, "/activated"),
    ],
)
def test_an_environment_is_taken_where_something_says_so(
    project: Project,
    environ: dict[str, str],
    inside: bool,
    values: dict[str, str],
    files: dict[str, str],
    expected: str | None,
) -> None:
    """It lies in the project, is activated there, or is that of a hermetic which the project's runs load."""
    sources = project.write({".git/HEAD": "", **files}).symbols().sources
    own = project.root.parent / "elsewhere"
    found = find_environment(
        sources,
        project.configuration(**values),
        environ=environ,
        started_in=sources.root if inside else own,
        own=own,
    )
    assert (str(found) if found else None) == (str(own) if expected == "own" else expected)


@pytest.mark.parametrize("is_this", [True, False])
def test_the_own_environment_counts_where_the_project_is_installed(project: Project, is_this: bool) -> None:
    """From its folder, as an editable install is; that of another says nothing."""
    sources = project.write({".git/HEAD": ""}).symbols().sources
    url = (sources.boundary if is_this else sources.boundary.parent / "another").as_uri()
    own = "../own/lib/python3.12/site-packages/shop-1.dist-info/direct_url.json"
    project.write({own: json.dumps({"dir_info": {"editable": True}, "url": url})})
    prefix = project.root.parent / "own"
    found = find_environment(sources, project.configuration(), environ={}, started_in=prefix, own=prefix)
    assert found == (prefix if is_this else None)
