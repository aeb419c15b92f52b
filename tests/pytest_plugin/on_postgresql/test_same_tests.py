"""User tests that were written for SQLite, unedited, on PostgreSQL: what ``project`` is here differs, nothing else."""

from tests.pytest_plugin.test_isolation import (
    test_a_module_fixture_lives_as_long_as_its_module,
    test_commits_are_undone_and_ids_start_again,
    test_each_hypothesis_example_starts_from_the_fixtures_rows,
    test_layers_come_apart_in_any_order,
    test_the_mark_changes_the_isolation_of_a_class,
    test_twenty_concurrent_posts_some_failing,
    test_what_a_test_wrote_before_it_asked_is_not_kept,
    test_wide_lifespans_start_once_and_what_they_write_stays,
)
from tests.pytest_plugin.test_leaks import (
    test_a_failed_set_up_leaves_nothing_to_the_next_test,
    test_a_synchronous_engine,
    test_an_open_transaction,
    test_an_unfinished_cursor,
    test_connections_of_fixtures_may_be_open_during_the_test,
)
from tests.pytest_plugin.test_neighbours import (
    test_class_fixtures_of_unittest_are_wide,
    test_every_installed_plugin_at_once,
    test_freezegun,
    test_polyfactory,
    test_rerunfailures,
    test_time_machine,
)

__all__ = [
    "test_a_failed_set_up_leaves_nothing_to_the_next_test",
    "test_a_module_fixture_lives_as_long_as_its_module",
    "test_a_synchronous_engine",
    "test_an_open_transaction",
    "test_an_unfinished_cursor",
    "test_class_fixtures_of_unittest_are_wide",
    "test_commits_are_undone_and_ids_start_again",
    "test_connections_of_fixtures_may_be_open_during_the_test",
    "test_each_hypothesis_example_starts_from_the_fixtures_rows",
    "test_every_installed_plugin_at_once",
    "test_freezegun",
    "test_layers_come_apart_in_any_order",
    "test_polyfactory",
    "test_rerunfailures",
    "test_the_mark_changes_the_isolation_of_a_class",
    "test_time_machine",
    "test_twenty_concurrent_posts_some_failing",
    "test_what_a_test_wrote_before_it_asked_is_not_kept",
    "test_wide_lifespans_start_once_and_what_they_write_stays",
]
