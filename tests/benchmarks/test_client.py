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
    times = {way: [300.0] for way in client.WAYS} | {
        client.HERMETIC: [100.0],
        client.DIRECT: [40.0],
        client.FLOOR: [50.0],
    }
    text = client.report({"bare ASGI": times}).text
    hermetic = (
        "| hermetic | 100 (100-100) | 60 (60-60) | 2.50 (2.50-2.50) | 2.00 (2.00-2.00) | 1.00 (1.00-1.00) |"
    )
    other = (
        "| TestClient, inside with | 300 (300-300) | 260 (260-260) "
        "| 7.50 (7.50-7.50) | 6.00 (6.00-6.00) | 3.00 (3.00-3.00) |"
    )
    assert hermetic in text
    assert other in text
