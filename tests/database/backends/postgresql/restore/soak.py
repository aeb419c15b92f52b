"""Random sequences for a given time, on a server of its own and on SQLite: ``make soak SECONDS=600``.

Prints how many sequences were tried, and the shortest one that fails.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from hermetic.database.backends.postgresql.server.factory import new_instance
from tests.database.backends.postgresql.restore import playing
from tests.database.backends.postgresql.restore import playing_remaking as remaking
from tests.database.backends.postgresql.restore import playing_scopes as scopes
from tests.database.backends.postgresql.restore.opened import Place, plain_place
from tests.database.backends.postgresql.restore.playing import Stage
from tests.database.backends.sqlite.restore import playing_scopes as on_sqlite

ROUND = 20
"""Sequences between two looks at the clock."""


class Count:
    """How many sequences and operations were tried."""

    plays = 0
    steps = 0


def play_for(
    seconds: float, plays: st.SearchStrategy[list[Any]], do: Callable[[list[Any]], None], count: Count
) -> None:
    """Try sequences until the time is over.

    Raises:
        AssertionError: The baseline did not come back; the shortest such sequence is printed.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:

        @seed(time.time_ns())
        @settings(
            max_examples=ROUND,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(play=plays)
        def round_(play: list[Any]) -> None:
            count.plays += 1
            count.steps += len(play)
            do(play)

        round_()


def play_at(place: Place, seconds: float, count: Count) -> None:
    """Try sequences on one server: of connections at once, of fixtures of every scope, of tables made again."""
    for stage, plays in (
        (Stage(place), playing.plays),
        (scopes.Stage(place), scopes.plays),
        (scopes.Stage(place, remaking.SCHEMA), remaking.plays),
    ):
        play_for(seconds / 3, plays, stage.do, count)
        stage.close()
    place.stop()
    print(f"{place.level}: {count.plays} sequences so far, {count.steps} steps", flush=True)


def main(seconds: float) -> None:
    """Try for a given time, a third of it without a superuser's rights and a third on SQLite."""
    count = Count()
    play_for(seconds / 3, on_sqlite.plays, on_sqlite.do, count)
    print(f"sqlite: {count.plays} sequences, {count.steps} steps", flush=True)
    with TemporaryDirectory() as folder:
        instance = new_instance("embedded", project=Path(folder))
        instance.start()
        try:
            for place in (Place("superuser", instance, instance), plain_place(instance)):
                play_at(place, seconds / 3, count)
        finally:
            instance.stop()
    print(f"{count.plays} sequences in {seconds:g} s, after each of which everything was as before.")


if __name__ == "__main__":
    main(float(sys.argv[1]))
