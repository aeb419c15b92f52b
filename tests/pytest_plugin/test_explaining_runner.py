"""Errors of pytest and of the runners' plugins name the project's line, and what they say to change mends them."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import all_pass, said

STRICT = "[pytest]\nhermetic_app = shop:app\npythonpath = .\n"
AUTO = STRICT + "asyncio_mode = auto\n"
ONE_BY_ONE = AUTO + "asyncio_default_fixture_loop_scope = function\n"


def test_a_fixture_that_outlives_its_loop(project: Project) -> None:
    """The fixture, its line, the setting that gives it that loop, or its own argument, and the lines to write."""
    project.write(
        pytest_ini=ONE_BY_ONE,
        conftest_py="""
        import pytest
        import pytest_asyncio
        from shop import engine

        @pytest.fixture(scope="session")
        async def connected():
            async with engine.connect() as connection:
                yield connection

        @pytest_asyncio.fixture(scope="module", loop_scope="class")
        async def prepared():
            return 1
        """,
        test_a_py="""
        async def test_session(connected):
            await connected.exec_driver_sql("SELECT 1")

        async def test_module(prepared):
            pass
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        f"fixture 'connected' (session scope, {root}/conftest.py:5) would run in an event loop of the function",
        f"The loop's scope: asyncio_default_fixture_loop_scope = function ({root}/pytest.ini:5)",
        f"change: {root}/pytest.ini:5: asyncio_default_fixture_loop_scope = session",
        f"change: {root}/pytest.ini: asyncio_default_test_loop_scope = session",
        f"fixture 'prepared' (module scope, {root}/conftest.py:10) would run in an event loop of the class",
        f'change: {root}/conftest.py:10: loop_scope="module"',
        "[HM711]",
    )
    project.change("pytest.ini", "loop_scope = function", "loop_scope = session")
    project.change("pytest.ini", "[pytest]", "[pytest]\nasyncio_default_test_loop_scope = session")
    project.change("conftest.py", 'loop_scope="class"', 'loop_scope="module"')
    all_pass(project, 2)


def test_the_fixture_event_loop(project: Project) -> None:
    """Who asks for it, and what to write instead, by what they are: a test, an async or a synchronous fixture."""
    project.write(
        pytest_ini=ONE_BY_ONE,
        conftest_py="""
        import pytest

        async def prepare():
            return 1

        @pytest.fixture(scope="session")
        def prepared(event_loop):
            return event_loop.run_until_complete(prepare())

        @pytest.fixture
        async def loop(event_loop):
            return event_loop
        """,
        test_a_py="""
        import asyncio

        def test_synchronous(prepared):
            assert prepared == 1

        async def test_async(loop):
            assert loop is asyncio.get_running_loop()

        async def test_itself(event_loop):
            pass
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        f"fixture 'prepared' (session scope, {root}/conftest.py:6) asks for the fixture event_loop",
        f"change: {root}/conftest.py:6: make it async def, without event_loop, and await what",
        f"change: {root}/pytest.ini:5: asyncio_default_fixture_loop_scope = session",
        f"fixture 'loop' (function scope, {root}/conftest.py:10) asks for the fixture event_loop",
        f"change: {root}/conftest.py:10: remove event_loop from the arguments; the loop is asyncio.get_running_loop()",
        f"test_a.py::test_itself ({root}/test_a.py:9) asks for the fixture event_loop, which pytest-asyncio 1.0",
    )
    assert result.output.count("[HM712]") == 3
    project.change("conftest.py", "def prepared(event_loop):", "async def prepared():")
    project.change("conftest.py", "event_loop.run_until_complete(prepare())", "await prepare()")
    project.change(
        "conftest.py", "def loop(event_loop):\n    return event_loop", "def loop():\n    return get()"
    )
    project.change(
        "conftest.py", "import pytest", "import pytest\nfrom asyncio import get_running_loop as get"
    )
    project.change("test_a.py", "test_itself(event_loop)", "test_itself()")
    project.change("pytest.ini", "= function", "= session")
    project.change("pytest.ini", "[pytest]", "[pytest]\nasyncio_default_test_loop_scope = session")
    all_pass(project, 3)


def test_a_plain_fixture_in_strict_mode(project: Project) -> None:
    """The fixture and the mode; what is said of the loop's scope is needed, too, where the fixture is wide."""
    project.write(
        pytest_ini=STRICT + "asyncio_default_fixture_loop_scope = function\n",
        test_a_py="""
        import pytest

        @pytest.fixture(scope="module")
        async def number():
            return 1

        @pytest.mark.asyncio
        async def test_it(number):
            assert number == 1
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        f"fixture 'number' (module scope, {root}/test_a.py:3) is async, and made by @pytest.fixture: in strict",
        f"The mode: asyncio_mode is not set in {root}/pytest.ini, which makes it strict",
        f"change: {root}/pytest.ini: asyncio_mode = auto; or @pytest_asyncio.fixture at {root}/test_a.py:3 (number)",
        f"change: {root}/pytest.ini:4: asyncio_default_fixture_loop_scope = module",
        f"change: {root}/pytest.ini: asyncio_default_test_loop_scope = module",
        "[HM713]",
    )
    project.change("pytest.ini", "= function", "= module\nasyncio_default_test_loop_scope = module")
    project.change("test_a.py", "@pytest.fixture", "@pytest_asyncio.fixture")
    project.change("test_a.py", "import pytest\n", "import pytest\nimport pytest_asyncio\n")
    all_pass(project, 1)


def test_a_fixture_of_a_test_that_is_not_async(project: Project) -> None:
    """With anyio's plugin alone, the fixture asks for anyio_backend itself."""
    project.plugins = ("hermetic", "anyio")
    project.write(
        pytest_ini=STRICT,
        test_a_py="""
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def number():
            return 1

        def test_it(number):
            assert number == 1
        """,
    )
    result = project.pytest()
    said(
        result,
        "is async; anyio's plugin runs it only for a test that uses anyio_backend. [HM713]",
        f"change: {project.root}/test_a.py:7: give it the argument anyio_backend",
    )
    project.change("test_a.py", "number():", "number(anyio_backend):")
    all_pass(project, 1)


def test_the_scope_of_anyio_backend(project: Project) -> None:
    """anyio's own is of the module; one of the project's is named with its line."""
    project.write(
        pytest_ini=STRICT + "asyncio_default_fixture_loop_scope = function\n",
        test_a_py="""
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(scope="session")
        async def number():
            return 1

        async def test_it(number):
            assert number == 1
        """,
    )
    said(
        project.pytest("-k", "asyncio"),
        f"fixture 'number' (session scope, {project.root}/test_a.py:5) is run by anyio's plugin, and so needs",
        'change: in a conftest: @pytest.fixture(scope="session") def anyio_backend(): return "asyncio"',
        "[HM715]",
    )
    project.write(
        conftest_py='import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return "asyncio"\n'
    )
    said(project.pytest(), f'change: {project.root}/conftest.py:3: @pytest.fixture(scope="session")')
    project.change("conftest.py", "@pytest.fixture", '@pytest.fixture(scope="session")')
    all_pass(project, 1)


def test_settings_in_a_file_that_is_not_read(project: Project) -> None:
    """pytest.ini wins over pyproject.toml: each failure that its settings would have prevented says so."""
    project.write(
        pytest_ini=STRICT + "asyncio_default_fixture_loop_scope = function\n",
        pyproject_toml="""
        [project]
        name = "shop"

        [tool.pytest.ini_options]
        asyncio_mode = "auto"
        """,
        test_a_py="""
        import pytest

        @pytest.fixture
        async def number():
            return 1

        def test_fixture(number):
            assert number == 1

        async def test_unmarked():
            pass
        """,
    )
    result = project.pytest()
    root = project.root
    said(
        result,
        "fixture 'number' (function scope",
        "test_a.py::test_unmarked is async, and nobody runs it. [HM717]",
        f"asyncio_mode = auto stands in {root}/pyproject.toml:5, which pytest does not read: it reads one file, "
        f"{root}/pytest.ini.",
        f"change: {root}/pytest.ini: asyncio_mode = auto",
    )
    assert result.output.count("[HM717]") == 2
    assert "HM713" not in result.output
    project.change("pytest.ini", "[pytest]", "[pytest]\nasyncio_mode = auto")
    all_pass(project, 2)


def test_a_loop_s_scope_in_a_file_that_is_not_read(project: Project) -> None:
    """A file in the folder of the tests is none that pytest reads when it is started above."""
    project.write(
        pytest_ini=AUTO,
        tests__tox_ini="""
        [pytest]
        asyncio_default_fixture_loop_scope = session
        asyncio_default_test_loop_scope = session
        """,
        tests__test_a_py="""
        import pytest_asyncio

        @pytest_asyncio.fixture(scope="session", loop_scope="function")
        async def number():
            return 1

        async def test_it(number):
            assert number == 1
        """,
    )
    project.change("pytest.ini", "[pytest]", "[pytest]\nasyncio_default_fixture_loop_scope = function")
    assert "HM717" not in project.pytest().output  # the argument counts, wherever the settings stand
    project.change("tests/test_a.py", ', loop_scope="function"', "")
    result = project.pytest()
    assert "HM717" not in result.output  # what is read says something else
    said(result, f"change: {project.root}/pytest.ini:2: asyncio_default_fixture_loop_scope = session")
