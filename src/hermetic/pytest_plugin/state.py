"""What the plugin keeps on pytest's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hermetic.owners import Owner
from hermetic.settings import Settings

if TYPE_CHECKING:
    from hermetic.explain.history import History
    from hermetic.report.recorder import Recorder
    from hermetic.run import Run

SETTINGS = pytest.StashKey[Settings]()
RUN: pytest.StashKey[Run] = pytest.StashKey()
HISTORY: pytest.StashKey[History] = pytest.StashKey()
RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()
OWNER = pytest.StashKey[Owner]()
EXAMPLES = pytest.StashKey[Owner]()
FAILED = pytest.StashKey[bool]()
TOLD = pytest.StashKey[bool]()
