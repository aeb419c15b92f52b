"""Rules about loops: the broken code, the code in its place, and what only looks broken."""

from __future__ import annotations

import pytest

from tests.doctor.examined import AUTO, found, told
from tests.source.projects import Project

EVENT_LOOP = """\
import asyncio, pytest

@pytest.fixture(scope="session")
def event_loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()
"""
ASYNC_TEST = "async def test_users(): ..."


def test_an_event_loop_fixture_is_ignored(project: Project) -> None:
    """With pytest-asyncio 1.0 and later; the message names the version and who says so."""
    files = {"pytest.ini": AUTO, "tests/conftest.py": EVENT_LOOP, "tests/test_users.py": ASYNC_TEST}
    assert found(project, files) == ["tests/conftest.py:4:1 HM712"]
    assert "pytest-asyncio 1.5.0 (uv.lock) runs nothing in this loop" in told(project, files)
    assert found(project, files, pytest_asyncio="0.23.8") == []


@pytest.mark.parametrize(
    ("ini", "test", "is_broken"),
    [
        ("", ASYNC_TEST, True),
        ("asyncio_default_test_loop_scope = module", ASYNC_TEST, True),
        ("asyncio_default_test_loop_scope = session", ASYNC_TEST, False),
        ("", f"import pytest\n@pytest.mark.asyncio(loop_scope='session')\n{ASYNC_TEST}", False),
        ("", f"import pytest\n@pytest.mark.asyncio(loop_scope='class')\n{ASYNC_TEST}", True),
        ("", f"import pytest\n@pytest.mark.asyncio(loop_scope=chosen)\n{ASYNC_TEST}", False),
        ("", "def test_users(): ...", False),
    ],
)
def test_it_is_missed_where_loops_are_narrower(
    project: Project, ini: str, test: str, is_broken: bool
) -> None:
    """Left behind where they are as wide, it does no harm."""
    files = {"pytest.ini": f"{AUTO}{ini}\n", "tests/conftest.py": EVENT_LOOP, "tests/test_users.py": test}
    assert bool(found(project, files)) is is_broken


@pytest.mark.parametrize(
    "text",
    [
        "def test_loop(event_loop): event_loop.run_until_complete(work())",
        "import pytest\n\n@pytest.fixture\ndef done(event_loop): ...",
    ],
)
def test_an_event_loop_fixture_of_synchronous_tests_is_used(project: Project, text: str) -> None:
    """It is an ordinary fixture, and what asks for it has it."""
    fixture = EVENT_LOOP.replace('(scope="session")', "")
    assert found(project, {"tests/conftest.py": fixture, "tests/test_users.py": text}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("async def test_users(db, event_loop): ...", ["tests/test_users.py:1:26 HM712"]),
        ("import pytest\n\n@pytest.fixture\ndef a(event_loop): ...", ["tests/test_users.py:4:7 HM712"]),
        ("@pytest.mark.usefixtures('event_loop')\ndef test(): ...", ["tests/test_users.py:2:1 HM712"]),
        ("@pytest.mark.parametrize('event_loop', [1])\ndef test(event_loop): ...", []),
        ("def helper(event_loop): ...", []),
    ],
)
def test_an_event_loop_that_nobody_defines_is_asked_for(
    project: Project, text: str, expected: list[str]
) -> None:
    """As it could be before 1.0."""
    assert found(project, {"pytest.ini": AUTO, "tests/test_users.py": text}) == expected
    assert found(project, {"tests/test_users.py": text, "requirements.txt": "alt-pytest-asyncio"}) == []


WIDE = """\
import pytest, pytest_asyncio
{decorator}
async def engine(): ...
"""
SCOPED = "[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = {scope}\n"


@pytest.mark.parametrize(
    ("mode", "scope", "decorator", "is_broken"),
    [
        ("auto", "function", "@pytest.fixture(scope='session')", True),
        ("strict", "function", "@pytest_asyncio.fixture(scope='module')", True),
        ("strict", "session", "@pytest_asyncio.fixture(scope='session', loop_scope='class')", True),
        ("auto", "function", "SCOPE = 'session'\n@pytest.fixture(scope=SCOPE)", True),
        ("auto", "session", "@pytest.fixture(scope='session')", False),
        ("auto", "function", "@pytest.fixture(scope='session', loop_scope=chosen)", False),
        ("auto", "function", "@pytest.fixture", False),
        ("strict", "function", "@pytest.fixture(scope='session')", False),
        ("strict", "function", "@pytest_asyncio.fixture(scope='session', loop_scope='session')", False),
        ("strict", "", "@pytest_asyncio.fixture(scope='session')", False),
        ("auto", "function", "@pytest.fixture(scope=chosen)", False),
        ("auto", "fixture-scope", "@pytest.fixture(scope='session')", False),
    ],
)
def test_a_fixture_is_wider_than_its_loop(
    project: Project, mode: str, scope: str, decorator: str, is_broken: bool
) -> None:
    """The loop that it names itself, or that of the configuration."""
    files = {
        "pytest.ini": SCOPED.format(mode=mode, scope=scope),
        "tests/conftest.py": WIDE.format(decorator=decorator),
        "tests/test_users.py": "def test_users(engine): ...",
    }
    line = 3 + decorator.count("\n")
    assert found(project, files) == ([f"tests/conftest.py:{line}:1 HM711"] if is_broken else [])


def test_before_loops_had_scopes_nothing_is_told(project: Project) -> None:
    """The key means nothing there, and with an unknown version nothing is sure."""
    wide = WIDE.format(decorator="@pytest.fixture(scope='session', autouse=True)")
    files = {"pytest.ini": SCOPED.format(mode="auto", scope="function"), "tests/conftest.py": wide}
    assert found(project, files, pytest_asyncio="0.23.8") == found(project, files, pytest_asyncio="") == []


def test_a_wide_fixture_that_nobody_asks_for_never_runs(project: Project) -> None:
    """So it never fails."""
    wide = WIDE.format(decorator="@pytest.fixture(scope='session')")
    assert (
        found(
            project, {"pytest.ini": SCOPED.format(mode="auto", scope="function"), "tests/conftest.py": wide}
        )
        == []
    )


def test_flags_in_addopts_count(project: Project) -> None:
    """A mode and a scope may stand there."""
    flags = "[pytest]\naddopts = --asyncio-mode auto -o asyncio_default_fixture_loop_scope=function\n"
    wide = WIDE.format(decorator="@pytest.fixture(scope='session', autouse=True)")
    assert found(project, {"pytest.ini": flags, "tests/conftest.py": wide}) == ["tests/conftest.py:3:1 HM711"]
    flags = flags.replace("--asyncio-mode auto", "--asyncio-mode=auto -p no:asyncio")
    assert found(project, {"pytest.ini": flags, "tests/conftest.py": wide}) == []


ANYIO_TEST = "import pytest\n\n@pytest.mark.anyio\nasync def test_users(engine): ..."
BACKEND = '\n\n@pytest.fixture(scope="session")\ndef anyio_backend(): ...\n'


def test_a_fixture_is_wider_than_anyio_backend(project: Project) -> None:
    """Which is the module's, unless the project says otherwise."""
    wide = WIDE.format(decorator="@pytest.fixture(scope='session')")
    files = {"tests/conftest.py": wide, "tests/test_users.py": ANYIO_TEST}
    assert found(project, files) == ["tests/conftest.py:3:1 HM715"]
    assert found(project, {**files, "tests/conftest.py": wide + BACKEND}) == []
    module = WIDE.format(decorator="@pytest.fixture(scope='module')")
    assert found(project, {**files, "tests/conftest.py": module}) == []
    assert found(project, {**files, "tests/test_users.py": "def test_users(engine): ..."}) == []


PLAIN = "import pytest\n\n@pytest.fixture\nasync def engine(): ..."


@pytest.mark.parametrize(
    ("ini", "test", "expected"),
    [
        (AUTO, ANYIO_TEST, ["tests/test_users.py:4:1 HM702"]),
        (
            "",
            ANYIO_TEST.replace("async def", "@pytest.mark.asyncio\nasync def"),
            ["tests/test_users.py:5:1 HM702"],
        ),
        (
            AUTO,
            "import pytest\npytestmark = [pytest.mark.anyio]\n\nasync def test(engine): ...",
            ["tests/test_users.py:4:1 HM702"],
        ),
        (
            AUTO,
            "import pytest\n\n@pytest.mark.anyio\nclass TestA:\n    async def test(self, engine): ...",
            ["tests/test_users.py:5:5 HM702"],
        ),
        (
            AUTO,
            "import pytest\n\nclass Base:\n    @pytest.fixture\n    async def own(self): ...\n\n"
            "@pytest.mark.anyio\nclass TestA(Base):\n    async def test(self, own): ...",
            ["tests/test_users.py:9:5 HM702"],
        ),
        (
            "[pytest]\nanyio_mode = auto\nasyncio_mode = auto",
            "async def test(engine): ...",
            ["tests/test_users.py:1:1 HM702"],
        ),
        ("", ANYIO_TEST, []),
        (AUTO, "async def test(engine): ...", []),
        (AUTO, "import pytest\n\n@pytest.mark.anyio\nasync def test(): ...", []),
        (AUTO + "addopts = -p no:anyio", ANYIO_TEST, []),
    ],
)
def test_two_plugins_run_one_test(project: Project, ini: str, test: str, expected: list[str]) -> None:
    """Its async fixtures run in the loop of the other."""
    assert (
        found(project, {"pytest.ini": ini, "tests/conftest.py": PLAIN, "tests/test_users.py": test})
        == expected
    )


def test_the_tests_of_a_file_are_told_together(project: Project) -> None:
    """A suite of three thousand tests has thirty lines, not three thousand."""
    more = "\n\n@pytest.mark.anyio\nasync def test_{}(engine): ..."
    files = {
        "pytest.ini": AUTO,
        "tests/conftest.py": PLAIN,
        "tests/test_users.py": ANYIO_TEST + more.format(1),
    }
    assert "so is one more test of this file" in told(project, files)
    files["tests/test_users.py"] += more.format(2)
    assert "so are 2 more tests of this file" in told(project, files)


ASKING = "async def test_users(request{more}):\n    request.getfixturevalue('{name}')\n"
FIXTURES = """\
import pytest

@pytest.fixture
async def session(): ...

@pytest.fixture
def repository(session): ...

@pytest.fixture
def settings(): ...
"""


@pytest.mark.parametrize(
    ("name", "more", "is_broken"),
    [
        ("session", "", True),
        ("repository", "", True),
        ("settings", "", False),
        ("session", ", session", False),
        ("repository", ", session", False),
        ("unknown", "", False),
    ],
)
def test_an_async_fixture_is_asked_for_in_a_running_loop(
    project: Project, name: str, more: str, is_broken: bool
) -> None:
    """Or one that needs such a fixture, if the test does not have that already."""
    files = {
        "pytest.ini": AUTO,
        "tests/conftest.py": FIXTURES,
        "tests/test_users.py": ASKING.format(name=name, more=more),
    }
    assert found(project, files) == (["tests/test_users.py:2:5 HM725"] if is_broken else [])


def test_a_synchronous_test_may_ask(project: Project) -> None:
    """No loop runs while it does."""
    text = ASKING.format(name="session", more="").removeprefix("async ")
    assert (
        found(project, {"pytest.ini": AUTO, "tests/conftest.py": FIXTURES, "tests/test_users.py": text}) == []
    )
