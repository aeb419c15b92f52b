"""Say why an application could not be built: from an error to what a person needs to know of it."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from hermetic.application import install_hints
from hermetic.cli.init.trial.lines import chain_of, lines_of, reads
from hermetic.cli.init.trial.outcome import Failure
from hermetic.cli.init.trial.sandbox import Refusals
from hermetic.database.backend import packages_by_module
from hermetic.errors import ConfigurationError

LONG = 300
"""Characters of an error's text that are kept."""


class AbsentVariables:
    """The variables that are read from now on and are not set.

    Args:
        root: The project's folder.

    Attributes:
        read: Their names, each with whether the project's own code read it.
    """

    def __init__(self, root: str) -> None:
        self.read: dict[str, bool] = {}
        self._root = root

    def listen(self) -> None:
        """Hear of each read; ``os.getenv``, ``get`` and ``in`` come to the same."""
        environ: Any = type(os.environ)
        plain, note = environ.__getitem__, self._note

        def __getitem__(self: Any, key: str) -> str:
            try:
                return str(plain(self, key))
            except KeyError:
                note(key)
                raise

        environ.__getitem__ = __getitem__

    def _note(self, name: str) -> None:
        self.read[name] = self.read.get(name, False) or reads(self._root)


def failure_of(
    error: BaseException, stage: str, *, root: str, refusals: Refusals, absent: AbsentVariables
) -> Failure:
    """Say why there is no application.

    Args:
        error: What was raised; one of hermetic's own has the application's as its cause.
        stage: What was being done: ``"importing app.main"``.
        root: The project's folder.
        refusals: What was refused.
        absent: The variables that were not set.
    """
    if isinstance(error, ConfigurationError):
        if error.__cause__ is None:
            return Failure(" ".join(filter(None, (error.what, error.why))), hints=error.hints)
        error = error.__cause__
    lines = lines_of(error, root)
    refused = refusals.behind(error) or (refusals.at(lines[0]) if lines else None)
    if refused is not None:
        return Failure(
            f"{stage} asks for {refused}, which is refused here.", lines, "refused", refused=refused
        )
    if (
        isinstance(error, ModuleNotFoundError)
        and error.name
        and not _is_in_a_package_that_is_there(error.name)
    ):
        what = f"{stage} needs the module {error.name}, which is not there."
        return Failure(what, lines, "package", (error.name,), hints=install_hints(error, packages_by_module))
    names = _variables(error, absent)
    if names:
        what = f"{stage} needs variables that are not set: {', '.join(names)}."
        return Failure(what, lines, "variables", names)
    return Failure(f"{stage} {_raised(error)}", lines)


def _is_in_a_package_that_is_there(name: str) -> bool:
    return name.rpartition(".")[0] in sys.modules


def _raised(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"ended the process: sys.exit({error.code!r})"
    text = " ".join(str(error).split())
    short = text if len(text) <= LONG else f"{text[:LONG]}..."
    return f"raised {type(error).__name__}{f': {short}' if short else ''}"


def _variables(error: BaseException, absent: AbsentVariables) -> tuple[str, ...]:
    """Return the variables whose absence an error is about, or one that it was raised for."""
    for each in chain_of(error):
        names = tuple(_settings_fields(each)) or tuple(name for name in absent.read if _speaks_of(each, name))
        if names:
            return names
    return ()


def _speaks_of(error: BaseException, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(error)) is not None


def _settings_fields(error: BaseException) -> Iterator[str]:
    """Yield the variables that a class of pydantic-settings lacks, where that is the error."""
    problems = getattr(error, "errors", None)
    kind = _settings_made(error)
    if kind is not None and type(error).__name__ == "ValidationError" and callable(problems):
        for problem in problems():
            if problem.get("type") == "missing":
                yield from _variables_of(kind, [str(part) for part in problem["loc"]])


def _settings_made(error: BaseException) -> Any | None:
    """Return the class of settings whose making failed: that of ``self`` in the innermost frame that has one."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        for value in list(frame.f_locals.values()):
            if "env_prefix" in (getattr(type(value), "model_config", None) or ()):
                return type(value)
    return None


def _variables_of(kind: Any, place: list[str]) -> Iterator[str]:
    """Yield the variables of a field; its place starts with the variable's own name where it has an alias.

    A field that is a model of its own has one for each field that it cannot do without.
    """
    config = kind.model_config
    prefix, delimiter = config.get("env_prefix") or "", config.get("env_nested_delimiter")
    found = [place[0]]
    if place[0] in kind.model_fields:
        paths = list(_required(kind, place)) if delimiter else [place[:1]]
        found = [prefix + (delimiter or "").join(path) for path in paths]
    yield from (name if config.get("case_sensitive") else name.upper() for name in found)


def _required(kind: Any, place: list[str]) -> Iterator[list[str]]:
    """Yield the paths to what a field cannot do without: itself, or fields of the model that it is."""
    model = kind
    for name in place:
        model = getattr(getattr(model, "model_fields", {}).get(name), "annotation", None)
    fields = getattr(model, "model_fields", None) or {}
    inner = [name for name, field in fields.items() if field.is_required()]
    for name in inner:
        yield from _required(kind, [*place, name])
    if not inner:
        yield place
