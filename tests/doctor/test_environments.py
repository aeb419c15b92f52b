"""Which environment a project runs in."""

from __future__ import annotations

import json

import pytest

from hermetic.doctor.environments import find_environment
from tests.source.projects import Project


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
