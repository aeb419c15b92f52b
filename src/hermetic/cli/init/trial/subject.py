"""What is tried: the application that a plan proposes, with the settings that it would have."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hermetic.cli.init.setup_plan import Plan
from hermetic.settings import INI, parse
from hermetic.source.configuration import Configuration
from hermetic.source.environ import environ_assignments
from hermetic.source.modules import Module
from hermetic.source.syntax import package_root
from hermetic.source.variable_values import UNCLEAR, configured

PYTEST_ENV = re.compile(r"(?P<flags>(?:[DRU]:)*)\s*(?P<name>\w+)\s*=\s*(?P<value>.*)")


@dataclass(frozen=True)
class Subject:
    """What is tried, and with what.

    Attributes:
        app: What ``hermetic_app`` names.
        directory: Where it is tried: pytest's root folder.
        project: The folder below which code is the project's.
        paths: What a run has on its import path: what ``pythonpath`` names, and where conftests lie.
        ini: The values of hermetic's keys.
        before: Variables that are set before those of ``hermetic_env``: pytest-env's.
        after: Variables that are set after those, unless they are there: of pytest's other settings, a conftest's.
    """

    app: str
    directory: str
    project: str
    paths: tuple[str, ...]
    ini: Mapping[str, str | tuple[str, ...]]
    before: Mapping[str, str]
    after: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The variables that ``hermetic_env`` sets."""
        return [name for name, _ in parse(self.ini).env]


def subject_of(plan: Plan) -> Subject:
    """Return what a plan proposes to use.

    Raises:
        ConfigurationError: A setting that is there is wrong.
    """
    added = {setting.key: _plain(setting.value) for setting in plan.settings}
    values = {**plan.configuration.values, **added}
    configuration = replace(plan.configuration, values=values)
    directory = configuration.path.parent
    ini = {key: _texts(values[key]) for key in INI if key in values}
    parse(ini, ini_source=configuration.path.name)
    return Subject(
        app=str(values["hermetic_app"]).strip(),
        directory=str(directory),
        project=str(plan.sources.boundary),
        paths=tuple(dict.fromkeys([*_named(configuration), *_inserted(plan, configuration)])),
        ini=ini,
        before=dict(_pytest_env(configuration)),
        after={
            name: value
            for name, value in (*_configured(plan), *_set_by_conftests(plan))
            if name not in os.environ
        },
    )


def _plain(value: str | tuple[str, ...]) -> str | list[str]:
    """Return a setting as a configuration file gives it."""
    return value if isinstance(value, str) else list(value)


def _texts(value: object) -> str | tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else str(value)


def _named(configuration: Configuration) -> Iterator[str]:
    directory = configuration.path.parent
    yield from (os.path.normpath(directory / name) for name in configuration.strings("pythonpath"))


def _inserted(plan: Plan, configuration: Configuration) -> Iterator[str]:
    """Yield the folders that pytest puts on the import path to import conftests from."""
    if "importlib" not in " ".join(configuration.strings("addopts")):
        yield from (str(package_root(module.path.parent)) for module in _conftests(plan))


def _pytest_env(configuration: Configuration) -> Iterator[tuple[str, str]]:
    for line in configuration.lines("env"):
        match = PYTEST_ENV.fullmatch(line.strip())
        if match is not None and not ("D:" in match["flags"] and match["name"] in os.environ):
            yield match["name"], match["value"].strip()


def _configured(plan: Plan) -> Iterator[tuple[str, str]]:
    pairs = configured(plan.configuration, plan.sources)
    return ((name, value) for name, value in pairs if UNCLEAR not in value)


def _set_by_conftests(plan: Plan) -> Iterator[tuple[str, str]]:
    for module in _conftests(plan):
        for each in environ_assignments(module):
            if each.value is not None and each.is_at_import:
                yield each.name, each.value


def _conftests(plan: Plan) -> list[Module]:
    return [module for module in plan.sources.tests if module.path.name == "conftest.py"]
