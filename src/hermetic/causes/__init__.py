"""Why tests of async applications fail though the code under test is right: each cause with a stable code.

One table for whoever names a cause: what explains a failed test, what finds it in a project's files, the command
``hermetic explain`` and the documentation. A file a subject; the texts are all that is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Cause(NamedTuple):
    """Something that goes wrong in many projects.

    Attributes:
        code: Its code, which never changes: ``"HM720"``.
        name: What it is, in a few words.
        text: What happens, why, and what to change, in whole sentences.
    """

    code: str
    name: str
    text: str

    def told(self, lines: Sequence[str], change: Sequence[str]) -> str:
        """Say that this is what happened.

        Args:
            lines: What happened, with names and places; the first line alone must make sense.
            change: What to change, a line each.
        """
        first, *others = lines
        changes = (f"change: {each}" for each in change)
        return "\n".join([f"{first} [{self.code}]", *others, *changes, f"more: hermetic explain {self.code}"])


def causes() -> dict[str, Cause]:
    """Return every cause by its code, in the codes' order."""
    import importlib
    import pkgutil  # a run that names none does without

    names = [each.name for each in pkgutil.iter_modules(__path__, f"{__name__}.")]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    return {each.code: each for each in sorted(value for value in values if isinstance(value, Cause))}
