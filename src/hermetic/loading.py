"""The application that ``hermetic_app`` names: learnt when somebody asks, and not needed for hermetic's own work.

A suite may build its applications itself, by a factory that needs what only its fixtures have. So there are three
questions, in the order of what they do to the project: to look (import it: its engines and tables are known then), to
ask (call a factory, too), and to get it, which only the fixtures do that hand it out. Whoever looks or asks goes on
without an answer.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from hermetic import application
from hermetic.errors import HermeticError
from hermetic.events import emit, listeners
from hermetic.events.lifecycle import ApplicationImported
from hermetic.owners import PROCESS, owned_by
from hermetic.threads import now


class Application:
    """The application of a run, which is imported once and made once, whichever thread asks first.

    What failed is not tried again for each of a thousand tests. Only where it failed for somebody who merely asked, it
    is tried once more for somebody who needs it: a fixture may have given meanwhile what it lacked.

    Args:
        path: What ``hermetic_app`` names; None: there is none.
        before: Called before it is imported.
        imported: Called when it was.
        made: Called with it.

    Attributes:
        failure: Why there is none, as far as that was tried.
        is_the_suites: Whether a fixture of the suite's hands out another one.
    """

    def __init__(
        self,
        path: str | None,
        *,
        before: Callable[[], None],
        imported: Callable[[], None],
        made: Callable[[Any], None],
    ) -> None:
        self.failure: HermeticError | None = None
        self.is_the_suites = False
        self._path = path
        self._before = before
        self._note_import = imported
        self._note = made
        self._lock = threading.RLock()
        self._named: Any = None
        self._made: Any = None
        self._is_loading = False
        self._is_told = False

    def look(self) -> None:
        """Import it, so that its engines and its tables are known; call nothing."""
        self._bring(call=False)

    def ask(self) -> Any:
        """Return it, made if need be; None where that fails, and where there is none."""
        self._bring(call=True)
        return self._made

    def get(self) -> Any:
        """Return it for somebody who cannot do without; None only where none is named.

        Raises:
            ConfigurationError: It does not import, cannot be made, or is no application.
        """
        with self._lock:
            if not self._is_told:
                self.failure = None
            self._bring(call=True)
            if self.failure is not None:
                self._is_told = True
                raise self.failure.with_traceback(None)
            return self._made

    def _bring(self, *, call: bool) -> None:
        with self._lock:
            if self._path is None or self._made is not None or self.failure is not None:
                return
            self._is_loading = True
            try:
                # What an import makes is there for the process, whichever test asked for it first.
                with owned_by(PROCESS):
                    self._made = self._found(self._path, call)
            except HermeticError as error:
                self.failure = error
            finally:
                self._is_loading = False
            if self._made is not None:
                self._note(self._made)

    def _found(self, path: str, call: bool) -> Any:
        if self._named is None:
            from hermetic.database.backend import packages_by_module

            self._before()
            began = now()
            self._named = application.resolve(path, key="hermetic_app", packages=packages_by_module)
            if ApplicationImported in listeners:
                emit(ApplicationImported(path, now() - began))
            self._note_import()
        if application.is_factory(path, self._named) and not call:
            return None
        return application.make(path, self._named)

    @property
    def is_unmade(self) -> bool:
        """Whether hermetic has none and may have: none is named, or a factory that was imported and not called."""
        if self._path is None:
            return True
        return self._named is not None and self._made is None and self.failure is None

    @property
    def is_loading(self) -> bool:
        """Whether it, or another module of its package, is being imported or made at this moment, by whomever."""
        package = (self._path or "").partition(":")[0].partition(".")[0]
        inside = f"{package}."
        return self._is_loading or any(
            getattr(getattr(module, "__spec__", None), "_initializing", False)
            for name, module in list(sys.modules.items())
            if name.startswith(inside) or name == package
        )
