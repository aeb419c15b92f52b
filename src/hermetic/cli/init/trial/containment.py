"""The engines, the drivers and the environment of a run with nothing behind them: no server, file or connection."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

from sqlalchemy import URL

from hermetic.cli.init.trial.outcome import Engine, Line
from hermetic.cli.init.trial.sandbox import WHY, Nowhere, Refusals
from hermetic.database.address import address_of
from hermetic.database.backend import DEFAULT_BACKEND, every_backend, get_backend
from hermetic.database.drivers import Drivers
from hermetic.database.engines import SeenEngines, install
from hermetic.database.engines.destinations import EngineRequest
from hermetic.database.inventory import Servers
from hermetic.database.protocols import Server
from hermetic.database.redirect import Redirect
from hermetic.database.registry import Databases
from hermetic.environment import Environment
from hermetic.masking import masked
from hermetic.owners import Owner
from hermetic.settings import Settings

NAME = "hermetic"


class Containment:
    """What is there from ``start`` on, for as long as the process.

    Args:
        settings: The run's, in mode on.
        root: The run's folder.
        project: The folder below which code is the project's.
        temporary: Where the databases would lie that ``hermetic_env`` names.
    """

    def __init__(self, settings: Settings, root: Path, *, project: str, temporary: Path) -> None:
        self.refusals = Refusals(project)
        self._environment = Environment(settings, root, lambda: self._url)
        backend = self._environment.backend() or DEFAULT_BACKEND
        self._url = get_backend(backend).planned_url(settings, temporary, NAME)
        self._seen = SeenEngines()
        self._databases = Databases(
            Servers(
                {backend: partial(_server, backend) for backend in (each.name for each in every_backend())}
            ),
            Redirect.parse(allow=settings.allow, aliases=settings.targets, root=root),
            lambda database: None,
            unused=self._seen.unused,
            backend=backend,
        )
        self._drivers = Drivers(self._send, lambda request: None, self._databases.is_named, root)
        self._used: list[Engine] = []

    def start(self) -> None:
        """Set the environment, and refuse from now on."""
        for url in self._environment.urls():
            self._databases.declare(url)
        if self._environment.hands_out_the_url:
            self._databases.declare(self._url)
        self._environment.start()
        install(self._send, seen=self._seen)
        self._drivers.install()
        self.refusals.listen()

    def engines(self) -> tuple[Engine, ...]:
        """Return the engines that were made, each line once; those that were used come first."""
        unused = [self._engine(each, self._destination(each)) for each in self._seen.unused()]
        return tuple(dict.fromkeys([*self._used, *unused]))

    def _send(self, request: EngineRequest) -> Nowhere:
        destination = self._destination(request)
        shown = self._shown(request.url)
        if request.engine is not None:
            self._used.append(self._engine(request, destination))
        return Nowhere(
            request.url,
            request.created,
            WHY,
            note=lambda error, kind: self.refusals.note(error, kind, shown, destination),
        )

    def _destination(self, request: EngineRequest) -> str:
        return str(self._databases.resolve(request))

    def _engine(self, request: EngineRequest, destination: str) -> Engine:
        made = request.created
        line = Line(made.location.file, made.location.line) if made is not None else Line("", 0)
        return Engine(self._shown(request.url), line, destination)

    def _shown(self, url: URL) -> str:
        """Return a URL without its password; the one that stands for a run's own as ``hermetic_env`` has it."""
        is_ours = address_of(url) == address_of(self._url)
        return "{url}" if is_ours else masked(url)


class _Server:
    """Where a server would be: it says what it is, and that nobody has made a database on it."""

    named: tuple[str, ...] = ()

    def __init__(self, backend: str) -> None:
        self.backend = backend

    def look(self, owner: Owner | None = None, *, asked: str = "") -> None:
        """Nobody makes one."""


def _server(backend: str) -> Server:
    return cast(Server, _Server(backend))
