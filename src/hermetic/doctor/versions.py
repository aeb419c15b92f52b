"""Which versions a project runs with: what is locked, else what is required, else what its interpreter has.

A rule that holds from one release on asks here. Where two lock entries, or two requirements, disagree on the answer,
the next source is asked; where none tells, nothing is known.

The interpreter is that of an environment which is named, or lies in the project, else of one that is activated where
the command is started in the project. That of this command is only where something says so: the project is installed
there, it lies in the project, or the project's own runs load hermetic, which is installed here. Else another project's
versions would be taken for this one's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hermetic.source.configuration import Configuration
from hermetic.source.requirements import (
    ENVIRONMENTS,
    SITES,
    Bound,
    Release,
    activated_environment,
    bounds_in,
    installed_bounds,
    locked_bounds,
    pinned_bounds,
    read_loosely,
)
from hermetic.source.sources import Sources


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
        return answer.bound if answer is not None and answer.holds else None

    def before(self, package: str, release: Release) -> Bound | None:
        """Return what says that a package is older than a release; None where it is not, or not known."""
        answer = self._answer(package, release)
        return answer.bound if answer is not None and not answer.holds else None

    def _answer(self, package: str, release: Release) -> Answer | None:
        for bounds in self._sources(package):
            if bounds and all(bound.demands(release) for bound in bounds):
                return Answer(True, bounds[0])
            if bounds and not any(bound.allows(release) for bound in bounds):
                return Answer(False, bounds[0])
        self.unknown[package] = None
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


def find_versions(
    sources: Sources, configuration: Configuration, environment: Path | None = None
) -> Versions:
    """Return what answers for a project.

    Args:
        sources: The project.
        configuration: pytest's settings.
        environment: The environment that was named; None for one that lies in it, or that something else tells.
    """
    if environment is None:
        environment = find_environment(
            sources, configuration, environ=os.environ, started_in=Path.cwd(), own=Path(sys.prefix)
        )
    return Versions(sources.around(configuration.path.parent), environment)


def find_environment(
    sources: Sources,
    configuration: Configuration,
    *,
    environ: Mapping[str, str],
    started_in: Path,
    own: Path,
) -> Path | None:
    """Return the environment of a project; None where nothing tells which it is, or it lies where it is looked for.

    Args:
        sources: The project.
        configuration: pytest's settings.
        environ: The variables of this process.
        started_in: Where this command was started.
        own: The environment of this command.
    """
    places = sources.around(configuration.path.parent)
    if any((place / name).is_dir() for place in places for name in ENVIRONMENTS):
        return None
    activated = activated_environment(environ, started_in, sources.boundary)
    if activated is not None:
        return activated
    uses_hermetic = any(key.startswith("hermetic") for key in configuration.values)
    is_own = uses_hermetic or own.is_relative_to(sources.boundary) or _has_installed(own, sources.boundary)
    return own if is_own else None


def _has_installed(environment: Path, project: Path) -> bool:
    """Whether a project is installed in an environment from its folder, or from one in it."""
    origins = (
        found for folder in SITES for found in environment.glob(f"{folder}/*.dist-info/direct_url.json")
    )
    return any(f'"{project.as_uri()}' in read_loosely(origin) for origin in origins)
