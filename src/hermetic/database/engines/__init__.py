"""Engines that work in every event loop and end on a database that hermetic made."""

from hermetic.database.engines.checkouts import InUse
from hermetic.database.engines.destinations import (
    Creation,
    Destination,
    EngineRequest,
    Itself,
    LeftAlone,
    Resolver,
    Target,
)
from hermetic.database.engines.gate import Closing, Gate
from hermetic.database.engines.installation import Installation, SeenEngines, install
from hermetic.database.engines.location import is_in_a_driver, user_location
from hermetic.database.engines.pools import LoopBoundPool

__all__ = [
    "Closing",
    "Creation",
    "Destination",
    "EngineRequest",
    "Gate",
    "InUse",
    "Installation",
    "Itself",
    "LeftAlone",
    "LoopBoundPool",
    "Resolver",
    "SeenEngines",
    "Target",
    "install",
    "is_in_a_driver",
    "user_location",
]
