"""Wrong values, missing drivers and runners, and places without room: each says what to write."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pytest_plugin.project import APP, Project
from tests.pytest_plugin.saying import ini, said

USES_THE_CLIENT = """
async def test_it(async_client):
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""

USES_THE_DATABASE = """
async def test_it(async_test_db):
    await async_test_db.connection()
"""


class TestSettings:
    """Values that are none."""

    @pytest.mark.parametrize(
        ("line", "valid"),
        [
            ("hermetic = yes", "off, observe, on"),
            ("hermetic_isolation = tests", "test, class, module, none"),
            ("hermetic_leaks = fail", "error, warn, off"),
            ("hermetic_lifespan_scope = package", "function, module, session"),
        ],
    )
    def test_an_unknown_value_lists_the_valid_ones(self, project: Project, line: str, valid: str) -> None:
        """A usage error with the value, the file and what is valid; pytest's exit status 4, no traceback."""
        project.write(pytest_ini=ini(line), test_a_py=USES_THE_CLIENT)
        result = project.pytest()
        said(result, line.split(" = ")[1], "(pytest.ini)", f"hint: use one of: {valid}", status=4)
        assert "Traceback" not in result.output

    def test_an_unknown_value_on_the_command_line(self, project: Project) -> None:
        """The flag is named."""
        said(project.pytest("--hermetic", "maybe"), "'maybe' (--hermetic)", "off, observe, on", status=4)

    def test_an_unknown_value_in_the_environment(self, project: Project) -> None:
        """The variable is named."""
        project.environment["HERMETIC"] = "maybe"
        said(project.pytest(), "'maybe' (HERMETIC in the environment)", status=4)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("hermetic_env = TESTING", "is not of the form 'NAME=value'"),
            ("hermetic_targets = sqlite:///a.db", "is not of the form 'alias URL -> URL'"),
            ("hermetic_allow = production", "'production' is not a database URL"),
        ],
    )
    def test_a_line_of_another_form(self, project: Project, line: str, message: str) -> None:
        """The line and the form."""
        project.write(pytest_ini=ini(line), test_a_py=USES_THE_CLIENT)
        result = project.pytest()
        said(result, line.partition(" = ")[0], message, "hint: ", status=4)
        assert "Traceback" not in result.output

    @pytest.mark.parametrize(
        ("mark", "message"),
        [
            ('isolation="tests"', "test, class, module, none"),
            ('leaks="fail"', "error, warn, off"),
            ("scope=1", "the mark hermetic: got an unexpected keyword argument 'scope'"),
            ('"test"', "the mark hermetic: too many positional arguments"),
        ],
    )
    def test_a_mark_that_is_not_of_the_signature(self, project: Project, mark: str, message: str) -> None:
        """The test, and the mark's signature."""
        project.write(
            test_a_py=f"import pytest\n\n@pytest.mark.hermetic({mark})\nasync def test_it(async_client):\n    pass\n"
        )
        said(
            project.pytest(),
            "test_a.py::test_it",
            message,
            "hint: the mark's signature is hermetic(*, isolation",
            status=4,
        )

    def test_a_mark_in_a_worker_of_xdist(self, project: Project) -> None:
        """The test fails with the same words: a usage error of a worker is lost."""
        project.write(
            test_a_py="import pytest\n\n@pytest.mark.hermetic(leaks='no')\nasync def test_it(async_client):\n    pass\n"
        )
        project.plugins = (*project.plugins, "xdist")
        said(
            project.pytest("-n", "1"),
            "test_a.py::test_it",
            "error, warn, off",
            "hint: the mark's signature is",
        )

    def test_a_file_of_windows(self, project: Project) -> None:
        """An ini file with CRLF ends and trailing blanks reads like any other."""
        text = ini(
            "hermetic_env =",
            "    TESTING=true",
            "    NAME=two words",
            "hermetic_schema =",
            "    shop:Base.metadata",
        )
        (project.root / "pytest.ini").write_bytes(text.replace("\n", "  \r\n").encode())
        project.write(
            test_a_py=USES_THE_CLIENT
            + """
def test_env():
    import os
    assert (os.environ["TESTING"], os.environ["NAME"]) == ("true", "two words")
"""
        )
        result = project.pytest()
        assert result.outcomes() == {"passed": 2}, result.output


class TestRunners:
    """Async tests, and what runs them."""

    ASYNC = "async def test_it(async_client):\n    assert False, 'it ran'\n"

    def test_no_plugin_runs_async_tests(self, project: Project) -> None:
        """What to install and what to write."""
        project.write(pytest_ini="[pytest]\nhermetic_app = shop:app\npythonpath = .\n", test_a_py=self.ASYNC)
        project.plugins = ("hermetic",)
        said(
            project.pytest(),
            "test_a.py::test_it is async, and no plugin runs it",
            "hint: pip install 'hermetic[asyncio]' and set asyncio_mode = auto",
            "hint: or use anyio's plugin",
        )

    def test_strict_mode_without_a_mark(self, project: Project) -> None:
        """pytest-asyncio is there and not asked: the mark, or the mode."""
        project.write(
            pytest_ini=ini().replace("auto", "strict"),
            test_a_py=self.ASYNC,
        )
        said(
            project.pytest(),
            "no plugin runs it",
            "hint: mark it with @pytest.mark.asyncio, or set asyncio_mode",
        )

    def test_the_loop_scope_of_fixtures_is_unset(self, project: Project) -> None:
        """Under ``-W error`` pytest-asyncio's own warning would be an internal error: what to write comes first."""
        project.write(
            pytest_ini="[pytest]\nhermetic_app = shop:app\npythonpath = .\nasyncio_mode = auto\n",
            test_a_py=USES_THE_CLIENT,
        )
        result = project.pytest()
        said(
            result,
            "asyncio_default_fixture_loop_scope is not set",
            "hint: in pytest.ini: asyncio_default_fixture_loop_scope = session",
            status=4,
        )
        assert "Traceback" not in result.output

    def test_the_loop_scope_of_fixtures_is_unset_and_warnings_are_no_errors(self, project: Project) -> None:
        """Then pytest-asyncio's own warning says enough, and once."""
        project.write(
            pytest_ini="[pytest]\nhermetic_app = shop:app\npythonpath = .\nasyncio_mode = auto\n",
            test_a_py=USES_THE_CLIENT,
        )
        result = project.pytest("-W", "default")
        assert result.outcomes()["passed"] == 1, result.output
        assert result.output.count("is unset.") == 1


class TestFixtures:
    """Our fixtures where hermetic does nothing."""

    @pytest.mark.parametrize("mode", ["off", "observe"])
    @pytest.mark.parametrize("fixture", ["async_client", "async_test_db", "hermetic_url", "setup_test_env"])
    def test_while_hermetic_is_not_on(self, project: Project, mode: str, fixture: str) -> None:
        """The mode, and what to write."""
        project.write(test_a_py=f"async def test_it({fixture}):\n    pass\n")
        said(
            project.pytest("--hermetic", mode),
            f"needs hermetic, which is '{mode}'",
            "hint: ",
            "hermetic = on",
        )

    def test_without_any_setting(self, project: Project) -> None:
        """The one setting that a project must make."""
        project.write(
            pytest_ini="[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n",
            test_a_py="async def test_it(async_client):\n    pass\n",
        )
        said(project.pytest(), "needs hermetic, which is 'off'", "hermetic_app = your.module:app")

    def test_on_without_an_application(self, project: Project) -> None:
        """The client needs one."""
        project.write(
            pytest_ini="[pytest]\nhermetic = on\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n",
            test_a_py="async def test_it(async_client):\n    pass\n",
        )
        said(project.pytest(), "No application is configured", "hermetic_app = your.module:app")


def test_a_missing_driver(project: Project) -> None:
    """The extra that brings it."""
    project.write(
        conftest_py="""
        import sys

        sys.modules["aiosqlite"] = None
        """,
        test_a_py=USES_THE_CLIENT,
    )
    said(project.pytest(), "aiosqlite", "hint: pip install 'hermetic[sqlite]'")


def test_a_missing_driver_of_a_synchronous_application(project: Project) -> None:
    """``async_test_db`` needs it even where the application does not."""
    project.write(
        conftest_py="""
        import sys

        sys.modules["aiosqlite"] = None
        """,
        plain_py="""
        from fastapi import FastAPI
        from sqlalchemy import create_engine
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

        engine = create_engine("sqlite:///./production.db")

        class Base(DeclarativeBase):
            pass

        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)

        app = FastAPI()
        """,
        pytest_ini=ini(app="plain:app"),
        test_a_py=USES_THE_DATABASE,
    )
    said(project.pytest(), "aiosqlite", "hint: pip install 'hermetic[sqlite]'")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = (
        hasattr(os, "getuid")
        and os.getuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=False, capture_output=True
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("only root, where it may mount, can make a small file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


class TestDirectories:
    """Where worker databases lie."""

    def test_a_full_disk(self, project: Project, small_disk: Path) -> None:
        """A database that does not fit: where, and the setting."""
        project.write(
            big_py="""
            from sqlalchemy import text

            async def seed(session):
                await session.execute(text("CREATE TABLE big (blob BLOB)"))
                await session.execute(text("INSERT INTO big VALUES (zeroblob(4000000))"))
            """,
            pytest_ini=ini(f"hermetic_directory = {small_disk}", "hermetic_seed = big:seed"),
            test_a_py=USES_THE_DATABASE,
        )
        said(project.pytest(), str(small_disk), "full", "hint: set hermetic_directory")

    def test_a_disk_that_a_test_fills(self, project: Project, small_disk: Path) -> None:
        """The test that writes too much fails; the next one has the room again."""
        project.write(
            pytest_ini=ini(f"hermetic_directory = {small_disk}"),
            test_a_py="""
            import pytest
            from sqlalchemy import text

            async def test_fills(async_test_db):
                await async_test_db.execute(text("CREATE TABLE big (blob BLOB)"))
                await async_test_db.execute(text("INSERT INTO big VALUES (zeroblob(4000000))"))
                await async_test_db.commit()

            async def test_next(async_client):
                assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
            """,
        )
        result = project.pytest()
        assert result.outcomes() == {"failed": 1, "passed": 1}, result.output
        assert "full" in result.output

    def test_a_directory_that_is_a_file(self, project: Project) -> None:
        """Where it looked, why not, and the setting."""
        project.write(
            place_txt="", pytest_ini=ini("hermetic_directory = place.txt"), test_a_py=USES_THE_DATABASE
        )
        said(project.pytest(), "no test database can be made in", "place.txt", "hint: set hermetic_directory")

    def test_a_directory_that_cannot_be_written(self, project: Project) -> None:
        """Where nobody may write, root included."""
        project.write(pytest_ini=ini("hermetic_directory = /proc/hermetic"), test_a_py=USES_THE_DATABASE)
        said(
            project.pytest(), "no test database can be made in /proc/hermetic", "hint: set hermetic_directory"
        )

    def test_it_is_said_once_where_the_url_is_needed_first(self, project: Project) -> None:
        """``{url}`` in ``hermetic_env`` makes the database before collection: a usage error then."""
        project.write(
            place_txt="",
            pytest_ini=ini("hermetic_directory = place.txt", "hermetic_env = DATABASE_URL={url}"),
            test_a_py=USES_THE_DATABASE,
        )
        said(project.pytest(), "no test database can be made in", "hint: set hermetic_directory", status=4)

    @pytest.mark.parametrize("name", ["two words", "it's", 'a "quote"', "100%", "a#b?c=d&e", "ünï", "a;b"])
    def test_odd_names_in_paths(self, tmp_path: Path, name: str) -> None:
        """Blanks, quotes and characters of URLs in the project's folder and in the database's."""
        root = tmp_path / name
        root.mkdir()
        project = Project(root).write(
            shop_py=APP,
            pytest_ini=ini("hermetic_directory = " + name, "hermetic_env = DATABASE_URL={url}"),
            test_a_py=USES_THE_CLIENT
            + """
async def test_url():
    import os
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    async with create_async_engine(os.environ["DATABASE_URL"]).connect() as connection:
        assert (await connection.execute(text("SELECT * FROM users"))).all() == []
""",
        )
        result = project.pytest()
        assert result.outcomes() == {"passed": 2}, result.output
        assert not (root / "production.db").exists()


def test_what_is_broken_is_tried_once(project: Project) -> None:
    """Each of a thousand tests gets the first error; the application is not imported a thousand times."""
    project.write(
        broken_py="""
with open("imports.log", "a") as log:
    log.write("import ")
raise ValueError("broken settings")
""",
        test_a_py="""
import pytest

@pytest.mark.parametrize("again", range(3))
def test_it(hermetic_app, again): ...

def test_another(async_test_db): ...
""",
    )
    result = project.pytest("-o", "hermetic_app=broken:app")
    assert result.outcomes() == {"errors": 4}, result.output
    assert (project.root / "imports.log").read_text() == "import "
