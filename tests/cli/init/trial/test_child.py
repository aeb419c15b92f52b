"""What a child does besides importing: see ``test_trial`` for that."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hermetic.cli.init.trial.child import BUILT_BY_TESTS, attempt, build, routes
from hermetic.cli.init.trial.outcome import Failure, Outcome
from hermetic.database.backend import get_backend
from hermetic.settings import Settings


def test_routes_are_counted_through_what_holds_them(tmp_path: Path) -> None:
    """Routers, mounted applications, wrappers; not FastAPI's own documentation."""
    inner, outer, app, mounted = APIRouter(), APIRouter(), FastAPI(), FastAPI(openapi_url=None)
    for router in (inner, outer, app, mounted):
        router.add_api_route("/a", lambda: None)
    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/outer")
    app.mount("/mounted", mounted)
    app.mount("/files", StaticFiles(directory=tmp_path))
    assert routes(GZipMiddleware(app)) == 5
    assert routes(SimpleNamespace(routes=[Mount("/x", routes=[Route("/y", lambda: None)])])) == 1
    assert routes(object()) == 0


def test_a_setting_that_only_a_run_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with its hint; nothing has been imported."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    request = {
        "directory": str(tmp_path),
        "project": str(tmp_path),
        "paths": [],
        "ini": {"hermetic_app": "nowhere:app", "hermetic_allow": ["nonsense"]},
        "before": {},
        "after": {},
    }
    hint = "hermetic_allow = postgresql://db.example:5432/name, or sqlite:///path/to/file.db"
    what = "hermetic_allow: 'nonsense' is not a database URL."
    assert attempt(request, tmp_path) == Outcome(failure=Failure(what, hints=(hint,)))


@pytest.mark.parametrize(
    ("path", "failure"),
    [
        ("json:nothing", Failure("importing json")),
        ("sys:exit()", Failure("calling sys:exit()", hints=(BUILT_BY_TESTS,))),
    ],
)
def test_what_was_being_done(path: str, failure: Failure) -> None:
    """Where a factory fails, tests may still build the application themselves."""
    assert build(path, lambda error, stage: Failure(stage)) == (None, failure)


@pytest.mark.parametrize(
    ("backend", "server", "url"),
    [
        ("sqlite", None, "sqlite:////tmp/x/hermetic.db"),
        ("postgresql", "embedded", "postgresql://hermetic@/hermetic?host=%2Ftmp%2Fx&port=5432"),
        ("postgresql", "postgresql+psycopg://me:pw@db/maintenance?a=b", "postgresql://me:pw@db/hermetic?a=b"),
    ],
)
def test_a_url_has_the_form_that_a_run_s_has(backend: str, server: str | None, url: str) -> None:
    """So that an application which takes only URLs of another form fails as it would in a run."""
    settings = Settings(postgresql=server)
    assert (
        get_backend(backend)
        .planned_url(settings, Path("/tmp/x"), "hermetic")
        .render_as_string(hide_password=False)
        == url
    )
