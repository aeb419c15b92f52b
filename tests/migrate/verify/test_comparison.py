"""Two records of a suite, and the tests that fare worse by the second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hermetic.migrate.verify.comparison import (
    Item,
    Unsteady,
    by_item,
    compare,
    unsteady,
    without_backend,
)
from hermetic.migrate.verify.record import Counts, Ran, Record, Shared, Unawaited

FILE = "/copy/test_a.py"
USUAL = Ran(FILE, "test_a", "", "", (FILE, "test_a"), "passed", "", Counts(2, {"TestClient": 2}, 3), (), 0.1)


def record(*tests: Ran) -> Record:
    """Return what a run of these tests would write."""
    return Record(tests, has_ended=True, workers=1)


@pytest.mark.parametrize(
    ("parameters", "backend", "id"),
    [
        ("asyncio", "asyncio", ""),
        ("asyncio-a-1", "asyncio", "a-1"),
        ("a-asyncio-1", "asyncio", "a-1"),
        ("asyncio+uvloop-a", "asyncio", "a"),
        ("asyncio-asyncio", "asyncio", "asyncio"),
        ("asyncio--10", "asyncio", "-10"),
        ("a--asyncio", "asyncio", "a-"),
        ("asyncio", "", "asyncio"),
        ("asyncio_a", "asyncio", "asyncio_a"),
        ("trio-a", "trio", "trio-a"),
        ("", "", ""),
    ],
)
def test_the_id_of_parameters(parameters: str, backend: str, id: str) -> None:
    """That of asyncio's backend is left out, once, where it is a backend's."""
    assert without_backend(parameters, backend) == id


def test_of_several_backends_the_worst_counts() -> None:
    """A test that fails on uvloop alone fails."""
    plain = replace(USUAL, parameters="asyncio", backend="asyncio")
    uvloop = replace(USUAL, parameters="asyncio+uvloop", backend="asyncio", outcome="failed")
    assert by_item(record(plain, uvloop)) == {Item(FILE, "test_a"): uvloop}
    assert [worse.code for worse in compare(record(USUAL), record(plain, uvloop))] == ["HM851"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (USUAL, USUAL),
        (USUAL, replace(USUAL, counts=Counts(2, {"AsyncTestClient": 2}, 3))),
        (USUAL, replace(USUAL, counts=Counts(5, {}, 9))),
        (
            replace(USUAL, counts=Counts(0, {"TestClient": 1}, 0)),
            replace(USUAL, counts=Counts(0, {"httpx": 1})),
        ),
        (replace(USUAL, outcome="failed"), replace(USUAL, outcome="error", counts=Counts())),
        (replace(USUAL, outcome="skipped"), USUAL),
        (replace(USUAL, outcome="xfailed"), replace(USUAL, outcome="xfailed")),
        (
            replace(USUAL, unawaited=(Unawaited("mocked"),)),
            replace(USUAL, unawaited=(Unawaited("mocked"),)),
        ),
    ],
)
def test_what_is_not_worse(before: Ran, after: Ran) -> None:
    """As much as before, or more; and what was no good before."""
    assert compare(record(before), record(after)) == []


@pytest.mark.parametrize(
    ("after", "code", "text"),
    [
        (replace(USUAL, outcome="failed", why="assert 1"), "HM851", "failed, and passed before: assert 1"),
        (
            replace(USUAL, outcome="failed", why="Failed: It did not end within 20 s"),
            "HM856",
            "did not end within 20 s",
        ),
        (
            replace(USUAL, outcome="skipped", why="no plugin"),
            "HM852",
            "skipped, and passed before: no plugin",
        ),
        (replace(USUAL, counts=Counts(1, {}, 3)), "HM853", "1 request ran, and 2 before"),
        (replace(USUAL, counts=Counts(2, {}, 0)), "HM854", "no assertions ran, and 3 before"),
        (
            replace(USUAL, counts=Counts(), unawaited=(Unawaited("get", ((FILE, 7, "read"),)),)),
            "HM855",
            "nobody awaited the coroutine get (made in read, line 7)",
        ),
    ],
)
def test_what_is_worse(after: Ran, code: str, text: str) -> None:
    """A test is told of once, by its gravest fault."""
    (worse,) = compare(record(USUAL), record(after))
    assert (worse.item, worse.code, worse.text) == (Item(FILE, "test_a"), code, text)
    assert worse.names == ((FILE, "test_a"),)


def test_an_expected_failure_that_passes() -> None:
    """It may pass since nothing of it runs."""
    (worse,) = compare(record(replace(USUAL, outcome="xfailed")), record(USUAL))
    assert worse.code == "HM851"


def test_a_test_that_is_missing() -> None:
    """It does not run; or its file is not collected, which says why; one that did not pass is not missed."""
    other = replace(USUAL, path="test_b", outcome="failed")
    assert [each.text for each in compare(record(USUAL, other), record())] == ["does not run"]
    broken = replace(record(), uncollected=(("test_a.py", "SyntaxError"),))
    assert [each.text for each in compare(record(USUAL), broken)] == ["is not collected: SyntaxError"]


def test_a_run_that_was_cut_short() -> None:
    """The test at which it was is told of, not those that would have followed."""
    tests = [USUAL, replace(USUAL, path="test_b"), replace(USUAL, path="test_c")]
    cut = Record((USUAL,), unfinished=((FILE, "test_b", "asyncio"),))
    assert [(each.item.path, each.code) for each in compare(record(*tests), cut)] == [("test_b", "HM856")]


def test_a_test_that_is_new() -> None:
    """Variants that did not run before must not fail."""
    trio = replace(USUAL, parameters="trio", backend="trio", outcome="failed", why="no asyncio loop")
    (worse,) = compare(record(USUAL), record(USUAL, trio))
    assert worse.text == "failed (no asyncio loop), and did not run before"


def test_what_differs_from_run_to_run() -> None:
    """It is found in two runs of the same suite, and is not told of then."""
    polls = replace(USUAL, path="test_polls")
    flaky = replace(USUAL, path="test_flaky")
    again = (replace(polls, counts=Counts(4, {}, 5)), replace(flaky, outcome="failed"))
    known = unsteady(record(polls, flaky, USUAL), record(*again, USUAL))
    assert known == Unsteady(
        frozenset({Item(FILE, "test_flaky")}),
        frozenset(
            {
                Item(FILE, "test_polls"),
            }
        ),
        frozenset({Item(FILE, "test_polls")}),
    )
    after = record(replace(polls, counts=Counts()), replace(flaky, outcome="failed"), USUAL)
    assert len(compare(record(polls, flaky, USUAL), after)) == 2
    assert compare(record(polls, flaky, USUAL), after, known) == []


def test_a_fixture_that_several_tests_share() -> None:
    """What runs less in it is the first test's that needs it; with several processes nothing is known of it."""
    login = Shared("tests::token", Counts(1, {}, 0), (FILE, "test_a"))
    before, after = replace(record(USUAL), shared=(login,)), record(USUAL)
    (worse,) = compare(before, after)
    assert (worse.code, worse.text) == ("HM853", "no requests ran in tests::token, and 1 before")
    assert worse.names == ((FILE, "test_a"),)
    assert compare(before, replace(after, workers=2)) == []


def test_a_coroutine_that_is_found_at_the_end() -> None:
    """It is that of the test whose function made it."""
    late = replace(record(USUAL), unawaited=(Unawaited("get", ((FILE, 3, "test_a"),)), Unawaited("other")))
    (worse,) = compare(record(USUAL), late)
    assert (worse.item.path, worse.code) == ("test_a", "HM855")
