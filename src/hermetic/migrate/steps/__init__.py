"""The steps, in the order in which they run: each reads what those before it have made of the files."""

from __future__ import annotations

from hermetic.migrate.step import Step
from hermetic.migrate.steps.client import CLIENT
from hermetic.migrate.steps.database import DATABASE
from hermetic.migrate.steps.names import NAMES
from hermetic.migrate.steps.recipes import RECIPES

STEPS: tuple[Step, ...] = (NAMES, CLIENT, RECIPES, DATABASE)
