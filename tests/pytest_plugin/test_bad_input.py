"""A wrong application, schema or seed is said at once, with what to write, and without a traceback of ours."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import ini, said

USES_THE_CLIENT = """
async def test_it(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""

USES_THE_DATABASE = """
async def test_it(async_test_db):
    await async_test_db.connection()
"""


class TestTheApplication:
    """What ``hermetic_app`` names."""

    def test_a_module_that_does_not_import_shows_the_users_own_traceback(self, project: Project) -> None:
        """The line of theirs that failed, not ours."""
        project.write(
            broken_py="from deeper import app\n",
            deeper_py="limits = {}\nlimit = limits['speed']\n",
            pytest_ini=ini(app="broken:app"),
            test_a_py=USES_THE_CLIENT,
        )
        said(
            project.pytest(),
            "hermetic_app = broken:app: importing broken raised KeyError: 'speed'",
            "Traceback of your code",
            "deeper.py",
            "limit = limits['speed']",
            "hint: python -c 'import broken' shows the same error",
        )

    def test_a_syntax_error_shows_its_line(self, project: Project) -> None:
        """The line that Python could not read."""
        project.write(broken_py="app = (\n", pytest_ini=ini(app="broken:app"), test_a_py=USES_THE_CLIENT)
        said(project.pytest(), "importing broken raised SyntaxError", "broken.py", "line 1")

    def test_a_module_that_is_not_there(self, project: Project) -> None:
        """The ini key that makes it importable."""
        project.write(pytest_ini=ini(app="shopp.main:app"), test_a_py=USES_THE_CLIENT)
        said(project.pytest(), "No module named 'shopp'", "hint: is the project's root on the import path?")

    def test_a_module_without_that_attribute(self, project: Project) -> None:
        """What the module has instead."""
        project.write(pytest_ini=ini(app="shop:application"), test_a_py=USES_THE_CLIENT)
        said(project.pytest(), "'shop' has no attribute 'application'", "hint: it has: ", "app")

    def test_a_module_alone(self, project: Project) -> None:
        """A path without an attribute is refused before anything is collected."""
        project.write(pytest_ini=ini(app="shop"), test_a_py=USES_THE_CLIENT)
        said(
            project.pytest(), "names a module, not an application", "hint: hermetic_app = shop:app", status=4
        )

    def test_something_that_is_no_application(self, project: Project) -> None:
        """Its type, and what to name."""
        project.write(pytest_ini=ini(app="shop:events"), test_a_py=USES_THE_CLIENT)
        said(project.pytest(), "shop:events is 'list', which is not an ASGI application")

    def test_a_factory_that_raises(self, project: Project) -> None:
        """Its error and its line."""
        project.write(
            made_py="def make():\n    return 1 / 0\n",
            pytest_ini=ini(app="made:make"),
            test_a_py=USES_THE_CLIENT,
        )
        said(project.pytest(), "the factory raised ZeroDivisionError", "return 1 / 0")

    def test_each_test_says_it_again(self, project: Project) -> None:
        """Every test that needs it fails alike, and one that does not passes."""
        project.write(
            broken_py="raise RuntimeError('no')\n",
            pytest_ini=ini(app="broken:app"),
            test_a_py=USES_THE_CLIENT + "def test_other(): pass\n",
            test_b_py=USES_THE_CLIENT,
        )
        result = project.pytest()
        assert result.outcomes() == {"errors": 2, "passed": 1}, result.output
        said(result, "importing broken raised RuntimeError: no")


class TestTheSchema:
    """What ``hermetic_schema`` names, or leaves to be found."""

    def test_a_metadata_without_tables(self, project: Project) -> None:
        """Why a MetaData may be empty, and what to name."""
        project.write(
            empty_py="from sqlalchemy import MetaData\nmetadata = MetaData()\n",
            pytest_ini=ini("hermetic_schema = empty:metadata"),
            test_a_py=USES_THE_DATABASE,
        )
        said(
            project.pytest(), "empty:metadata has no tables", "hint: name the object in a module that imports"
        )

    def test_several_metadata_and_none_named(self, project: Project) -> None:
        """Each of them, as lines that can be pasted."""
        project.write(
            two_py="""
            from shop import app, Base
            from sqlalchemy import Column, Integer, MetaData, Table

            other = MetaData()
            Table("others", other, Column("id", Integer))
            """,
            pytest_ini=ini(app="two:app"),
            test_a_py=USES_THE_DATABASE,
        )
        said(
            project.pytest(),
            "2 MetaData objects with tables are in reach",
            "hermetic_schema =\n",
            ":Base.metadata",
            "    two:other",
        )

    @pytest.mark.parametrize(
        ("schema", "message"),
        [
            ("nothing.ini", "there is no such file"),
            ("tables.sql", "there is no such file"),
            ("shop", "names nothing that can make tables"),
            ("shop:events", "is 'list', which can make no tables"),
            ("shop:nothing", "'shop' has no attribute 'nothing'"),
        ],
    )
    def test_something_that_makes_no_tables(self, project: Project, schema: str, message: str) -> None:
        """The setting, its value, and what can stand there."""
        project.write(pytest_ini=ini(f"hermetic_schema = {schema}"), test_a_py=USES_THE_DATABASE)
        said(project.pytest(), f"hermetic_schema = {schema}".rstrip(), message)


CALLABLES = """
from sqlalchemy import text

async def raises(session):
    await session.execute(text("INSERT INTO nowhere VALUES (1)"))

def raises_too():
    return {}["speed"]

def wants_two(session, other):
    pass

async def wants_a_number(number: int):
    pass

async def writes(session):
    await session.execute(text("CREATE TABLE made (id INTEGER)"))
"""


class TestCallables:
    """``hermetic_seed`` and ``hermetic_schema`` callables."""

    @pytest.mark.parametrize("key", ["hermetic_seed", "hermetic_schema"])
    @pytest.mark.parametrize(
        ("name", "messages"),
        [
            ("raises", ("no such table: nowhere", "callables.py", 'text("INSERT INTO nowhere VALUES (1)")')),
            ("raises_too", ("KeyError: 'speed'", "callables.py", 'return {}["speed"]')),
            (
                "wants_two",
                ("wants_two(session, other) cannot be called", "hint: give it no parameter, or one of"),
            ),
            ("wants_a_number", ("wants_a_number(number: int)", "AsyncSession, AsyncConnection, AsyncEngine")),
        ],
    )
    def test_one_that_cannot_do_its_work(
        self, project: Project, key: str, name: str, messages: tuple[str, ...]
    ) -> None:
        """The setting, the error, and the user's own line."""
        project.write(
            callables_py=CALLABLES,
            pytest_ini=ini(f"{key} = callables:{name}"),
            test_a_py=USES_THE_DATABASE,
        )
        said(project.pytest(), f"{key}", f"callables:{name}", *messages)

    def test_the_next_test_says_it_too(self, project: Project) -> None:
        """A seed that raised is not taken for done."""
        project.write(
            callables_py=CALLABLES,
            pytest_ini=ini("hermetic_seed = callables:raises_too"),
            test_a_py=USES_THE_DATABASE,
            test_b_py=USES_THE_CLIENT,
        )
        result = project.pytest()
        assert "passed" not in result.outcomes(), result.output
        assert result.output.count('return {}["speed"]') >= 2
