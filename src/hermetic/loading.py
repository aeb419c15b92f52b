"""Import the application once for a whole run, whichever thread asks first; what failed is not tried again."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from hermetic import application
from hermetic.errors import HermeticError
from hermetic.owners import PROCESS, owned_by


class Failures:
    """What failed is not tried again for each of a thousand tests: they all get the first error."""

    def __init__(self) -> None:
        self._errors: dict[str, HermeticError] = {}

    @contextmanager
    def once(self, what: str) -> Iterator[None]:
        """Do something that can fail; where it did before, do not.

        Args:
            what: What is done.

        Raises:
            HermeticError: The one of the first time.
        """
        if what in self._errors:
            raise self._errors[what].with_traceback(None)
        try:
            yield
        except HermeticError as error:
            self._errors[what] = error
            raise


class Loader:
    """Imports the application.

    Args:
        path: What ``hermetic_app`` names; None: there is none.
        failures: The run's.
        before: Called before it is imported.
        after: Called with it.
    """

    def __init__(
        self,
        path: str | None,
        failures: Failures,
        *,
        before: Callable[[], None],
        after: Callable[[Any], None],
    ) -> None:
        self._path = path
        self._failures = failures
        self._before = before
        self._after = after
        self._lock = threading.RLock()
        self._is_loading = False

    def application(self) -> Any:
        """Return the application, or None.

        Raises:
            ConfigurationError: It does not import, or is no application.
        """
        with self._lock:
            return self._application

    @cached_property
    def _application(self) -> Any:
        if self._path is None:
            return None
        self._is_loading = True
        try:
            # What an import makes is there for the process, whichever test asked for it first.
            with self._failures.once("application"), owned_by(PROCESS):
                self._before()
                found = application.load(self._path)
        finally:
            self._is_loading = False
        self._after(found)
        return found

    @property
    def is_loading(self) -> bool:
        """Whether it, or another module of its package, is being imported or made at this moment, by whomever."""
        package = (self._path or "").partition(":")[0].partition(".")[0]
        return self._is_loading or any(
            getattr(getattr(module, "__spec__", None), "_initializing", False)
            for name, module in list(sys.modules.items())
            if name.partition(".")[0] == package
        )
