"""Of who runs what in which loop it is said what is known, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hermetic.code import Location
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from hermetic.explain.plugins import explain, one_loop
from hermetic.explain.runner import FIXTURES, TESTS, Ignored, LoopScope, Runner, Setting, widest
from tests.explain.failing import TEST

HERE = Location("/shop/conftest.py", 5, "session")
INI = "/shop/pytest.ini"


def fixture(scope: str, loop: LoopScope | None = None, name: str = "session") -> UsedFixture:
    """An async fixture."""
    return UsedFixture(name, scope, HERE, is_async=True, loop=loop)


def text_of(error: BaseException, runner: Runner, *fixtures: UsedFixture) -> str:
    """Return what is said of a failed set-up."""
    failure = Failure(TEST, "setup", error, fixtures=fixtures, runner=runner)
    return "\n".join(map(str, explain(failure, History())))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no running event loop"),
        RuntimeError("There is no current event loop in thread 'MainThread'."),
        TypeError("trio.run received unrecognized yield message None."),
        ModuleNotFoundError("No module named 'trio'"),
    ],
)
def test_trio(error: BaseException) -> None:
    """The fixture that chose it is named, or anyio's; under asyncio nothing is said."""
    under_trio = Runner(backend="trio", uses_anyio=True)
    assert "change: in a conftest: @pytest.fixture" in text_of(error, under_trio)
    own = UsedFixture("anyio_backend", "module", HERE, is_async=False)
    assert f"fixture 'anyio_backend' (module scope, {HERE}) says" in text_of(error, under_trio, own)
    assert "trio" not in text_of(error, Runner(backend="asyncio"))


def test_a_generator_that_was_handed_out() -> None:
    """pytest before 9 hands out the generator itself, or the coroutine: the fixture is told by its value."""

    async def session() -> AsyncIterator[int]:
        yield 1

    runner = Runner(versions={"pytest-asyncio": "1.2"}, configuration=INI)
    given, run = fixture("function")._replace(value=session()), fixture("function")._replace(value=1)
    error = AssertionError()
    failure = Failure(TEST, "call", error, fixtures=(given,), runner=runner)
    text = "\n".join(map(str, explain(failure, History())))
    assert "fixture 'session' (function scope" in text
    assert f"change: {INI}: asyncio_mode = auto; or @pytest_asyncio.fixture at {HERE}" in text
    assert not list(explain(Failure(TEST, "call", error, fixtures=(run,), runner=runner), History()))


def test_messages_of_other_mismatches_are_left_alone() -> None:
    """A fixture that asks for a narrower one of the project's is what pytest says of it."""
    text = "ScopeMismatch: You tried to access the function scoped fixture row with a session scoped request object."
    assert not text_of(RuntimeError(text), Runner(), fixture("session"))


def test_the_fixture_event_loop_of_an_old_plugin() -> None:
    """Before 1.0 there was one: that it is not found has another reason."""
    error = LookupError()
    error.argname = "event_loop"  # type: ignore[attr-defined]
    assert not text_of(error, Runner(versions={"pytest-asyncio": "0.26.0"}))
    assert "[HM712]" in text_of(error, Runner(versions={"pytest-asyncio": "1.0.0"}))


def test_one_loop_is_the_widest_that_is_needed() -> None:
    """Each line that gives another one is named once, and those that are not written yet go to the file."""
    ini = Location(INI, 3, "")
    runner = Runner(
        runs="pytest-asyncio",
        loop=LoopScope("function", TESTS, None, is_default=True),
        settings={FIXTURES: Setting("class", ini)},
        configuration=INI,
    )
    by_ini = LoopScope("class", FIXTURES, ini)
    by_argument = LoopScope("function", "loop_scope", HERE)
    fixtures = (fixture("class", by_ini), fixture("function", by_ini), fixture("module", by_argument))
    failure = Failure(TEST, "call", RuntimeError(), fixtures=fixtures, runner=runner)
    assert list(one_loop(failure)) == [
        f"{INI}:3: {FIXTURES} = module",
        f'{HERE}: loop_scope="module"',
        f"{INI}: {TESTS} = module",
    ]
    assert widest(["function", "session", "module", "fixture-scope"]) == "session"


def test_a_setting_counts_only_where_the_file_that_is_read_is_silent() -> None:
    """A file that is not read explains nothing that the other one says itself."""
    other = Ignored("/shop/setup.cfg", {FIXTURES: Setting("session", Location("/shop/setup.cfg", 2, ""))})
    silent = Runner(ignored=(other,))
    assert silent.ignored_setting(FIXTURES, "session") is not None
    assert silent.ignored_setting(FIXTURES, "module") is None
    says = Runner(ignored=(other,), settings={FIXTURES: Setting("function", None)})
    assert says.ignored_setting(FIXTURES, "session") is None
