import pytest
from app.db import engine
from app.heartbeat import Heartbeat, beating


def test_there_is_no_beat_before_the_first():
    assert Heartbeat(engine, 1.0).last_beat is None


@pytest.mark.asyncio
async def test_it_beats_at_once():
    async with beating(engine, 60.0) as heartbeat:
        assert heartbeat.last_beat is not None
    await engine.dispose()
