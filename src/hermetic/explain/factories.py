"""A value that a factory's sequence gave to an earlier test: rows go back before each test, its count does not."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from hermetic.causes.data import FACTORY_SEQUENCE_GOES_ON
from hermetic.code import location_of, project_modules
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, inherits, is_a
from hermetic.explain.history import History
from hermetic.functions import codes
from hermetic.statements import Write, parameters_of, written

_NUMBER = re.compile(r"\d+")
_VALUE = re.compile(r"'([^']*)'|\"([^\"]*)\"|\b(\d+)\b")


class Sequence(NamedTuple):
    """An attribute that a factory counts up.

    Attributes:
        factory: The factory.
        name: The attribute.
        function: What makes a value of a number.
        following: The number that comes next.
    """

    factory: Any
    name: str
    function: Any
    following: int


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the sequence whose value the test expects, and which had given it before."""
    if failure.phase != "call" or "factory" not in sys.modules:
        return
    wanted = [each for each in _wanted(failure, history) if _is_written_down(failure, each)]
    writes = [written(each) for each in history.of(Statement) if each.owner.is_within(failure.owner)]
    for sequence in _sequences() if wanted else ():
        made = [each for write in writes if write is not None for each in _made(sequence, write)]
        for value in wanted:
            later = next((each for each in made if _comes_before(value, each)), None)
            if later is not None and value not in made:
                yield _explanation(failure, sequence, value, later)
                return


def _explanation(failure: Failure, sequence: Sequence, wanted: str, later: str) -> Explanation:
    name = sequence.factory.__name__
    return Explanation(
        FACTORY_SEQUENCE_GOES_ON,
        (
            f"{failure.owner.name} expects {wanted!r}, and {name}.{sequence.name} is {later!r} here: a Sequence"
            f" ({location_of(sequence.function)}) that counts on from test to test, by now to {sequence.following}.",
        ),
        (
            f"compare with the {sequence.name} of what {name} gave; or a fixture with autouse=True:"
            f" {name}.reset_sequence()",
        ),
    )


def _wanted(failure: Failure, history: History) -> Iterator[str]:
    """Give the values of the assertion, and those in the paths of requests that found nothing."""
    for groups in _VALUE.findall(str(failure.error)) if isinstance(failure.error, AssertionError) else ():
        yield "".join(groups)
    for request in history.of(RequestEnded):
        if request.status >= 400 and request.owner.is_within(failure.owner):
            yield from unquote(request.path).split("/")


def _is_written_down(failure: Failure, value: str) -> bool:
    """Whether the function of the test has a value in its code."""
    code = getattr(inspect.unwrap(failure.owner.function or explain), "__code__", None)
    constants = [each for one in codes(code) for each in one.co_consts] if code is not None else []
    texts = [each for each in constants if isinstance(each, str)]
    if value.isdigit():
        return int(value) in constants or any(value in text.split("/") for text in texts)
    return _NUMBER.search(value) is not None and any(value in text for text in texts)


def _sequences() -> Iterator[Sequence]:
    """Give those of the project's factories that have counted."""
    for module in project_modules():
        for found in list(vars(module).values()):
            meta = (
                attribute(found, "_meta")
                if isinstance(found, type) and inherits(found, "BaseFactory")
                else None
            )
            following = attribute(attribute(meta, "_counter"), "seq")
            for name, declared in (attribute(meta, "declarations") or {}).items():
                if is_a(declared, "Sequence") and isinstance(following, int):
                    yield Sequence(found, name, declared.function, following)


def _made(sequence: Sequence, write: Write) -> Iterator[str]:
    """Give the value of a row that the sequence can have given."""
    table = attribute(attribute(sequence.factory._meta.model, "__table__"), "name")
    if write.verb == "INSERT" and table in (None, write.table):
        value = parameters_of(write.parameters).get(sequence.name)
        yield from [] if value is None else [value.strip("'\"")]


def _comes_before(value: str, later: str) -> bool:
    """Whether two values differ in one number alone, which is smaller in the first."""
    numbers = list(zip(_NUMBER.findall(value), _NUMBER.findall(later), strict=False))
    differing = [(int(one), int(other)) for one, other in numbers if one != other]
    is_alike = _NUMBER.sub("#", value) == _NUMBER.sub("#", later)
    return is_alike and len(differing) == 1 and differing[0][0] < differing[0][1]
