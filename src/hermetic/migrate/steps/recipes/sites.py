"""Where a suite makes its own asynchronous clients, who holds them, and where they are entered."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.migrate.steps.recipes.makers import (
    ASGI_CLIENTS,
    HTTPX,
    MANAGERS,
    TRANSPORTS,
    Maker,
    of_asgi_client,
    of_transport,
)
from hermetic.source.bindings import Bindings
from hermetic.source.environ import outside
from hermetic.source.modules import Module
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import keyword, last_name

WORDS = ("AsyncClient", "httpx", "httpx2", "async_asgi_testclient", "ASGITransport")
Held = ast.Name | ast.Call
"""What gives a client that was made elsewhere: a variable or a fixture, or a call of a helper."""


@dataclass(frozen=True)
class Site:
    """A place where a client is made.

    Attributes:
        file: The file.
        maker: How it is made.
        transport_name: The variable that its transport is read from; empty where it stands in the call.
    """

    file: Path
    maker: Maker
    transport_name: str = ""

    @property
    def call(self) -> ast.Call:
        """The call that makes it."""
        return self.maker.call


@dataclass(frozen=True)
class Manager:
    """An item of a ``with`` that runs an application's lifespan.

    Attributes:
        statement: The statement.
        item: The item.
        app: The application.
    """

    statement: ast.AsyncWith
    item: ast.withitem
    app: ast.expr

    @property
    def name(self) -> str:
        """What it is bound to; empty where it is bound to nothing, or to something in parts."""
        return last_name(self.item.optional_vars) if self.item.optional_vars is not None else ""


class Finder:
    """Finds the sites of a suite.

    Args:
        symbols: The project's names.
        bindings: What lies around a node, and what names are bound to.
    """

    def __init__(self, symbols: Symbols, bindings: Bindings) -> None:
        self._symbols = symbols
        self._bindings = bindings

    def sites(self, module: Module) -> Iterator[Site]:
        """Yield the places of a module where a client of an application is made."""
        for call in module.of(ast.Call) if module.mentions(*WORDS) else ():
            made = outside(module.path, call.func, self._symbols)
            if made in ASGI_CLIENTS:
                maker = of_asgi_client(call)
                if maker is not None:
                    yield Site(module.path, maker)
            elif made in HTTPX:
                yield from self._of_httpx(call, module)

    def _of_httpx(self, call: ast.Call, module: Module) -> Iterator[Site]:
        app, transport = keyword(call, "app"), keyword(call, "transport")
        if app is not None:
            yield Site(module.path, Maker(call, app))
        elif isinstance(transport, ast.Call) and self._is_transport(transport, module):
            maker = of_transport(call, transport)
            if maker is not None:
                yield Site(module.path, maker)
        elif isinstance(transport, ast.Name):
            bound = self._bound(transport, module)
            maker = of_transport(call, bound) if bound is not None else None
            if maker is not None:
                yield Site(module.path, maker, transport.id)

    def _bound(self, name: ast.Name, module: Module) -> ast.Call | None:
        """Return the call whose result a variable has, where that is a transport and the variable has nothing else."""
        for scope in self._bindings.scopes(module.path, name):
            found = self._bindings.local(scope).get(name.id)
            if found:
                break
        else:
            found = self._bindings.module(module.path).get(name.id)
        value = found[0].value if found and len(found) == 1 and found[0].position is None else None
        return value if isinstance(value, ast.Call) and self._is_transport(value, module) else None

    def _is_transport(self, call: ast.Call, module: Module) -> bool:
        return outside(module.path, call.func, self._symbols) in TRANSPORTS

    def managers(self, module: Module) -> Iterator[Manager]:
        """Yield what runs a lifespan: ``LifespanManager(app)``, ``app.router.lifespan_context(app)``."""
        for statement in module.of(ast.AsyncWith):
            for item in statement.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and call.args and self._runs_a_lifespan(call, module):
                    yield Manager(statement, item, call.args[0])

    def _runs_a_lifespan(self, call: ast.Call, module: Module) -> bool:
        is_own = last_name(call.func) == "lifespan_context"
        return is_own or outside(module.path, call.func, self._symbols) in MANAGERS
