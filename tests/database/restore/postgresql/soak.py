"""Random sequences for a given time, on a server of its own: ``make soak SECONDS=600``.

Prints how many sequences were tried, and the shortest one that fails.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings

from hermetic.database.servers.postgresql.choose import choose
from tests.database.restore.postgresql.opened import Place, plain_place
from tests.database.restore.postgresql.playing import Play, Stage, plays

ROUND = 20
"""Sequences between two looks at the clock."""


class Count:
    """How many sequences and operations were tried."""

    plays = 0
    steps = 0


def play_for(seconds: float, place: Place, count: Count) -> None:
    """Try sequences until the time is over.

    Raises:
        AssertionError: The baseline did not come back; the shortest such sequence is printed.
    """
    stage = Stage(place)
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
        def round_(play: Play) -> None:
            count.plays += 1
            count.steps += len(play)
            stage.do(play)

        round_()
    stage.close()


def main(seconds: float) -> None:
    """Try for a given time, half of it without a superuser's rights."""
    count = Count()
    with TemporaryDirectory() as folder:
        instance = choose("embedded", project=Path(folder))
        instance.start()
        try:
            for place in (Place("superuser", instance, instance), plain_place(instance)):
                play_for(seconds / 2, place, count)
                place.stop()
                print(f"{place.level}: {count.plays} sequences so far, {count.steps} steps", flush=True)
        finally:
            instance.stop()
    print(f"{count.plays} sequences in {seconds:g} s, after each of which everything was as before.")


if __name__ == "__main__":
    main(float(sys.argv[1]))
