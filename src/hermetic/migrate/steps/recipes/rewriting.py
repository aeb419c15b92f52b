"""A file's clients replaced: what is made, where it is entered, and what else is written for the old one.

``AsyncTestClient`` runs the lifespan where it is entered; httpx's client does not. So an ``async with`` of the latter
becomes an assignment, unless what runs the lifespan stands around it: then both become one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from hermetic.migrate.blocks import Dedents, colon_after
from hermetic.migrate.imports import Wanted, added_imports, replaced_imports
from hermetic.migrate.steps.recipes.holders import Holders
from hermetic.migrate.steps.recipes.makers import ASGI_CLIENTS, HTTPX, MANAGERS, TRANSPORTS
from hermetic.migrate.steps.recipes.sites import Manager, Site
from hermetic.migrate.text import Edit, SourceText
from hermetic.source.bindings import Bindings
from hermetic.source.environ import outside
from hermetic.source.modules import Module
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import first_line, keyword, last_name

NEW = ("hermetic", "AsyncTestClient")
RENAMED = {"query_string": "params", "form": "data", "data": "content", "allow_redirects": "follow_redirects"}
"""Keywords of async-asgi-testclient's requests, and what httpx2 calls them."""
REQUESTS = frozenset({"get", "options", "head", "post", "put", "patch", "delete", "open"})


class Rewriting:
    """The edits of one file.

    Args:
        module: The file.
        symbols: The project's names.
        bindings: What lies around a node.
        tells_address: Whether the application sees from where it is called.
    """

    def __init__(self, module: Module, symbols: Symbols, bindings: Bindings, *, tells_address: bool) -> None:
        self.module = module
        self.text = SourceText(module.text)
        self._symbols = symbols
        self._bindings = bindings
        self._tells_address = tells_address
        self._parents = bindings.parents(module.path)
        self._dedents = Dedents(self.text)
        self._edits: list[Edit] = []
        self._leaving: dict[ast.AsyncWith, dict[ast.withitem, str]] = {}
        self._gone: set[ast.AST] = set()
        self._annotations: list[Edit] = []

    def replace(self, site: Site, managers: Iterable[Manager]) -> None:
        """Have hermetic's client be made at a place."""
        self._gone.update(ast.walk(site.call.func))
        if (transport := keyword(site.call, "transport")) is not None:
            self._gone.update(ast.walk(transport.func if isinstance(transport, ast.Call) else transport))
        parent = self._parents[site.call]
        if site.transport_name:
            self._forget(site)
        if not isinstance(parent, ast.withitem) or site.maker.has_lifespan:
            self._in_place(site, parent)
            return
        statement = self._parents[parent]
        assert isinstance(statement, ast.AsyncWith)
        manager = next((each for each in managers if self._is_around(each, statement, site)), None)
        if manager is None:
            self._leaving.setdefault(statement, {})[parent] = self._rendered(site)
        else:
            self._merge(manager, statement, site)

    def leave(self, statement: ast.AsyncWith, item: ast.withitem) -> None:
        """Have a client that was made elsewhere be entered no longer."""
        self._leaving.setdefault(statement, {})[item] = self.text.of(item.context_expr)

    def annotate(self, node: ast.expr) -> None:
        """Name hermetic's client in an annotation."""
        self._gone.update(ast.walk(node))
        self._annotations.append(self.text.replace(node, NEW[1]))

    def release(self, entering: ast.Await, client: ast.expr) -> None:
        """Have a client that was made elsewhere be entered by a stack no longer."""
        self._edits.append(self.text.replace(entering, self.text.of(client)))

    def rename(self, call: ast.Call) -> None:
        """Give a request the keywords that httpx2 has."""
        for word in call.keywords:
            if word.arg in RENAMED:
                start = self.text.start(word)
                self._edits.append(Edit(start, start + len(word.arg), RENAMED[word.arg]))

    def remove(self, statement: ast.stmt) -> None:
        """Take out a statement, a function with its decorators, and the empty lines before it."""
        self._gone.update(ast.walk(statement))
        start, end = self.text.position(first_line(statement), 0), self.text.end(statement)
        before = self.text.text[:start]
        is_function = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
        blank = len(before) - len(before.rstrip()) if is_function else 0
        end = self._line_end(end)
        if blank and before.strip():
            start -= blank
            end = max(start, end - len(self.text.newline)) if end <= len(self.text.text) else end
        self._edits.append(Edit(start, end, ""))

    def edits(self) -> tuple[Edit, ...]:
        """Return the edits, those of imports among them."""
        for statement, values in self._leaving.items():
            self._leave(statement, values)
        if not self._edits and not self._annotations:
            return ()
        found = [*self._edits, *self._annotations, *self._of_imports()]
        spans = [(edit.start, edit.end) for edit in found]
        found += [
            edit
            for edit in self._dedents.edits()
            if not any(start <= edit.start < end for start, end in spans)
        ]
        return tuple(found)

    def _rendered(self, site: Site, width: int = 0) -> str:
        return site.maker.rendered(self.text, tells_address=self._tells_address, width=width)

    def _in_place(self, site: Site, parent: ast.AST) -> None:
        """Replace a call, and with it what enters it by a stack: that would run the lifespan."""
        node: ast.AST = site.call
        if isinstance(parent, ast.Call) and not site.maker.has_lifespan and site.call in parent.args:
            outer = self._parents[parent]
            if getattr(parent.func, "attr", "") == "enter_async_context" and isinstance(outer, ast.Await):
                node = outer
        self._edits.append(self.text.replace(node, self._rendered(site)))

    def _leave(self, statement: ast.AsyncWith, values: dict[ast.withitem, str]) -> None:
        """Bind clients before a block, or at its beginning, where its header enters them."""
        items = statement.items
        before = list(takewhile(values.__contains__, items))
        after = list(takewhile(values.__contains__, items[::-1]))[::-1] if len(before) < len(items) else []
        if len(before) == len(items):
            self._without_header(statement, self._lines(before, values))
            return
        start = self.text.start(statement)
        if before:
            lines = "".join(f"{line}\n{self.text.indent(statement)}" for line in self._lines(before, values))
            first = items[len(before)].context_expr
            header = self.text.text[start : self.text.start(items[0].context_expr)]
            self._edits.append(Edit(start, self.text.start(first), lines + header))
        if after:
            last = items[-len(after) - 1]
            end = self.text.end(last.optional_vars or last.context_expr)
            end_of_all = self.text.end(items[-1].optional_vars or items[-1].context_expr)
            self._edits.append(Edit(end, end_of_all, ""))
            at = self.text.start(statement.body[0])
            joint = "; " if self._is_in_a_line(statement) else f"\n{self.text.indent(statement.body[0])}"
            self._edits.append(Edit(at, at, "".join(line + joint for line in self._lines(after, values))))
        for item in set(values) - {*before, *after}:
            self._edits.append(
                self.text.replace(item.context_expr, f"contextlib.nullcontext({values[item]})")
            )

    def _lines(self, items: list[ast.withitem], values: dict[ast.withitem, str]) -> list[str]:
        """Return the assignments that stand for items of a ``with``."""
        names = [(self.text.of(item.optional_vars) if item.optional_vars else "", item) for item in items]
        return [f"{name} = {values[item]}" for name, item in names if name and name != values[item]]

    def _without_header(self, statement: ast.AsyncWith, lines: list[str]) -> None:
        start, colon = self.text.start(statement), self._colon(statement)
        if self._is_in_a_line(statement):
            text = "".join(f"{line}; " for line in lines)
            self._edits.append(Edit(start, self.text.start(statement.body[0]), text))
            return
        if lines:
            self._edits.append(Edit(start, colon + 1, f"\n{self.text.indent(statement)}".join(lines)))
        else:
            self._edits.append(Edit(self.text.position(statement.lineno, 0), self._line_end(colon), ""))
        self._dedents.add(statement)

    def _merge(self, manager: Manager, statement: ast.AsyncWith, site: Site) -> None:
        """Have a client run the lifespan that something around it has run."""
        assert isinstance(manager.item.context_expr, ast.Call)
        self._gone.update(ast.walk(manager.item.context_expr.func))
        entered = replace(site, maker=replace(site.maker, app=manager.app))
        inner, outer = self.text.indent(statement), self.text.indent(manager.statement)
        rendered = self._rendered(entered, len(inner) - len(outer))
        self._edits.append(self.text.replace(site.call, rendered))
        if manager.statement is statement:
            following = statement.items[statement.items.index(manager.item) + 1]
            start, end = manager.item.context_expr, following.context_expr
            self._edits.append(Edit(self.text.start(start), self.text.start(end), ""))
        else:
            start_of = self.text.start(manager.statement)
            self._edits.append(Edit(start_of, self.text.start(statement), ""))
            self._dedents.add(manager.statement)

    def _is_around(self, manager: Manager, statement: ast.AsyncWith, site: Site) -> bool:
        """Whether what runs a lifespan is right around a client of the same application, and is for that alone."""
        app = site.maker.app
        of_manager = isinstance(app, ast.Attribute) and app.attr == "app"
        if of_manager and isinstance(app, ast.Attribute) and isinstance(app.value, ast.Name):
            is_same = app.value.id == manager.name
        else:
            is_same = ast.dump(app) == ast.dump(manager.app)
        if not is_same or self._is_used(manager, site):
            return False
        if manager.statement is statement:
            item = self._parents[site.call]
            return statement.items.index(manager.item) < statement.items.index(item)  # type: ignore[arg-type]
        return manager.statement.body == [statement] and len(manager.statement.items) == 1

    def _is_used(self, manager: Manager, site: Site) -> bool:
        """Whether the name that it is bound to is read by more than the client."""
        reads = [
            node
            for node in ast.walk(manager.statement)
            if isinstance(node, ast.Name) and node.id == manager.name and isinstance(node.ctx, ast.Load)
        ]
        return any(node not in ast.walk(site.call) for node in reads)

    def _forget(self, site: Site) -> None:
        """Take out the line that makes a transport, where nobody else reads it."""
        name, transport = site.transport_name, site.maker.transport
        assert transport is not None
        statement = self._parents[transport]
        scope = self._bindings.function(self.module.path, transport) or self.module.tree
        reads = [
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        ]
        if isinstance(statement, ast.Assign | ast.AnnAssign) and all(node in self._gone for node in reads):
            self.remove(statement)

    def _of_imports(self) -> Iterator[Edit]:
        """Yield the edits of imports: names that only what is gone has used are imported no longer."""
        file = self.module.path
        old = HTTPX | TRANSPORTS | MANAGERS | ASGI_CLIENTS
        used = {node.id for node in self.module.of(ast.Name) if node not in self._gone} | _words_in_strings(
            self.module
        )
        unused: dict[ast.alias, list[Wanted]] = {}
        beside: ast.stmt | None = None
        for statement in self.module.imports:
            for alias in statement.names:
                bound = alias.asname or alias.name.partition(".")[0]
                name = outside(file, ast.Name(bound), self._symbols)
                is_module = name in {each.rpartition(".")[0] for each in old}
                is_old = name in old or is_module or name.partition(".")[0] == "asyncio"
                was_used = any(isinstance(node, ast.Name) and node.id == bound for node in self._gone)
                if is_old and was_used and statement in self.module.tree.body:
                    beside = statement
                if is_old and was_used and bound not in used:
                    unused[alias] = [NEW] if name in HTTPX | ASGI_CLIENTS else []
        needs: list[Wanted] = []
        if self._is_needed_at_the_top(unused):
            at_the_top = next((alias for alias in unused if self._is_at_the_top(alias)), None)
            if at_the_top is None:
                needs.append(NEW)
            else:
                unused[at_the_top] = [NEW]
        if any("contextlib.nullcontext" in edit.text for edit in self._edits):
            needs.append(("contextlib", ""))
        yield from replaced_imports(self.text, self.module.tree, unused)
        yield from added_imports(self.text, self.module.tree, needs, beside)

    def _is_needed_at_the_top(self, unused: Mapping[ast.alias, list[Wanted]]) -> bool:
        """Whether hermetic's client is named where no import of a function, or for type checkers, is in its place."""
        spans = []
        for alias in (alias for alias, wanted in unused.items() if wanted):
            if self._is_at_the_top(alias):
                return False
            function = self._bindings.function(self.module.path, alias)
            if function is not None:
                spans.append((self.text.start(function), self.text.end(function)))
        edits = [edit for edit in self._edits if NEW[1] in edit.text]
        edits += [] if any(unused.values()) else self._annotations
        return any(not any(start <= edit.start < end for start, end in spans) for edit in edits)

    def _is_at_the_top(self, alias: ast.alias) -> bool:
        return self._parents[alias] in self.module.tree.body

    def _colon(self, statement: ast.AsyncWith) -> int:
        last = statement.items[-1]
        return colon_after(self.text.end(last.optional_vars or last.context_expr), self.text)

    def _is_in_a_line(self, statement: ast.AsyncWith) -> bool:
        """Whether the body stands on the line of the header."""
        between = self.text.text[self._colon(statement) : self.text.start(statement.body[0])]
        return "\n" not in between and "\r" not in between

    def _line_end(self, at: int) -> int:
        found = self.text.text.find("\n", at)
        return len(self.text.text) if found < 0 else found + 1


def _words_in_strings(module: Module) -> set[str]:
    """Return the words of annotations that are written as texts."""
    annotations = [node.annotation for node in module.of(ast.arg) if node.annotation is not None]
    texts = [
        node.value
        for annotation in annotations
        for node in ast.walk(annotation)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {
        word for text in texts for word in text.replace("[", " ").replace("]", " ").replace(".", " ").split()
    }


def entered_elsewhere(
    module: Module, holders: Holders, sites: set[ast.AST]
) -> Iterator[tuple[ast.AsyncWith, ast.withitem]]:
    """Yield where a client is entered that was made elsewhere."""
    for statement in module.of(ast.AsyncWith):
        for item in statement.items:
            if item.context_expr not in sites and holders.holds(module.path, item.context_expr):
                yield statement, item


def entered_by_a_stack(
    module: Module, holders: Holders, sites: set[ast.AST]
) -> Iterator[tuple[ast.Await, ast.expr]]:
    """Yield where a stack enters a client that was made elsewhere: ``await stack.enter_async_context(client)``."""
    for entering in module.of(ast.Await) if module.mentions("enter_async_context") else ():
        call = entering.value
        is_one = isinstance(call, ast.Call) and last_name(call.func) == "enter_async_context"
        client = call.args[0] if is_one and isinstance(call, ast.Call) and call.args else None
        if client is not None and client not in sites and holders.holds(module.path, client):
            yield entering, client


def is_request(call: ast.Call, file: Path, holders: Holders) -> bool:
    """Whether a call sends a request by one of these clients."""
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in REQUESTS
        and holders.holds(file, call.func.value)
    )
