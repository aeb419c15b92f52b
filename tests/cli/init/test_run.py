"""`hermetic init` from the command line to the files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermetic.cli import main
from tests.pytest_plugin import project as harness
from tests.source.projects import APP, MODELS, Project

WHOLE = {
    "app/__init__.py": "",
    "app/main.py": "from app.models import User\n" + APP,
    "app/models.py": MODELS,
    "tests/conftest.py": "import os\nos.environ['TESTING'] = 'x'\nm.create_all(e)\n",
}


def snapshot(root: Path) -> dict[str, bytes]:
    """Return every file of a project."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_init_writes_and_reports(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The settings go to the file, findings to stdout, talk to stderr."""
    assert main(["init", str(project.write(WHOLE).root)]) == 0
    captured = capsys.readouterr()
    assert "hermetic_app = app.main:app\npythonpath = .\n" in project.read("pytest.ini")
    assert [line.split(": ")[1] for line in captured.out.splitlines()] == ["env-in-conftest", "create-all"]
    assert "application   app.main:app" in captured.err


def test_the_current_directory_is_the_default(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """``hermetic init`` alone."""
    monkeypatch.chdir(project.write(WHOLE).root)
    assert main(["init"]) == 0
    assert "hermetic_app" in project.read("pytest.ini")


def test_diff_writes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The diff is all that goes to stdout."""
    project.write({"main.py": APP, "pytest.ini": "[pytest]\n"})
    before = snapshot(project.root)
    assert main(["init", str(project.root), "--diff"]) == 0
    assert snapshot(project.root) == before
    out = capsys.readouterr().out
    assert "\n+hermetic_app = main:app\n" in out
    assert "\n+++ b/" in out


def test_check_writes_nothing_and_tells_by_its_exit_code(project: Project) -> None:
    """1 while something is missing, 0 when all is there."""
    before = snapshot(project.write(WHOLE).root)
    assert main(["init", str(project.root), "--check"]) == 1
    assert main(["init", str(project.root), "--check", "--diff"]) == 1
    assert snapshot(project.root) == before
    main(["init", str(project.root)])
    assert main(["init", str(project.root), "--check"]) == 0


def test_the_diff_is_what_is_written(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Taking the diff back after the command has run gives the files as they were."""
    files = {"main.py": APP, "setup.cfg": "[tool:pytest]\r\naddopts = -q\r\n\r\n[other]\r\n"}
    main(["init", str(project.write(files).root), "--diff"])
    diff = capsys.readouterr().out
    main(["init", str(project.root)])
    assert snapshot(project.root).keys() == {"main.py", "setup.cfg", "tests/conftest.py"}
    patch = ["patch", "--binary", "-R", "-p1"]
    subprocess.run(patch, cwd=project.root, input=diff.encode(), check=True, capture_output=True)
    assert snapshot(project.root) == {name: text.encode() for name, text in files.items()}


def test_a_diff_is_relative_to_the_repository(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """So that ``git apply`` takes it; a name with a space is marked as git marks it."""
    project.write({".git/HEAD": "", "my app/main.py": APP, "my app/requirements.txt": ""})
    main(["init", str(project.root / "my app"), "--diff"])
    assert "\n+++ b/my app/pytest.ini\t\n" in capsys.readouterr().out


def test_an_error_leaves_every_file_as_it_was(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A read-only configuration: exit code 2, its name, and not even a conftest."""
    project.write({"main.py": APP, "pytest.ini": "[pytest]\n"})
    (project.root / "pytest.ini").chmod(0o444)
    before = snapshot(project.root)
    assert main(["init", str(project.root)]) == 2
    assert "pytest.ini is read-only" in capsys.readouterr().err
    assert snapshot(project.root) == before


configurations = st.sampled_from(
    [
        {},
        {"pytest.ini": ""},
        {"pytest.ini": "[pytest]\r\naddopts = -q"},
        {"pytest.ini": "\ufeff[pytest]\n"},
        {"tox.ini": "[tox]\nx = 1\n"},
        {"tox.ini": "[pytest]\npythonpath = src\n[tox]\n"},
        {"setup.cfg": "[tool:pytest]\nhermetic = off\n"},
        {"pyproject.toml": "[project]\nname = 'x'"},
        {"pyproject.toml": "[tool.pytest.ini_options]\nhermetic_app = 'main:app'\n[tool.x]\n"},
        {"pyproject.toml": "[tool.pytest]\naddopts = ['-q']\n"},
        {"pyproject.toml": "[project]\nname = 'x'\n", "setup.cfg": "[tool:pytest]\n"},
        {"pytest.toml": "[pytest]\n"},
    ]
)
codes = st.lists(
    st.sampled_from(
        [
            ("models.py", MODELS),
            ("other.py", MODELS),
            ("pkg/main.py", APP),
            ("alembic.ini", ""),
            ("config.py", "import os\nx = os.environ['DATABASE_URL']\ny = os.getenv('TESTING')"),
            ("tests/conftest.py", "import pytest_asyncio\nm.create_all(e)"),
            ("tests/test_a.py", "@pytest.mark.asyncio\nasync def test(): ..."),
            ("tests/test_b.py", "@pytest.mark.anyio\nasync def test(): ..."),
            ("broken.py", "def f(:"),
        ]
    ),
    unique=True,
)


@given(configuration=configurations, code=codes)
def test_a_second_run_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, configuration: dict[str, str], code: list[tuple[str, str]]
) -> None:
    """Whatever the shape of the project: the second run finds nothing to write, nor to show in a diff."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.write({"main.py": APP, **configuration, **dict(code)})
    assert main(["init", str(project.root)]) == 0
    written = snapshot(project.root)
    assert main(["init", str(project.root), "--check", "--diff"]) == 0
    assert main(["init", str(project.root)]) == 0
    assert snapshot(project.root) == written


def test_the_second_diff_is_empty(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Although there are still findings."""
    main(["init", str(project.write(WHOLE).root)])
    capsys.readouterr()
    main(["init", str(project.root), "--diff"])
    assert capsys.readouterr().out == ""


def test_without_an_application_there_is_none_to_try(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is done all the same."""
    project.write({"main.py": "from fastapi import FastAPI\ndef create(url) -> FastAPI: ..."})
    assert main(["init", str(project.root), "--try"]) == 0
    assert "tried         nothing: only the tests can build" in capsys.readouterr().err
    assert "hermetic = on" in project.read("pytest.ini")


SHOP = """\
import os
from contextlib import asynccontextmanager
from fastapi import FastAPI
from pydantic_settings import BaseSettings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

TRACKER = os.getenv("SENTRY_DSN")
STAGE = os.getenv("STAGE", "prod")


class Settings(BaseSettings):
    model_config = {"env_file": f".env.{STAGE}", "env_prefix": "SHOP_"}
    secret: str
    folder: str
    name: str


def make_engine(settings):
    return create_async_engine(f"sqlite+aiosqlite:///{settings.folder}/{settings.name}.db")


settings = Settings()
engine = make_engine(settings)
AUDIT = os.getenv("AUDIT_URL")
if not AUDIT:
    raise RuntimeError("no AUDIT_URL")
audit = create_async_engine(AUDIT)


@asynccontextmanager
async def lifespan(app):
    if TRACKER is not None and not TRACKER.startswith("https://"):
        raise ValueError(f"Unsupported scheme in DSN {TRACKER!r}")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)"))
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/orders")
async def order():
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO orders DEFAULT VALUES"))
        return await connection.scalar(text("SELECT count(*) FROM orders"))


@app.get("/audit")
async def look():
    async with audit.connect() as connection:
        return await connection.scalar(text("SELECT 1"))
"""


def test_what_is_written_is_enough_to_run(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With nothing edited, and nothing set outside: what is given is left alone, what is needed is there."""
    project.write(
        {
            "shop.py": SHOP,
            "pytest.ini": "[pytest]\nasyncio_mode = auto\n",
            ".env.test": "SHOP_SECRET=x\n",
            "tests/conftest.py": "import os\nos.environ['STAGE'] = 'test'\n",
            "tests/test_shop.py": "import pytest\n@pytest.mark.parametrize('n', [1, 2])\n"
            "async def test_order(async_client, n):\n"
            "    assert (await async_client.post('/orders')).json() == 1\n"
            "    assert (await async_client.get('/audit')).json() == 1\n",
        }
    )
    assert main(["init", str(project.root)]) == 0
    assert "give it in hermetic_env" not in capsys.readouterr().err
    result = harness.Project(project.root).pytest("-q")
    assert result.outcomes() == {"passed": 2}, result.output
    assert not list(project.root.rglob("*.db"))
