"""Every error that hermetic raises, in one hierarchy.

An error says what happened, why, and what to do. Each class has a stable code; ``hermetic explain CODE`` prints
the class's docstring, and ``docs/errors.md`` is made from the same text.

    HermeticError
    ├── ConfigurationError      HM1xx   a setting, an application path, a missing extra
    ├── ContainmentError        HM2xx   an engine whose database hermetic did not make
    ├── RestoreError            HM3xx   the baseline could not be brought back, or a checkpoint taken apart
    │   └── LayerConflict
    ├── LeakError               HM4xx   a test left something of its own behind
    │   └── BackgroundError
    ├── UncommittedWrites       HM5xx   a request waits for a lock that its own test holds
    └── LifespanError           HM6xx   the application's lifespan broke its protocol
"""

from __future__ import annotations


class HermeticError(Exception):
    """Base class of all errors of hermetic.

    Args:
        what: One sentence: what happened, with the concrete values.
        why: The cause, in a sentence or two. May be empty.
        hints: What to do, each a line that can be pasted or followed.
    """

    code = "HM000"

    def __init__(self, what: str, *, why: str = "", hints: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hints = hints

    def __str__(self) -> str:
        lines = [f"{self.what} [{self.code}]"]
        if self.why:
            lines.append(self.why)
        if self.hints:
            lines.append("")
            lines.extend(f"hint: {hint}" for hint in self.hints)
        return "\n".join(lines)


class ConfigurationError(HermeticError):
    """A setting is wrong, the application cannot be imported, or an extra is not installed."""

    code = "HM100"


class ContainmentError(HermeticError):
    """A SQLAlchemy engine asked for a database that hermetic did not make."""

    code = "HM200"


class RestoreError(HermeticError):
    """The worker database could not be brought back to its baseline."""

    code = "HM300"


class LayerConflict(RestoreError):
    """Two fixtures wrote the same rows and ended in an order that leaves no consistent baseline."""

    code = "HM310"


class LeakError(HermeticError):
    """A test left a connection, a transaction or a cursor of its own open."""

    code = "HM400"


class BackgroundError(LeakError):
    """A task that a test or one of its requests started was still running when the test ended."""

    code = "HM410"


class UncommittedWrites(HermeticError):
    """A request waits for a lock that its own test's uncommitted writes hold, or another loop would lose them."""

    code = "HM500"


class LifespanError(HermeticError):
    """The application's lifespan failed in a way that the ASGI specification does not allow."""

    code = "HM600"
