"""Which versions a project runs with: what is locked, else what is required, else what its interpreter has.

A rule that holds from one release on asks here. Where two lock entries, or two requirements, disagree on the answer,
the next source is asked; where none tells, nothing is known. What this command
itself runs with says nothing of a project.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.source.requirements import (
    Bound,
    Release,
    bounds_in,
    installed_bounds,
    locked_bounds,
    pinned_bounds,
)


@dataclass(frozen=True)
class Answer:
    """Whether a version is a certain one or later.

    Attributes:
        holds: The answer.
        bound: What gives it.
    """

    holds: bool
    bound: Bound


class Versions:
    """Answer for the packages of a project.

    Args:
        directories: Where lock files, requirements and environments are looked for, the nearest first.
        environment: The directory of the environment that was named; None for those in the directories.

    Attributes:
        unknown: The packages that were asked for, and of which nothing is known.
    """

    def __init__(self, directories: Iterable[Path], environment: Path | None = None) -> None:
        self._directories = list(dict.fromkeys(directories))
        self._environment = environment
        self._known: dict[str, list[list[Bound]]] = {}
        self.unknown: dict[str, None] = {}

    def since(self, package: str, release: Release) -> Bound | None:
        """Return what says that a package is of a release or a later one; None where it is older, or not known.

        Args:
            package: The distribution, with dashes.
            release: The release.
        """
        answer = self._answer(package, release)
        if answer is None:
            self.unknown[package] = None
        return answer.bound if answer is not None and answer.holds else None

    def before(self, package: str, release: Release) -> Bound | None:
        """Return what says that a package is older than a release; None where it is not, or not known."""
        answer = self._answer(package, release)
        if answer is None:
            self.unknown[package] = None
        return answer.bound if answer is not None and not answer.holds else None

    def _answer(self, package: str, release: Release) -> Answer | None:
        for bounds in self._sources(package):
            if bounds and all(bound.demands(release) for bound in bounds):
                return Answer(True, bounds[0])
            if bounds and not any(bound.allows(release) for bound in bounds):
                return Answer(False, bounds[0])
        return None

    def _sources(self, package: str) -> list[list[Bound]]:
        if package not in self._known:
            self._known[package] = list(self._read(package))
        return self._known[package]

    def _read(self, package: str) -> Iterator[list[Bound]]:
        yield locked_bounds(package, self._directories)
        yield [bound for bound in pinned_bounds(package, self._directories) if bound.is_limit]
        if self._environment is not None:
            yield list(bounds_in(self._environment, package))
        else:
            yield installed_bounds(package, self._directories)
