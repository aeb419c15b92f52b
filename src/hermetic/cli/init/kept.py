"""What doctor finds about keys of pytest's configuration that are the project's own, which ``init`` never changes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hermetic.causes import event_loops
from hermetic.cli.databases import DATABASES
from hermetic.doctor.environments import find_environment
from hermetic.doctor.examination import Finding, examined_by
from hermetic.doctor.subject import Subject
from hermetic.doctor.versions import Versions
from hermetic.source.configuration import Configuration
from hermetic.source.symbols import Symbols

CODES = frozenset(
    cause.code
    for cause in (
        event_loops.FIXTURE_OUTLIVES_LOOP,
        event_loops.CONFIGURATION_NOT_READ,
        event_loops.TWO_PLUGINS,
    )
)


def find_faults(symbols: Symbols, configuration: Configuration) -> tuple[Finding, ...]:
    """Return what is broken by modes and loop scopes that the project sets.

    Args:
        symbols: The project's names.
        configuration: pytest's settings.
    """
    environment = find_environment(
        symbols.sources, configuration, environ=os.environ, started_in=Path.cwd(), own=Path(sys.prefix)
    )
    versions = Versions(symbols.sources.around(configuration.path.parent), environment)
    subject = Subject(symbols, configuration, versions, DATABASES, is_on=False)
    return tuple(examined_by(subject, CODES))
