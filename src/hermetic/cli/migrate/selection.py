"""Choose the steps that ``--only``, ``--skip`` and ``--unsafe`` ask for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hermetic.errors import CommandError
from hermetic.migrate.step import Step


@dataclass(frozen=True)
class Selection:
    """The steps of a migration.

    Attributes:
        taken: Those to take, in their order.
        unsafe: Those that ``--unsafe`` would add.
    """

    taken: tuple[Step, ...]
    unsafe: tuple[Step, ...]


def select(steps: Sequence[Step], *, only: Collection[str], skip: Collection[str], unsafe: bool) -> Selection:
    """Choose among steps.

    Args:
        steps: All that there are.
        only: The names of those to take; empty for all.
        skip: The names of those to leave out.
        unsafe: Whether to take those that are not safe.

    Raises:
        ConfigurationError: A name is that of no step, or of one that is not safe, which nobody allowed.
    """
    wanted = named(steps, only) or tuple(steps)
    skipped = named(steps, skip)
    asked = tuple(step for step in wanted if step not in skipped)
    risky = () if unsafe else tuple(step for step in asked if not step.is_safe)
    if only and risky:
        raise CommandError(
            f"The step {risky[0].name} is not safe: a person must read what it makes of the files.",
            hints=(f"hermetic migrate --only {','.join(only)} --unsafe",),
        )
    return Selection(tuple(step for step in asked if step not in risky), risky)


def named(steps: Sequence[Step], names: Collection[str]) -> tuple[Step, ...]:
    """Return the steps of some names; a name stands for those that begin with it and a hyphen, too.

    Raises:
        ConfigurationError: One is that of no step.
    """
    for name in names:
        if not any(_is_named(step, name) for step in steps):
            raise CommandError(
                f"{name!r} is no step of a migration.",
                hints=(f"use one of: {', '.join(step.name for step in steps)}",),
            )
    return tuple(step for step in steps if any(_is_named(step, name) for name in names))


def _is_named(step: Step, name: str) -> bool:
    return step.name == name or step.name.startswith(f"{name}-")
