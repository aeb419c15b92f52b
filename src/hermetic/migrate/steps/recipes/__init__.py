"""Asynchronous clients that people wrote by hand, and what they put around them."""

from hermetic.migrate.steps.recipes.step import RECIPES

__all__ = ["RECIPES"]
