"""Every step of an ending is taken, and what failed is raised."""

from __future__ import annotations

import pytest

from hermetic.steps import every_step, leaves


def test_without_an_error_nothing_is_raised() -> None:
    """Steps are taken in their order."""
    taken = []
    with every_step() as step:
        for number in range(3):
            with step:
                taken.append(number)
    assert taken == [0, 1, 2]


def test_one_error_is_raised_as_it_is_after_the_last_step() -> None:
    """The step after the one that failed is taken, and the error is no group."""
    taken = []
    error = KeyError("x")
    with pytest.raises(KeyError) as raised, every_step() as step:
        with step:
            raise error
        with step:
            taken.append("after")
    assert raised.value is error
    assert taken == ["after"]


def test_several_errors_are_raised_together() -> None:
    """A group has them in the order of the steps, those too that are no Exception, as an outcome of pytest is none."""
    outcome = pytest.fail.Exception("x")
    errors = [KeyError("a"), outcome, ValueError("b")]
    with pytest.raises(BaseExceptionGroup) as raised, every_step() as step:
        for error in errors:
            with step:
                raise error
    assert list(raised.value.exceptions) == errors


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_raised_alone(interruption: type[BaseException]) -> None:
    """Whoever asked for the end looks for it, and not in a group."""
    taken = []
    with pytest.raises(interruption), every_step() as step:
        with step:
            raise KeyError("x")
        with step:
            raise interruption
        with step:
            taken.append("after")
    assert taken == ["after"]


def test_an_error_between_steps_is_not_lost() -> None:
    """Nothing can be taken after it, but what failed before it is raised with it."""
    with pytest.raises(ExceptionGroup) as raised, every_step() as step:
        with step:
            raise KeyError("a")
        raise ValueError("b")
    assert [type(error) for error in raised.value.exceptions] == [KeyError, ValueError]


def test_the_leaves_of_a_group() -> None:
    """Groups in groups are flattened; an error is its own leaf."""
    a, b, c = KeyError("a"), KeyError("b"), KeyError("c")
    assert leaves(ExceptionGroup("outer", [a, ExceptionGroup("inner", [b, c])])) == [a, b, c]
    assert leaves(a) == [a]
