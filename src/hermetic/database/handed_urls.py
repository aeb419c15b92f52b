"""The URLs that a process is given which the tests start: of databases that the tests have made themselves.

``CREATE DATABASE`` of the tests runs on hermetic's server, whoever sends it. A process that fills such a database, or
migrates it, is told of it by its URL, as an argument or a variable, and would look on the server that this names, where
nobody has made it. So what the URL says of server and user is replaced, as it is where a driver opens it here. Every
other URL is handed on as it stands.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import URL

from hermetic.database.backend import backend_named_by, backend_of
from hermetic.database.lazy import LazyDatabase
from hermetic.database.urls import parsed, text
from hermetic.patch import Patch

_URL = re.compile(r"\b[A-Za-z][\w+.-]*://[^\s\"'`<>|;]+")


class HandedUrls:
    """What the processes of a run are given, from ``install`` to ``uninstall``.

    Args:
        find: Returns the database of the tests' own making that a URL means; None where it means another.
    """

    def __init__(self, find: Callable[[URL], LazyDatabase | None]) -> None:
        self._find = find
        self._patch: Patch | None = None

    def install(self) -> None:
        """See every process that Python starts: each is made as a ``Popen``, asyncio's as well."""
        self._patch = Patch(subprocess.Popen, "__init__", self._wrap)

    def uninstall(self) -> None:
        """Leave ``Popen`` as it was found."""
        if self._patch is not None:
            self._patch.undo()

    def _wrap(self, patch: Patch) -> Callable[..., None]:
        signature = inspect.signature(patch.original)

        def start(*args: Any, **kwargs: Any) -> None:
            if patch.is_on:
                bound = signature.bind(*args, **kwargs)
                self._lead(bound.arguments)
                args, kwargs = bound.args, bound.kwargs
            patch.original(*args, **kwargs)

        return start

    def _lead(self, given: dict[str, Any]) -> None:
        """Replace the URLs among a process's arguments and variables."""
        if "args" in given:  # else somebody's wrapper stands there, and tells no names
            given["args"] = self._in_arguments(given["args"])
        variables = given.get("env")
        changed = self._changed(os.environ if variables is None else variables)
        if changed:
            given["env"] = {**(os.environ if variables is None else variables), **changed}

    def _in_arguments(self, args: Any) -> Any:
        """Return the same ones where none changes: a process remembers what it was given."""
        if isinstance(args, str):
            return self.led(args)
        if not isinstance(args, list | tuple):
            return args
        led = [self.led(each) if isinstance(each, str) else each for each in args]
        return args if led == [*args] else led

    def _changed(self, variables: Mapping[Any, Any]) -> dict[str, str]:
        """Return the variables that get another value."""
        texts = {name: value for name, value in variables.items() if isinstance(value, str)}
        led = {name: self.led(value) for name, value in texts.items()}
        return {name: value for name, value in led.items() if value != texts[name]}

    def led(self, given: str) -> str:
        """Return a text with hermetic's URL in the place of each that means a database of the tests' making."""
        return _URL.sub(lambda match: self._instead(match[0]), given) if "://" in given else given

    def _instead(self, given: str) -> str:
        url = parsed(given) if backend_named_by(given) is not None else None
        database = None if url is None else self._find(url)
        if url is None or database is None:
            return given
        ours = database.reach(url.username)
        return text(backend_of(ours).instead_of(url, ours))
