"""Applications that do, while they are imported, what a trial must not let happen."""

from __future__ import annotations

from tests.source.projects import Project

MAIN = """\
from fastapi import APIRouter, FastAPI

import app.config

app = FastAPI()
inner = APIRouter()


@app.get("/a")
def a(): ...


@inner.get("/b")
def b(): ...


app.include_router(inner, prefix="/inner")
"""


def application(project: Project, config: str, **files: str) -> Project:
    """Write an application of two routes that imports ``app/config.py``; further files by their names in ``app``."""
    further = {f"app/{name}.py": text for name, text in files.items()}
    return project.write({"app/__init__.py": "", "app/main.py": MAIN, "app/config.py": config, **further})
