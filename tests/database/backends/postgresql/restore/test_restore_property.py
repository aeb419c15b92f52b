"""Whatever an application does over several connections, also while a restore runs, the baseline comes back whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.database.backends.postgresql.restore.opened import Place
from tests.database.backends.postgresql.restore.playing import Play, Stage, plays

LONG = settings.default is not None and settings.default.max_examples > 100
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture
def stage(superuser: Place) -> Iterator[Stage]:
    """A worker database on which play after play is done."""
    made = Stage(superuser)
    yield made
    made.close()


@pytest.fixture
def plain_stage(plain: Place) -> Iterator[Stage]:
    """The same, without a superuser's rights."""
    made = Stage(plain)
    yield made
    made.close()


@settings(max_examples=1_000 if LONG else 20, suppress_health_check=CHECKS)
@given(play=plays)
def test_the_baseline_comes_back(stage: Stage, play: Play) -> None:
    """All that the database holds is as it was, for each of the tests in a play."""
    stage.do(play)


@settings(max_examples=300 if LONG else 10, suppress_health_check=CHECKS)
@given(play=plays)
def test_without_a_superusers_rights(plain_stage: Stage, play: Play) -> None:
    """The same."""
    plain_stage.do(play)
