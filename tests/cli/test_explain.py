"""`hermetic explain`."""

from __future__ import annotations

import inspect
import re

import pytest

from hermetic import errors
from hermetic.causes import Cause, causes
from hermetic.cli import main
from hermetic.cli.explain import codes

NEVER_RAISED = {"HM000", "HM100"}
"""The codes of classes that are never raised themselves."""


def test_a_code_is_explained_by_the_docstring_of_its_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The code, the class and its docstring are printed; the code's case does not matter."""
    assert main(["explain", "hm310"]) == 0
    text = inspect.cleandoc(errors.LayerConflict.__doc__ or "")
    assert capsys.readouterr().out == f"HM310  LayerConflict\n\n{text}\n"


@pytest.mark.parametrize("code", sorted(codes().keys() - NEVER_RAISED))
def test_a_code_says_more_than_the_message_did(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks has read the first sentence: what it comes of, and what to do, is in those after it."""
    main(["explain", code])
    sentences = re.findall(r"\.\s", capsys.readouterr().out)
    assert len(sentences) > 1


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each code of the hierarchy has a line, in order, with its first sentence."""
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:5] for line in lines] == sorted(codes())
    assert (
        "HM200  ContainmentError: A SQLAlchemy engine asked for a database that hermetic did not make."
        in lines
    )


def test_every_error_class_has_a_code_of_its_own() -> None:
    """No two errors of hermetic share a code, and none is left out."""
    classes = {value for value in vars(errors).values() if isinstance(value, type)}
    found = {each for each in codes().values() if not isinstance(each, Cause)}
    assert found == {each for each in classes if issubclass(each, errors.HermeticError)}


def test_a_cause_is_explained_by_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Its code, its name and its text, without the indentation that it has in the source."""
    assert main(["explain", "HM720"]) == 0
    assert capsys.readouterr().out.startswith("HM720  AsyncClient(app=...) is gone\n\nhttpx 0.28 took the ")


def test_no_two_causes_share_a_code() -> None:
    """Nor does a cause with an error; each has a name and a text."""
    assert set(causes()) <= set(codes())
    assert all(cause.code == code and cause.name and cause.text.strip() for code, cause in causes().items())
    assert not set(causes()) & {each.code for each in codes().values() if not isinstance(each, Cause)}


def test_a_users_subclass_without_a_code_is_not_listed() -> None:
    """A subclass that inherits its code does not hide the error that the code stands for."""

    class Own(errors.LeakError):
        """Defined by a user."""

    assert Own not in codes().values()


def test_an_unknown_code_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """A typo is an error with exit code 2 that says which codes there are."""
    assert main(["explain", "HM999"]) == 2
    assert "'HM999' is no code" in (error := capsys.readouterr().err)
    assert "HM100, HM101" in error
