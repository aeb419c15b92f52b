"""The pytest plugin of runs in which every method of ``TestClient`` is one of ``AsyncTestClient``."""

from __future__ import annotations

from starlette import testclient

from conformance.client import Client

testclient.TestClient = Client  # type: ignore[misc, assignment]
