"""What is decided from all that was found."""

from __future__ import annotations

import pytest

from hermetic.errors import ConfigurationError
from hermetic.source import schema
from hermetic.source.requirements import installed_version
from tests.source.projects import APP, MODELS, Project

SQL = "-- first\ncreate table a (id int);\n"


def test_a_plain_project_gets_the_few_lines_it_needs(project: Project) -> None:
    """The application, the import root and the tables; nothing about a runner that is not there."""
    project.write({"app/__init__.py": "", "app/main.py": APP, "app/models.py": MODELS})
    assert project.settings() == {
        "hermetic_app": "app.main:app",
        "pythonpath": ".",
        "hermetic_schema": "app.models:Base.metadata",
    }


def test_the_root_of_a_src_layout_is_src(project: Project) -> None:
    """In a TOML file it is a list."""
    project.write({"src/shop/__init__.py": "", "src/shop/api.py": APP, "pyproject.toml": ""})
    assert project.settings() == {"hermetic_app": "shop.api:app", "pythonpath": ("src",)}


def test_a_root_with_a_space_is_quoted_for_an_ini_file(project: Project) -> None:
    """pytest splits the value as a shell does."""
    assert project.write({"my app/main.py": APP}).settings()["pythonpath"] == "'my app'"


def test_an_installed_project_needs_no_pythonpath(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its root is on the path of the environment already."""
    project.write({"installed_pkg/__init__.py": "", "installed_pkg/main.py": APP})
    monkeypatch.syspath_prepend(str(project.root))
    assert project.settings() == {"hermetic_app": "installed_pkg.main:app"}


def test_paths_are_relative_to_the_configuration(project: Project) -> None:
    """Configuration above the project, within the repository, is what pytest reads."""
    project.write({"pytest.ini": "[pytest]\n", ".git/HEAD": "", "api/main.py": APP, "api/alembic.ini": ""})
    plan = Project(project.root / "api").plan()
    assert {setting.key: setting.value for setting in plan.settings} == {
        "hermetic_app": "main:app",
        "pythonpath": "api",
        "hermetic_schema": "api/alembic.ini",
    }


def test_a_setting_that_is_there_is_never_planned(project: Project) -> None:
    """Whatever would have been chosen."""
    project.write({"main.py": APP, "pytest.ini": "[pytest]\nhermetic_app = other:app\npythonpath = src\n"})
    plan = project.plan()
    assert [setting.key for setting in plan.settings] == []
    assert plan.missing_root == "."


@pytest.mark.parametrize("pythonpath", [".", "src ."])
def test_a_pythonpath_that_has_the_root_lacks_nothing(project: Project, pythonpath: str) -> None:
    """Alone or among others."""
    project.write({"main.py": APP, "pytest.ini": f"[pytest]\npythonpath = {pythonpath}\n"})
    assert project.plan().missing_root is None


def test_an_application_that_is_set_need_not_be_found(project: Project) -> None:
    """It may be made in a way that cannot be seen."""
    plan = project.write({"pytest.ini": "[pytest]\nhermetic_app = odd:app\n"}).plan()
    assert (plan.choice.found, plan.settings, plan.edits) == ((), (), ())


def test_two_collections_of_tables_are_the_users_choice(project: Project) -> None:
    """Neither is named, and both are listed."""
    plan = project.write({"main.py": APP, "a.py": MODELS, "b.py": MODELS}).plan()
    assert "hermetic_schema" not in {setting.key for setting in plan.settings}
    assert [metadata.target for metadata in plan.tables.metadata] == ["a:Base.metadata", "b:Base.metadata"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"alembic.ini": "", "models.py": MODELS}, "models:Base.metadata"),
        ({"alembic.ini": "", "db.py": "x = 'CREATE TABLE a'"}, "alembic.ini"),
        ({"db.py": "x = 'CREATE TABLE a'", "schema.sql": SQL}, "lifespan"),
        ({"db/schema.sql": SQL, "db/drop.sql": "DROP TABLE a;", "tests/a.sql": SQL}, "db/schema.sql"),
        ({"models.py": MODELS, "schema.sql": SQL}, "models:Base.metadata"),
        ({"migrations/1.sql": SQL, "migrations/2.sql": SQL}, None),
        ({}, None),
    ],
)
def test_metadata_goes_before_migrations_before_the_lifespan_before_files_of_sql(
    project: Project, files: dict[str, str], expected: str | None
) -> None:
    """The fastest that is complete."""
    project.write({"main.py": APP + "import db\n", **files})
    assert project.settings().get("hermetic_schema") == expected


def test_files_of_sql_are_not_read_where_there_is_metadata(project: Project) -> None:
    """They are often dumps, of any size, and say nothing more."""
    files = {"main.py": APP, "schema.sql": SQL}
    assert project.write(files).plan().tables.sql == (project.root / "schema.sql",)
    assert project.write({**files, "models.py": MODELS}).plan().tables.sql == ()


def test_the_beginning_of_a_file_of_sql_is_read(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dump may have gigabytes, and makes its first table before it writes rows."""
    project.write({"main.py": APP, "dump.sql": SQL, "rows.sql": f"{'-- rows' * 9}\n{SQL}"})
    monkeypatch.setattr(schema, "LARGEST_SQL", 40)
    assert project.plan().tables.sql == (project.root / "dump.sql",)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"alembic.ini": "[alembic]\nscript_location = shop:migrations"}, "alembic.ini"),
        ({"pyproject.toml": "[tool.alembic]\nscript_location = 'a'"}, "pyproject.toml"),
        (
            {"pyproject.toml": "[tool.alembic]\nscript_location = 'a'", "alembic.ini": "[alembic]"},
            "alembic.ini",
        ),
        ({"pyproject.toml": "[tool.alembic]\nprepend_sys_path = ['.']"}, None),
        (
            {"db/schema.ini": "[alembic]\nscript_location = %(here)s/a", "logging.ini": "[loggers]"},
            "db/schema.ini",
        ),
        ({"alembic.ini": "[tenants]\nscript_location = a"}, "alembic.ini:tenants"),
        (
            {"alembic.ini": "[a]\nscript_location = a\n[b]\nscript_location = b\n[loggers]\nkeys = root"},
            ("alembic.ini:a", "alembic.ini:b"),
        ),
        ({"alembic.ini": "[DEFAULT]\nscript_location = a\n[b]\nc = d"}, "alembic.ini"),
        ({"alembic.ini": "not an ini file"}, "alembic.ini"),
        ({"other.ini": "not an ini file"}, None),
        ({"aside/alembic.ini": "", "shop/db/alembic.ini": ""}, "shop/db/alembic.ini"),
    ],
)
def test_migrations_are_found_wherever_alembic_is_told_of_them(
    project: Project, files: dict[str, str], expected: str | tuple[str, ...] | None
) -> None:
    """By whatever file of the ones nearest to the application; each section that names scripts is one."""
    assert project.write({"shop/main.py": APP, **files}).settings().get("hermetic_schema") == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"alembic.ini": "", "db.py": "alembic.command.upgrade(config, 'head')"}, "alembic.ini"),
        ({"alembic.ini": "", "tests/conftest.py": "command.upgrade(config, 'head')"}, "alembic.ini"),
        ({"alembic.ini": "", "db.py": "game.upgrade(ship)"}, "models:Base.metadata"),
        ({"alembic.ini": "", "cli.py": "alembic.command.upgrade(config, 'head')"}, "models:Base.metadata"),
        ({"db.py": "command.upgrade(config, 'head')"}, "models:Base.metadata"),
    ],
)
def test_who_runs_migrations_needs_migrated_tables(
    project: Project, files: dict[str, str], expected: str
) -> None:
    """Its first migration fails where the models' tables are there already."""
    main = APP + "def lifespan():\n    import db\n"
    assert (
        project.write({"main.py": main, "models.py": MODELS, **files}).settings()["hermetic_schema"]
        == expected
    )


FIRST = "from alembic import op\ndown_revision = None\ndef upgrade():\n    "


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ("op.drop_index('ix', table_name='users')", 4),
        ("pass\n    op.add_column('users', c)", 5),
        ("'It.'\n    op.create_table('a')\n    op.create_index('x', 'a', [])\n    op.drop_table('b')", 7),
        ("with op.batch_alter_table('users') as batch:\n        batch.drop_column('x')", 4),
        ("op.create_table('users')\n    op.create_index('ix', 'users', ['name'])", None),
        ("op.execute(SQL)\n    op.drop_table('a')", None),
        ("make()\n    op.drop_table('a')", None),
        ("x.make()\n    op.drop_table('a')", None),
        ("op.drop_table('a', if_exists=True)", None),
        ("op.drop_table(name)", None),
        ("op.drop_table()", None),
        ("connection = op.get_bind()", None),
    ],
)
def test_migrations_that_need_tables_are_not_run_on_an_empty_database(
    project: Project, steps: str, line: int | None
) -> None:
    """Where the first surely works on a table that nothing has made, the metadata says what the tables are."""
    project.write(
        {
            "main.py": APP + "def lifespan():\n    alembic.command.upgrade(config, 'head')\n",
            "models.py": MODELS,
            "alembic.ini": "",
            "versions/a.py": FIRST + steps,
            "versions/b.py": "down_revision = 'a'\ndef upgrade():\n    op.drop_table('users')",
        }
    )
    plan = project.plan()
    assert (plan.tables.needing and plan.tables.needing.line) == line
    chosen = "alembic.ini" if line is None else "models:Base.metadata"
    assert project.settings()["hermetic_schema"] == chosen


@pytest.mark.parametrize(
    "files",
    [
        {"versions/c.py": FIRST + "op.drop_table('users')"},
        {"env.py": "Base.metadata.create_all(connection)"},
        {"versions/a.py": "down_revision = None"},
    ],
)
def test_migrations_whose_beginning_is_not_certain_are_run(project: Project, files: dict[str, str]) -> None:
    """Several beginnings, an environment that makes tables itself, a first one that is not to be read."""
    project.write({"main.py": APP, "alembic.ini": "", "versions/a.py": FIRST + "op.drop_table('users')"})
    assert project.write(files).settings()["hermetic_schema"] == "alembic.ini"


def test_pytest_9s_table_gets_arrays(project: Project) -> None:
    """A typed table takes lists only, for keys of several lines."""
    project.write(
        {"main.py": APP, "models.py": MODELS, "pyproject.toml": "[tool.pytest]\naddopts = ['-q']\n"}
    )
    assert project.settings() == {
        "hermetic_app": "main:app",
        "pythonpath": (".",),
        "hermetic_schema": ("models:Base.metadata",),
    }


def test_a_suite_that_handles_the_database_starts_by_observing(project: Project) -> None:
    """``observe`` changes nothing and reports."""
    project.write({"main.py": APP, "tests/conftest.py": "m.create_all(e)"})
    assert project.settings()["hermetic"] == "observe"


def test_a_suite_with_a_client_of_its_own_starts_on(project: Project) -> None:
    """A client fixture is no reason to wait."""
    project.write({"main.py": APP, "tests/conftest.py": "c = AsyncClient(transport=ASGITransport(app=app))"})
    assert "hermetic" not in project.settings()


@pytest.mark.parametrize("where", ["pyproject.toml", "part/pyproject.toml"])
def test_the_entry_point_of_fastapis_command_is_followed(project: Project, where: str) -> None:
    """``[tool.fastapi]`` of a pyproject.toml, whether or not pytest reads that file."""
    project.write({"main.py": APP, "odd.py": APP, "pytest.ini": "", "other/pyproject.toml": "[broken"})
    project.write({where: "[tool.fastapi]\nentrypoint = 'odd:app'\n"})
    assert project.settings()["hermetic_app"] == "odd:app"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"api/pytest.ini": ""}, "api/pytest.ini"),
        ({"api/pyproject.toml": ""}, "api/pyproject.toml"),
        ({"api/pytest.ini": "", "api/tests/test_a.py": ""}, "api/pytest.ini"),
        ({"api/pytest.ini": "", "tests/test_a.py": ""}, "pyproject.toml"),
        ({"api/tox.ini": "[other]"}, "pyproject.toml"),
        ({"api/pyproject.toml": "", "tox.ini": "[pytest]"}, "tox.ini"),
    ],
)
def test_a_part_of_a_repository_may_have_its_own_configuration(
    project: Project, files: dict[str, str], expected: str
) -> None:
    """It counts where the tests, if there are any, lie there too."""
    project.write({"pyproject.toml": "", "api/app/__init__.py": "", "api/app/main.py": APP, **files})
    assert project.plan().configuration.path == project.root / expected


def test_a_project_that_uses_hermetic_is_not_sent_back_to_observing(project: Project) -> None:
    """With an application set and no mode, the mode is ``on``."""
    ini = "[pytest]\nhermetic_app = main:app\npythonpath = .\n"
    project.write({"main.py": APP, "pytest.ini": ini, "tests/conftest.py": "m.create_all(e)"})
    assert project.settings() == {}


def test_an_environment_and_a_runner_are_part_of_it(project: Project) -> None:
    """Their settings are added as they are."""
    project.write(
        {
            "main.py": f"{APP}import os, sqlalchemy\nx = sqlalchemy.create_engine(os.environ['DB_URL'])",
            "requirements.txt": "pytest-asyncio",
        }
    )
    settings = project.settings()
    assert settings["hermetic_env"] == ("DB_URL=sqlite:///:memory:",)
    assert settings["asyncio_default_test_loop_scope"] == "session"


def test_no_application_is_an_error_that_says_where_it_looked(project: Project) -> None:
    """Broken files are named, for the application may be in one."""
    project.write({"a.py": "", "docs/app.py": APP, "main.py": "def f(:"})
    with pytest.raises(ConfigurationError) as error:
        project.plan()
    assert "in 1 Python files outside tests" in str(error.value)
    assert "Not readable as Python: main.py (line 1: invalid syntax)" in str(error.value)


def test_an_empty_directory_has_no_application(project: Project) -> None:
    """With a hint on how to name one."""
    with pytest.raises(ConfigurationError, match=r"hermetic_app = package\.module:app"):
        project.plan()


def test_a_factory_that_needs_arguments_is_not_proposed(project: Project) -> None:
    """Its tables are, and the half for the database works without an application."""
    factory = "from fastapi import FastAPI\nimport models\ndef create(url, *, key) -> FastAPI: ...\n"
    project.write({"main.py": factory, "models.py": MODELS})
    assert project.settings() == {
        "pythonpath": ".",
        "hermetic_schema": "models:Base.metadata",
        "hermetic": "on",
    }
    project.write({"tests/conftest.py": "from main import create\nm.create_all(e)"})
    assert project.settings()["hermetic"] == "observe"
    assert project.write({"asgi.py": APP}).settings()["hermetic_app"] == "asgi:app"


@pytest.mark.parametrize(("makes", "unknown"), [("FastAPI()", ["TOKEN"]), ("None", ["KEY", "TOKEN"])])
def test_a_suite_that_builds_the_application_gives_its_settings(
    project: Project, makes: str, unknown: list[str]
) -> None:
    """A field that its fixtures give is no variable for ``hermetic_env``; one of an application's own module is."""
    settings = (
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    key: str\n    token: str\n"
    )
    tests = f"from fastapi import FastAPI\nfrom shop import S\nsettings = S(key='x')\napp = {makes}\n"
    factory = "from fastapi import FastAPI\ndef make(settings):\n    return FastAPI()\n"
    project.write({"shop.py": factory + settings, "tests/conftest.py": tests})
    assert [each.name for each in project.plan().environment.unknown] == unknown


@pytest.mark.parametrize(
    "test",
    [
        "from fastapi import FastAPI\ndef client():\n    app = FastAPI()",
        "import os\nfrom starlette.applications import Starlette\nhere = os.getcwd()\nApp = Starlette()",
        "from shop import add\nfrom fastapi import FastAPI\nclass App(FastAPI): ...\nx = add(App())",
    ],
)
def test_a_suite_that_makes_its_own_applications_needs_none(project: Project, test: str) -> None:
    """As those of libraries: what is written is the mode alone, and nothing the second time."""
    library = "from fastapi import FastAPI\ndef add(app: FastAPI) -> FastAPI:\n    return app\nx = 'CREATE TABLE a'\n"
    project.write({"shop.py": library, "tests/test_a.py": test, "alembic.ini": ""})
    plan = project.plan()
    assert {setting.key: setting.value for setting in plan.settings} == {"hermetic": "on"}
    assert plan.choice.built is not None
    assert plan.choice.built.file.name == "test_a.py"
    assert project.write({"pytest.ini": "[pytest]\nhermetic = on\n"}).settings() == {}
    project.write(
        {"tests/conftest.py": "e = create_async_engine('sqlite://')\nm.create_all(e)", "pytest.ini": ""}
    )
    plan = project.plan()
    assert {setting.key: setting.value for setting in plan.settings} == {"hermetic": "observe"}
    assert plan.superseded == ()  # no application has an engine that could take the place of the tests'


@pytest.mark.parametrize(
    ("tests", "is_named"),
    [
        ("from shop import build\napp = build('sqlite://')", False),
        ("import shop\napp = shop.build('sqlite://')", False),
        ("from shop import build, create_app\napp = build('sqlite://')", True),
        ("import shop\nbuild = shop.build\nTARGET = 'shop:create_app'\napp = build('sqlite://')", True),
        ("from fastapi import FastAPI\ndef build():\n    return FastAPI()\napp = build()", True),
    ],
)
def test_a_factory_that_the_suite_never_calls_is_not_proposed(
    project: Project, tests: str, is_named: bool
) -> None:
    """Where it calls another of the project's; one that it makes itself beside may be for a test of its own."""
    factories = "def build(url):\n    return FastAPI()\ndef create_app():\n    return build('mysql://h')\n"
    project.write({"shop.py": f"from fastapi import FastAPI\n{factories}", "tests/conftest.py": tests})
    assert ("hermetic_app" in project.settings()) is is_named
    assert project.settings()["pythonpath"] == "."


def test_an_application_without_an_importable_name_is_named(project: Project) -> None:
    """A file with a dash cannot be imported."""
    with pytest.raises(ConfigurationError, match=r"my-app\.py cannot be imported under any name"):
        project.write({"my-app.py": APP}).plan()


def test_what_is_installed_has_a_version() -> None:
    """Told by its metadata: nothing is imported."""
    assert installed_version("pytest") == pytest.__version__
    assert installed_version("no-such-distribution") == ""


def test_observing_leaves_event_loops_alone(project: Project) -> None:
    """It promises that nothing changes; the keys come once the mode is ``on``."""
    project.write({"main.py": APP, "tests/conftest.py": "m.create_all(e)"})
    plan = project.plan("pytest-asyncio")
    assert (plan.observes, [setting.key for setting in plan.settings][2:]) == (True, ["hermetic"])
    on = "[pytest]\nhermetic_app = main:app\npythonpath = .\nhermetic = on\n"
    keys = ("asyncio_mode", "asyncio_default_fixture_loop_scope", "asyncio_default_test_loop_scope")
    assert tuple(project.write({"pytest.ini": on}).settings("pytest-asyncio")) == keys
    assert project.write({"pytest.ini": on.replace("on\n", "observe\n")}).settings("pytest-asyncio") == {}
