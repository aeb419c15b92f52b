"""The benchmark of the clients: what it measures, and what it makes of it."""

from __future__ import annotations

import pytest

from benchmarks import client


def test_each_way_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as there are rounds, on both applications."""
    monkeypatch.setattr(client, "REQUESTS", 2)
    for app in (client.bare, client.fastapi()):
        found = client.measure(app, 1)
        assert {way: len(times) for way, times in found.items()} == dict.fromkeys(client.WAYS, 1)


def test_the_table_has_ratios() -> None:
    """300 us beside 100 us are three times."""
    times = {way: [300.0] for way in client.WAYS} | {client.HERMETIC: [100.0]}
    text = client.report({"bare ASGI": times}).text
    assert "| hermetic | 100 (100-100) | 1.00 (1.00-1.00) |" in text
    assert "| TestClient, inside with | 300 (300-300) | 3.00 (3.00-3.00) |" in text
