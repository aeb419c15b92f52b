"""Which kind of database the texts of a project name: the schemes of URLs, drivers, and the types of settings.

No kind is named here. Whoever reads a project hands in the kinds that there are, and how code calls them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hermetic.source.origins import HOLE
from hermetic.source.requirements import read_loosely, read_requirements
from hermetic.source.sources import Sources

DOTENV = (".env", ".env.example", ".env.sample", ".env.template")


@dataclass(frozen=True)
class Kind:
    """A kind of database, and what code calls it.

    Attributes:
        name: What SQLAlchemy calls it, and URLs do.
        others: Other names that its URLs may have.
        old: Names that its URLs had once: code with one of them turns it into another.
        asynchronous: The drivers of async engines: the package that a project requires, and its name in a URL.
        synchronous: Those of other engines.
        packages: The packages that open connections to it.
        telling: Those among them that nobody calls for anything but the application's database.
        openings: What of other libraries is called after it, and opens one.
        types: The types of its URLs in settings classes.
        words: What names of variables may have in them that hold its URL.
        blocking: The drivers in URLs that no async engine can use.
        async_since: The release of SQLAlchemy since which a URL that names no driver means one for async engines, too;
            None where none does.
        in_memory: What a URL names as its database where that is made anew in memory by each connection.
    """

    name: str
    others: tuple[str, ...]
    old: tuple[str, ...]
    asynchronous: Mapping[str, str]
    synchronous: Mapping[str, str]
    packages: frozenset[str]
    telling: frozenset[str]
    openings: frozenset[str]
    types: tuple[str, ...]
    words: tuple[str, ...]
    blocking: frozenset[str] = frozenset()
    async_since: tuple[int, ...] | None = None
    in_memory: frozenset[str] = frozenset()

    def drivers(self, *, is_async: bool) -> Mapping[str, str]:
        """Return the drivers of async engines, or of others."""
        return self.asynchronous if is_async else self.synchronous


@dataclass(frozen=True)
class Databases:
    """The kinds of databases that there are.

    Attributes:
        kinds: Those, the likeliest first where a project requires drivers of several.
        default: The kind of an application that tells nothing.
    """

    kinds: tuple[Kind, ...]
    default: Kind

    @cached_property
    def by_name(self) -> dict[str, Kind]:
        """The kinds by what their URLs may be called."""
        return {name: kind for kind in self.kinds for name in (kind.name, *kind.others, *kind.old)}

    @cached_property
    def packages(self) -> frozenset[str]:
        """The packages that open connections."""
        return frozenset[str]().union(*(kind.packages for kind in self.kinds))

    @cached_property
    def openings(self) -> frozenset[str]:
        """What of other libraries is called after a kind, and opens a database."""
        return frozenset[str]().union(*(kind.openings for kind in self.kinds))

    @cached_property
    def told_by_package(self) -> dict[str, str]:
        """The kind that a package tells when it is called."""
        return {package: kind.name for kind in self.kinds for package in kind.telling}

    @cached_property
    def told_by_opening(self) -> dict[str, str]:
        """The kind after which a call of another library is named."""
        return {opening: kind.name for kind in self.kinds for opening in kind.openings}

    @cached_property
    def told_by_type(self) -> dict[str, str]:
        """The kind that a field's type tells."""
        return {word: kind.name for kind in self.kinds for word in kind.types}

    @cached_property
    def names(self) -> str:
        """A regular expression of their names in URLs."""
        return "|".join(sorted(self.by_name, key=len, reverse=True))

    @cached_property
    def scheme(self) -> re.Pattern[str]:
        """What a URL begins with."""
        return re.compile(rf"\b((?:{self.names})(?:\+\w+)?)://")

    @cached_property
    def variable(self) -> re.Pattern[str]:
        """What a variable is called that holds a database's URL."""
        words = "|".join(
            ("DATABASE", "DB", "SQLALCHEMY", *(word for kind in self.kinds for word in kind.words))
        )
        return re.compile(rf"(^|_)({words})_UR[IL]$")

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(rf"(?:{self.names})(?:\+\w+)?", re.IGNORECASE)

    @cached_property
    def _tortoise(self) -> re.Pattern[str]:
        """How Tortoise names a kind: by the package that it calls."""
        packages = "|".join(sorted(self.told_by_package, key=len, reverse=True))
        return re.compile(rf"(tortoise\.backends\.)?({packages})(?(1)$|://)")

    @cached_property
    def _only_async(self) -> frozenset[str]:
        names = {name for kind in self.kinds for name in kind.asynchronous.values()}
        return frozenset(names.difference(*(kind.synchronous.values() for kind in self.kinds)))

    def schemes_in(self, value: object) -> list[str]:
        """Return the schemes that a text has in it, or is; a driver that is not known is left out."""
        if not isinstance(value, str):
            return []
        if self._word.fullmatch(value):
            return [value.lower()]
        tortoise = self._tortoise.match(value)
        if tortoise is not None:
            return [self.told_by_package[tortoise[2]]]
        return [match[1] for match in self.scheme.finditer(value.replace(f"+{HOLE}", ""))]

    def kind_of(self, scheme: str) -> str:
        """Return which database a scheme is of, by SQLAlchemy's name."""
        name = scheme.partition("+")[0]
        return self.by_name[name].name if name in self.by_name else name

    def is_old(self, scheme: str) -> bool:
        """Whether a scheme is an old name of a kind, and nothing more."""
        return scheme in self.by_name and scheme in self.by_name[scheme].old

    def fitting(self, scheme: str, requirements: str, *, is_async: bool) -> str:
        """Return a scheme with a driver for an engine: its own if that can be, else one that the project requires.

        Args:
            scheme: Of some URL of that kind of database.
            requirements: What the project requires.
            is_async: Whether the engine is.
        """
        kind, driver = self.by_name[scheme.partition("+")[0]], scheme.partition("+")[2]
        drivers = kind.drivers(is_async=is_async)
        if driver and (driver in drivers.values() if is_async else driver not in self._only_async):
            return scheme
        required = [name for package, name in drivers.items() if _requires(requirements, package)]
        chosen = next(iter([*required, *(drivers.values() if is_async else ())]), "")
        return f"{kind.name}+{chosen}" if chosen else kind.name

    def guessed(self, sources: Sources, directories: Iterable[Path], *, is_async: bool) -> str:
        """Say which kind of database a project is for, where no engine of it can be followed.

        Args:
            sources: The project; a URL in the application's own code tells first.
            directories: Where ``.env`` files, then requirements, are looked for.
            is_async: Whether its engines are.
        """
        places = list(dict.fromkeys(directories))
        modules = (module for module in sources.production if b"://" in module.text)
        texts = [node.value for module in modules for node in module.of(ast.Constant)]
        texts += [read_loosely(directory / name) for directory in places for name in DOTENV]
        schemes = [
            match[1] for text in texts if isinstance(text, str) for match in self.scheme.finditer(text)
        ]
        if schemes:
            # Code that turns an old name into one with a driver names both; the driver is the one that is meant.
            return next((scheme for scheme in schemes if "+" in scheme), schemes[0])
        wanted = read_requirements(places)
        required = (
            kind
            for kind in self.kinds
            if any(_requires(wanted, each) for each in kind.drivers(is_async=is_async))
        )
        return self.fitting(next(required, self.default).name, wanted, is_async=is_async)


def _requires(requirements: str, package: str) -> bool:
    return re.search(rf"\b{package}\b", requirements, re.IGNORECASE) is not None
