"""What goes wrong with an application's settings."""

from __future__ import annotations

from hermetic.causes import Cause

SETTINGS_READ_BEFORE = Cause(
    "HM764",
    "the settings were read before the variable was set",
    """
    Settings that a module makes, or that a function with `lru_cache` keeps, are read once: mostly when the application
    is imported. A variable that a test or a fixture sets later changes nothing. Clear the cache after setting it, patch
    the settings themselves, or have hermetic set the variable before anything is imported: `hermetic_env`.
    """,
)
