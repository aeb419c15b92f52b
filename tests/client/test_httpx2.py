"""Private names of httpx2: each is found in this one, and not needed where another has it no more."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

import hermetic.client
from hermetic import AsyncTestClient
from hermetic.client import _httpx2
from tests.client.apps import hello


class OtherHeaders(httpx2.Headers):
    """Headers that keep their items elsewhere."""

    def __getattribute__(self, name: str) -> Any:
        """Have no list."""
        if name == "_list":
            raise AttributeError(name)
        return super().__getattribute__(name)

    def __setitem__(self, key: str, value: str) -> None:
        """Keep nothing."""

    def __init__(self, headers: Any = None) -> None:
        """Keep nothing."""


class OtherClient(httpx2.AsyncClient):
    """A client that keeps its mounted transports elsewhere."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.elsewhere = self.__dict__.pop("_mounts")


class OtherResponse(httpx2.Response):
    """A response that remembers more of what it has read."""

    def read(self) -> bytes:
        """Read, and remember it."""
        self.lines = super().read()
        return self.lines


class OtherRequest(httpx2.Request):
    """A request that is made of more."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.trace: list[str] = []


def test_this_httpx2_has_the_names() -> None:
    """Else every request is slower, and nobody would notice."""
    assert _httpx2.REQUEST_KNOWN
    assert _httpx2.RESPONSE_KNOWN
    assert _httpx2.HEADERS_KNOWN
    assert _httpx2.CLIENT_KNOWN


@pytest.mark.parametrize(
    ("name", "other", "knows"),
    [
        ("Request", OtherRequest, _httpx2.knows_requests),
        ("Headers", OtherHeaders, _httpx2.knows_headers),
        ("AsyncClient", OtherClient, _httpx2.knows_client),
        ("Response", OtherResponse, _httpx2.knows_responses),
    ],
)
def test_another_name_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str, other: Any, knows: Any) -> None:
    """A name that is gone, or means more, is not used."""
    assert knows()
    monkeypatch.setattr(httpx2, name, other)
    assert not knows()


def test_where_transports_cannot_be_told_httpx2_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mounted transport gets its requests, whatever httpx2 calls the place where it keeps it."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(418)

    async def main() -> None:
        client: Any = AsyncTestClient(hello)
        monkeypatch.setattr(_httpx2, "CLIENT_KNOWN", False)
        monkeypatch.setattr(client, "_transport_for_url", lambda url: httpx2.MockTransport(answer))
        assert (await client.get("/")).status_code == 418

    asyncio.run(main())


def test_no_other_module_names_them() -> None:
    """Neither a private module of httpx2, nor a private attribute of its objects that is not our own as well."""
    trees = {
        path.name: list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        for path in Path(hermetic.client.__file__).parent.glob("*.py")
    }
    del trees["_httpx2.py"]
    theirs = PRIVATE - {name for nodes in trees.values() for node in nodes for name in defined(node)}
    assert {"_mounts", "_list", "_content", "_default_encoding"} <= theirs
    for name, nodes in trees.items():
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("httpx2."), f"{name} imports {node.module}"
            if isinstance(node, ast.Attribute):
                assert node.attr not in theirs, f"{name}:{node.lineno} names {node.attr}"


def defined(node: ast.AST) -> list[str]:
    """Return the names that a part of a module gives to methods, or to attributes of ``self``."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return [each.attr for each in targets if isinstance(each, ast.Attribute)]


PRIVATE = {
    name
    for each in (
        httpx2.AsyncClient(transport=httpx2.AsyncBaseTransport()),
        httpx2.Response(200),
        httpx2.Request("GET", "http://testserver/"),
        httpx2.Headers(),
        httpx2.Cookies(),
        httpx2.URL("http://testserver/"),
    )
    for name in dir(each)
    if name.startswith("_") and not name.startswith("__")
}
