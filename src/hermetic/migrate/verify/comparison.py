"""Compare what ran in a suite before it was rewritten with what ran in it afterwards. Every function is pure.

A test that passes is no proof: what it awaits may never have run. So a test fares worse, too, if fewer requests or
fewer assertions ran in it than before, or if it leaves a coroutine that nobody awaited. More of them are no harm.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hermetic.causes.verification import (
    DOES_NOT_END,
    FAILS_ONCE_REWRITTEN,
    FEWER_ASSERTIONS,
    FEWER_REQUESTS,
    NOT_RUN_ONCE_REWRITTEN,
    UNAWAITED_ONCE_REWRITTEN,
)
from hermetic.migrate.verify.record import LATE, Counts, Ran, Record, Unawaited

FAILS = FAILS_ONCE_REWRITTEN.code
NOT_RUN = NOT_RUN_ONCE_REWRITTEN.code
REQUESTS = FEWER_REQUESTS.code
ASSERTIONS = FEWER_ASSERTIONS.code
UNAWAITED = UNAWAITED_ONCE_REWRITTEN.code
UNENDED = DOES_NOT_END.code

GOOD = ("passed", "xfailed", "skipped", "xpassed")
RANK = {
    name: rank for rank, name in enumerate(("error", "failed", "skipped", "xpassed", "xfailed", "passed"))
}


class Item(NamedTuple):
    """A test with its parameters, whatever runs it.

    Attributes:
        file: The file.
        path: Its class, if it has one, and its name.
        parameters: The part of its id in brackets, without the name of asyncio's backend.
    """

    file: str
    path: str
    parameters: str = ""

    def __str__(self) -> str:
        return f"{self.file}::{self.path}{f'[{self.parameters}]' if self.parameters else ''}"


@dataclass(frozen=True)
class Worse:
    """A test that fares worse than before.

    Attributes:
        item: The test.
        code: How.
        text: What happened instead.
        names: The files and paths by which a file defines it.
    """

    item: Item
    code: str
    text: str
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Unsteady:
    """The tests that did not do the same in two runs of the suite as it is.

    Attributes:
        outcomes: Those that ended in another way.
        requests: Those in which other numbers of requests ran.
        assertions: Likewise of assertions.
    """

    outcomes: frozenset[Item] = frozenset()
    requests: frozenset[Item] = frozenset()
    assertions: frozenset[Item] = frozenset()

    @property
    def items(self) -> frozenset[Item]:
        """All of them."""
        return self.outcomes | self.requests | self.assertions


def item_of(test: Ran) -> Item:
    """Return the item that a test is, whichever plugin runs it: ``test_x[asyncio-1]`` is ``test_x[1]``.

    One that runs on trio is another test than the one that runs on asyncio.
    """
    return Item(test.file, test.path, without_backend(test.parameters, test.backend))


def without_backend(parameters: str, backend: str) -> str:
    """Return the id of parameters without that of anyio's backend, where that is asyncio's.

    Args:
        parameters: The id, as it stands in brackets.
        backend: The name of the backend; empty where none is among the parameters.
    """
    if backend != "asyncio":
        return parameters
    for name in ("asyncio+uvloop", "asyncio", "anyio_backend0", "anyio_backend1"):
        padded = f"-{parameters}-"
        if f"-{name}-" in padded:
            return padded.replace(f"-{name}-", "-", 1)[1:-1]
    return parameters


def by_item(record: Record) -> dict[Item, Ran]:
    """Return the tests of a run by item; of several that are one, that which ended worst."""
    found: dict[Item, Ran] = {}
    for test in record.tests:
        known = found.setdefault(item_of(test), test)
        if RANK[test.outcome] < RANK[known.outcome]:
            found[item_of(test)] = test
    return found


def requests_in(counts: Counts, *, at_applications: bool) -> int:
    """Return how many requests ran: at Starlette's applications, or as the clients sent them."""
    return counts.requests if at_applications else sum(counts.sent.values())


def unsteady(first: Record, second: Record) -> Unsteady:
    """Return which tests did not do the same in two runs of the same suite."""
    one, other = by_item(first), by_item(second)
    both = [(item, one[item], other[item]) for item in one.keys() & other.keys()]
    return Unsteady(
        outcomes=frozenset(item for item, a, b in both if a.outcome != b.outcome)
        | (one.keys() ^ other.keys()),
        requests=frozenset(
            item
            for item, a, b in both
            if (a.counts.requests, a.counts.sent) != (b.counts.requests, b.counts.sent)
        ),
        assertions=frozenset(item for item, a, b in both if a.counts.assertions != b.counts.assertions),
    )


def compare(before: Record, after: Record, known: Unsteady | None = None) -> list[Worse]:
    """Return the tests that fare worse than before, each once, by its gravest fault.

    Args:
        before: The run of the suite as it is.
        after: The run of the suite as it would be.
        known: What is known to differ from run to run.
    """
    known = known or Unsteady()
    old, new = by_item(before), by_item(after)
    unfinished = {Item(*each) for each in after.unfinished}
    found: dict[Item, Worse] = {}
    for item, test in old.items():
        if item in known.outcomes:
            continue
        now = new.get(item)
        fault = _fault(item, test, now, known) if now is not None else _missing(item, test, unfinished, after)
        if fault is not None:
            found[item] = Worse(item, *fault, _names(test, now))
    for item, test in new.items():
        if item not in old and test.outcome not in GOOD:
            text = f"{test.outcome} ({test.why}), and did not run before"
            found[item] = Worse(item, FAILS, text, _names(test))
    for worse in [*_shared(before, after, old), *_left_over(before, after, new)]:
        found.setdefault(worse.item, worse)
    return sorted(found.values(), key=lambda each: each.item)


def _fault(item: Item, test: Ran, now: Ran, known: Unsteady) -> tuple[str, str] | None:
    """Return the code and the text of what is worse about a test that has run in both runs."""
    if test.outcome in GOOD and test.outcome != now.outcome and now.outcome != "passed":
        if now.why.startswith(f"Failed: {LATE}"):
            return UNENDED, f"did not end within{now.why.partition(LATE)[2]}"
        code = NOT_RUN if now.outcome == "skipped" else FAILS
        return code, f"{now.outcome}, and {test.outcome} before{f': {now.why}' if now.why else ''}"
    if test.outcome == "xfailed" and now.outcome == "passed":
        return FAILS, "passes, and was expected to fail, as it did before"
    if test.outcome not in GOOD:
        return None
    for each in _new(test.unawaited, now.unawaited):
        return UNAWAITED, _told(each)
    requests = requests_before_and_after(test.counts, now.counts)
    if requests[1] < requests[0] and item not in known.requests:
        return REQUESTS, f"{_number(requests[1], 'request')} ran, and {requests[0]} before"
    if now.counts.assertions < test.counts.assertions and item not in known.assertions:
        numbers = now.counts.assertions, test.counts.assertions
        return ASSERTIONS, f"{_number(numbers[0], 'assertion')} ran, and {numbers[1]} before"
    return None


def requests_before_and_after(before: Counts, after: Counts) -> tuple[int, int]:
    """Return how many requests ran: at the applications, if one of Starlette's was asked, else as clients sent them."""
    at_applications = before.requests > 0
    first, second = (requests_in(each, at_applications=at_applications) for each in (before, after))
    return first, second


def _missing(item: Item, test: Ran, unfinished: Iterable[Item], after: Record) -> tuple[str, str] | None:
    """Return what became of a test that has not run; of a run that was cut short only the test at which it was."""
    if any(each[:2] == item[:2] for each in unfinished):
        return UNENDED, "did not end"
    if after.unfinished or not after.has_ended or test.outcome not in GOOD:
        return None
    for place, why in after.uncollected:
        if place and item.file.endswith(f"/{place.partition('::')[0]}"):
            return NOT_RUN, f"is not collected: {why}"
    return NOT_RUN, "does not run"


def _shared(before: Record, after: Record, old: Mapping[Item, Ran]) -> Iterator[Worse]:
    """Yield what runs less than before in fixtures that tests share, as of the test that was the first to need them.

    Several processes have one each, as often as they need it: nothing is told then.
    """
    if before.workers > 1 or after.workers > 1 or not after.has_ended:
        return
    was, now = _by_name(before), _by_name(after)
    for name, counts in was.items():
        first = next((each.test for each in before.shared if each.name == name and any(each.test)), None)
        ran = now.get(name, Counts())
        numbers = requests_before_and_after(counts, ran)
        if first is None or (numbers[1] >= numbers[0] and ran.assertions >= counts.assertions):
            continue
        item = next((item for item in old if item[:2] == first), Item(*first))
        names = _names(old[item]) if item in old else (first,)
        if numbers[1] < numbers[0]:
            text = f"{_number(numbers[1], 'request')} ran in {name}, and {numbers[0]} before"
            yield Worse(item, REQUESTS, text, names)
        else:
            text = f"{_number(ran.assertions, 'assertion')} ran in {name}, and {counts.assertions} before"
            yield Worse(item, ASSERTIONS, text, names)


def _by_name(record: Record) -> dict[str, Counts]:
    found: dict[str, Counts] = defaultdict(Counts)
    for each in record.shared:
        found[each.name].add(each.counts)
    return found


def _left_over(before: Record, after: Record, new: Mapping[Item, Ran]) -> Iterator[Worse]:
    """Yield the tests whose functions made a coroutine that was found when the run was over."""
    for each in _new(before.unawaited, after.unawaited):
        made = {(file, function) for file, _, function in each.made}
        for item, test in new.items():
            if (item.file, item.path.rpartition("::")[2]) in made:
                yield Worse(item, UNAWAITED, _told(each), _names(test))


def _new(before: Iterable[Unawaited], after: Iterable[Unawaited]) -> Iterator[Unawaited]:
    known = Counter(each.name for each in before)
    for each in after:
        if not known[each.name]:
            yield each
        known[each.name] -= 1 if known[each.name] else 0


def _told(coroutine: Unawaited) -> str:
    place = next((f" (made in {function}, line {line})" for _, line, function in coroutine.made), "")
    return f"nobody awaited the coroutine {coroutine.name}{place}"


def _names(*tests: Ran | None) -> tuple[tuple[str, str], ...]:
    names = [name for test in tests if test is not None for name in ((test.file, test.path), test.defined)]
    return tuple(dict.fromkeys(names))


def _number(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
