"""All that explains: asked in turn, each for what it knows of a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hermetic.explain import (
    aborted,
    answers,
    app_state,
    cached_settings,
    cancel_scopes,
    clean_ups,
    clients,
    columns,
    compared,
    context_variables,
    coroutines,
    dependency_overrides,
    dropped_databases,
    event_loops,
    extensions,
    factories,
    fixture_marks,
    foreign_objects,
    generators,
    in_place,
    instances,
    isolation,
    kept_values,
    lengths,
    lifespans,
    loggers,
    messages,
    migrations,
    one_connection,
    orm,
    own_rows,
    patched_names,
    plugins,
    pools,
    processes,
    references,
    refusals,
    rolled_back,
    sequences,
    sessions,
    stale,
    start_ups_again,
    tables,
    time_zones,
    two_databases,
    unfinished,
    unseen_rows,
    websockets,
    wrong_kinds,
)
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History

Explain = Callable[[Failure, History], Iterable[Explanation]]

EXPLAIN: tuple[Explain, ...] = (
    event_loops.explain,
    cancel_scopes.explain,
    plugins.explain,
    fixture_marks.explain,
    messages.explain,
    wrong_kinds.explain,
    generators.explain,
    coroutines.explain,
    orm.explain,
    lifespans.explain,
    start_ups_again.explain,
    app_state.explain,
    isolation.explain,
    kept_values.explain,
    stale.explain,
    unseen_rows.explain,
    own_rows.explain,
    two_databases.explain,
    aborted.explain,
    unfinished.explain,
    rolled_back.explain,
    in_place.explain,
    one_connection.explain,
    pools.explain,
    tables.explain,
    clean_ups.explain,
    dropped_databases.explain,
    processes.explain,
    columns.explain,
    extensions.explain,
    time_zones.explain,
    compared.explain,
    sequences.explain,
    references.explain,
    lengths.explain,
    factories.explain,
    migrations.explain,
    sessions.explain,
    foreign_objects.explain,
    dependency_overrides.explain,
    websockets.explain,
    patched_names.explain,
    answers.explain,
    refusals.explain,
    clients.explain,
    cached_settings.explain,
    context_variables.explain,
    instances.explain,
    loggers.explain,
)
"""In the order in which their explanations are shown."""


def explanations(failure: Failure, history: History) -> list[str]:
    """Return what a failure means here, a text each; nothing where nothing is known for certain.

    A mistake of ours here must not hide the test's own failure: it is shown in its place.
    """
    found: list[str] = []
    for explain in EXPLAIN:
        try:
            found += map(str, explain(failure, history))
        except Exception as error:
            found.append(f"hermetic failed to explain this, which is a fault of hermetic's: {error!r}")
    return list(dict.fromkeys(found))  # an error and its cause may have one message
