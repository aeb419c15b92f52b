"""How a database is filled, whatever its backend."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hermetic.database.templates import Built, Damaged, Note, NoTemplate, Outdated, Template, fill


class Filled:
    """A database whose backend does as it is told.

    Args:
        built: When the template was built that is there; an error that says why there is none.
        run: Which run built it; this one is ``now``.
        kept: The error that keeping one raises.
        locked: The error that locking raises.
    """

    def __init__(
        self,
        built: str | Exception | None = None,
        kept: Exception | None = None,
        locked: Exception | None = None,
        run: str = "earlier",
    ) -> None:
        self.calls: list[str] = []
        self._built, self._kept, self._locked, self._run = built, kept, locked, run

    @contextmanager
    def template_locked(self, key: str) -> Iterator[None]:
        if self._locked is not None:
            raise self._locked
        self.calls.append(f"lock {key}")
        yield
        self.calls.append("unlock")

    def find_template(self, key: str) -> Template | None:
        if isinstance(self._built, Exception):
            raise self._built
        if self._built is None:
            return None
        return Template(self._built, self._run == "now", {"was": "old"}, lambda: self.calls.append("copy"))

    def keep_template(self, key: str, note: Note) -> None:
        if self._kept is not None:
            raise self._kept
        self.calls.append(f"keep {key}")

    def fill(self, *others: str, outdated: Outdated = lambda note: "") -> str:
        """Fill it by a build that uses these others too."""

        def build() -> Built:
            self.calls.append("build")
            return Built(others, {"was": "new"})

        return fill(self, lambda: "k", build, outdated)


@pytest.mark.parametrize(
    ("database", "said", "calls"),
    [
        (Filled("today"), "template reused, built today", "lock k, copy, unlock"),
        (Filled(), "template built (fingerprint k)", "lock k, build, keep k, unlock"),
        (Filled(Damaged("it rotted")), "template built (fingerprint k); it rotted", "lock k, build, keep k, unlock"),
        (Filled(kept=NoTemplate("full")), "template built, and not kept: full", "lock k, build, unlock"),
        (Filled(NoTemplate("since so")), "template: none, since so", "lock k, build, unlock"),
        (Filled(locked=NoTemplate("since so")), "template: none, since so", "build"),
    ],
)  # fmt: skip
def test_what_is_said(database: Filled, said: str, calls: str) -> None:
    """A template is copied, or made by a build; whatever is in the way, the database is filled, once."""
    assert database.fill() == said
    assert ", ".join(database.calls) == calls


@pytest.mark.parametrize(
    ("database", "said", "calls"),
    [
        (Filled("today"), "template built (fingerprint k); old", "lock k, build, keep k, unlock"),
        (Filled("today", run="now"), "template reused, built today", "lock k, copy, unlock"),
    ],
)
def test_what_has_changed_since(database: Filled, said: str, calls: str) -> None:
    """Another one takes its place, and what changed is told; what this run has built is good for all of it."""
    outdated = {"old": "old", "new": ""}
    assert database.fill(outdated=lambda note: outdated[note["was"]]) == said
    assert ", ".join(database.calls) == calls


def test_what_nobody_can_know_is_good_for_one_run() -> None:
    """It is kept for the workers of this one; the next one builds."""
    database = Filled()
    assert database.fill(outdated=lambda note: "who knows") == "template built for this run only: who knows"
    assert database.calls == ["lock k", "build", "keep k", "unlock"]


def test_a_build_that_uses_other_databases_is_not_kept() -> None:
    """A copy of one would leave the others empty."""
    database = Filled()
    assert database.fill("hermetic_2") == (
        "template: none, since what fills the database used others too: hermetic_2"
    )
    assert database.calls == ["lock k", "build", "unlock"]


def test_what_cannot_be_told_is_no_template() -> None:
    """The build has its turn then."""
    built = []

    def key() -> str:
        raise NoTemplate("since nobody knows")

    def build() -> Built:
        built.append("built")
        return Built()

    assert fill(Filled("today"), key, build, lambda note: "") == "template: none, since nobody knows"
    assert built == ["built"]


def test_a_build_inside_a_build() -> None:
    """From a thread of the first one's, which waits for it: it waits for nobody and is not kept."""
    outer, inner = Filled(), Filled("today")

    def build() -> Built:
        said: list[str] = []
        thread = threading.Thread(target=lambda: said.append(inner.fill()))
        thread.start()
        thread.join()
        return Built(said)

    said = "template: none, since what fills the database used others too: "
    assert fill(outer, lambda: "k", build, lambda note: "") == said
    assert inner.calls == ["build"]
    assert inner.fill() == "template reused, built today"


def test_a_build_that_fails_keeps_nothing() -> None:
    """And lets the next one have its turn."""
    database = Filled()
    with pytest.raises(ZeroDivisionError):
        fill(database, lambda: "k", lambda: Built([str(1 / 0)]), lambda note: "")
    assert database.fill() == "template built (fingerprint k)"
