"""Fixtures of every scope that write rows and change the schema: after each test all is as its fixtures left it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.database.backends.playing_scopes import Suite
from tests.database.backends.postgresql.restore import playing_remaking as remaking
from tests.database.backends.postgresql.restore.opened import Place
from tests.database.backends.postgresql.restore.playing_scopes import Stage, plays

LONG = settings.default is not None and settings.default.max_examples > 100
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture
def stage(superuser: Place) -> Iterator[Stage]:
    """A worker database on which suite after suite is done."""
    made = Stage(superuser)
    yield made
    made.close()


@pytest.fixture
def plain_stage(plain: Place) -> Iterator[Stage]:
    """The same, without a superuser's rights."""
    made = Stage(plain)
    yield made
    made.close()


@pytest.fixture
def remaking_stage(place: Place) -> Iterator[Stage]:
    """The same, where tables can be made again in place."""
    made = Stage(place, remaking.SCHEMA)
    yield made
    made.close()


@settings(max_examples=1_200 if LONG else 5, suppress_health_check=CHECKS)
@given(suite=plays)
def test_the_baseline_comes_back(stage: Stage, suite: Suite) -> None:
    """Rows, schema, what belongs to the database, and roles."""
    stage.do(suite)


@settings(max_examples=800 if LONG else 5, suppress_health_check=CHECKS)
@given(suite=plays)
def test_without_a_superusers_rights(plain_stage: Stage, suite: Suite) -> None:
    """The same."""
    plain_stage.do(suite)


@settings(max_examples=400 if LONG else 5, suppress_health_check=CHECKS)
@given(suite=remaking.plays)
def test_tables_that_are_dropped_and_made_again(remaking_stage: Stage, suite: Suite) -> None:
    """The same."""
    remaking_stage.do(suite)
