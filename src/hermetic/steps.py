"""Take every step of an ending, whatever fails on the way, and raise what failed when all are taken.

What a test, a fixture or a run leaves is undone in steps that do not need each other. One that fails, because an
application's shutdown raises or somebody blocks one of two databases, must not keep the others from being taken: what
they would have undone is what the next test finds.
"""

from __future__ import annotations

from types import TracebackType

INTERRUPTIONS = (KeyboardInterrupt, SystemExit)
"""Raised alone: whoever interrupts looks for them, and not in a group."""


class Step:
    """Entered for each step in turn; keeps the error of one that fails."""

    # Of the class: each test begins dozens of steps, and none of them fails.
    errors: tuple[BaseException, ...] = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is not None:
            self.errors += (error,)
        return True

    def raise_errors(self) -> None:
        """Raise what was kept: one as it is, an interruption before all others, several as a group."""
        __tracebackhide__ = True
        interruptions = [error for error in self.errors if isinstance(error, INTERRUPTIONS)]
        if interruptions or len(self.errors) == 1:
            raise [*interruptions, *self.errors][0]
        raise BaseExceptionGroup("several steps failed", self.errors)


class every_step:  # a statement, so in small letters; as a generator it would cost three times as much in each test
    """Take every step of the block.

    Each is a ``with step:`` of its own; what the block does outside of them must not fail.

    Raises:
        BaseException: What a step raised; a group where several did.

    Example:
        >>> with every_step() as step:
        ...     for database in databases:
        ...         with step:
        ...             database.restore()
    """

    __slots__ = ("_step",)

    def __enter__(self) -> Step:
        self._step = Step()
        return self._step

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        if error is not None:
            self._step.__exit__(kind, error, traceback)
        if self._step.errors:
            self._step.raise_errors()
        return True


def leaves(error: BaseException) -> list[BaseException]:
    """Return the errors of a group, however deep; the error itself, where it is none."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for one in error.exceptions for leaf in leaves(one)]
