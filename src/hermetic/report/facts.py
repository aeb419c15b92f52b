"""What the reports of a run are made of: what a test left, and what is so of a whole process of the run.

A test's facts travel in pytest's report of it, a process's in what a worker of xdist sends when it ends: as plain
dictionaries with a version, since neither takes anything but lists, texts and numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

VERSION = 1

Plain = dict[str, Any]


class Facts:
    """What can become a plain dictionary, and again what it was."""

    def plain(self) -> Plain:
        """Return it for another process."""
        return {"version": VERSION, **asdict(self)}  # type: ignore[call-overload]

    @classmethod
    def of(cls, plain: Mapping[str, Any] | None) -> Self | None:
        """Return what another process sent; None where it sent nothing, or is of another version."""
        if plain is None or plain.get("version") != VERSION:
            return None
        return cls(**{each.name: plain[each.name] for each in fields(cls)})  # type: ignore[arg-type]


@dataclass
class TestFacts(Facts):
    """What was told of one test since it was last reported.

    Attributes:
        breaches: What guards found: the guard's name, and the message, whose first line says who did it.
        overrides: The dependencies that it left overridden.
        tasks: The tasks that it left running.
        lock_waits: What its requests were told that waited for it.
        used_in_set_up: Who used a database while a wide fixture was set up.
        kept: What there is to say of the databases that were kept.
    """

    __test__ = False  # pytest takes it for a class of tests

    breaches: list[list[str]] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    lock_waits: list[str] = field(default_factory=list)
    used_in_set_up: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(vars(self).values())


@dataclass
class ProcessFacts(Facts):
    """What was told of one process of the run, each once, in order.

    Attributes:
        engines: The engines that were used, each as ``ObservedEngine`` has it; in mode ``observe`` only.
        left_alone: Databases in memory that tests have for themselves: the line that made the engine, and why.
        earlier: Files that a driver opened before an engine named them, with the line that did.
        drivers: Those that were imported and that no engine uses; in mode ``observe`` only.
        databases: The application's databases that were used, and whether somebody wrote to them.
        named: The databases that the application's engines are for: kind and name.
        contents: What fills its databases.
        server: What there is to say of the server that was used.
        notes: What else there is to say.
    """

    engines: list[list[Any]] = field(default_factory=list)
    left_alone: dict[str, str] = field(default_factory=dict)
    earlier: dict[str, str] = field(default_factory=dict)
    drivers: list[str] = field(default_factory=list)
    databases: dict[str, bool] = field(default_factory=dict)
    named: list[list[str]] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    server: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note_database(self, address: str, *, is_written: bool) -> None:
        """A database of the application's was used."""
        self.databases[address] = self.databases.get(address, False) or is_written

    def add(self, other: ProcessFacts) -> None:
        """Add what another process was told, what is the same once."""
        for address, is_written in other.databases.items():
            self.note_database(address, is_written=is_written)
        self.left_alone.update(other.left_alone)
        self.earlier = {**other.earlier, **self.earlier}
        for name in ("engines", "drivers", "named", "contents", "server", "notes"):
            mine = getattr(self, name)
            mine.extend(each for each in getattr(other, name) if each not in mine)


@dataclass
class Tally:
    """How often something was seen, and by whom first."""

    count: int = 0
    first: str = ""

    def add(self, who: str) -> None:
        """Count it once more."""
        self.count += 1
        self.first = self.first or who


@dataclass
class Totals:
    """The facts of all tests and processes of a run; what a thousand tests do alike is kept once, with how often.

    Attributes:
        breaches: By their guard, and by what is said of them, without who did it.
        overrides: By the dependency that was left overridden.
        tasks: By what is said of them.
        used_in_set_up: What is said of who used a database while a wide fixture was set up.
        process: What was told of its processes.
        lost: The workers that ended without a word.
    """

    breaches: dict[str, dict[str, Tally]] = field(default_factory=dict)
    overrides: dict[str, Tally] = field(default_factory=dict)
    tasks: Counter[str] = field(default_factory=Counter)
    used_in_set_up: dict[str, None] = field(default_factory=dict)
    process: ProcessFacts = field(default_factory=ProcessFacts)
    lost: list[str] = field(default_factory=list)

    def add_test(self, test: str, facts: TestFacts) -> None:
        """Add what a test left."""
        for guard, message in facts.breaches:
            who, _, what = message.partition("\n")
            self.breaches.setdefault(guard, {}).setdefault(what, Tally()).add(who)
        for name in facts.overrides:
            self.overrides.setdefault(name, Tally()).add(test)
        self.tasks.update(facts.tasks)
        self.used_in_set_up.update(dict.fromkeys(facts.used_in_set_up))
