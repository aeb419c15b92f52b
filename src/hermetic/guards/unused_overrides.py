"""An override that a test sets, and that no request of it can use.

``dependency_overrides`` belongs to one application and knows a dependency by its function. So an override does nothing
that is set for a function of another import of the same file, or on another application than the one which gets the
requests: where a factory makes one for the override and one for the client, or where a module is imported by two names.

Only what the test and its own fixtures have set is looked at, when a request is answered: what a wider fixture or a
conftest has set is for other tests. An application is another one of the same kind if it has the same endpoints or was
made at the same line; an override of it is unused if it has got no request at all when the test ends. That is told
where the test fails. One that passes may well use an application of its own beside that for which a fixture has set
overrides, and is at fault only where it has made both itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ReferenceType, ref

from hermetic.causes.applications import OVERRIDE_OF_ANOTHER_APPLICATION
from hermetic.code import UNKNOWN, Location, is_library
from hermetic.events import emit, listen, listeners, unlisten
from hermetic.events.application import OverrideUnused
from hermetic.events.lifecycle import Breach, CallRaised
from hermetic.guards.applications import ApplicationWatch
from hermetic.guards.dependencies import (
    Override,
    capitalized,
    dependencies_of,
    endpoints_of,
    origin_of,
    routes_of,
)
from hermetic.guards.override_keys import Unusable, module_name_of, unusable
from hermetic.owners import Owner, current
from hermetic.patch import Patch

if TYPE_CHECKING:
    from hermetic.calls import Scope


class Made(NamedTuple):
    """An application that the test, or a fixture of its own, has made.

    Attributes:
        application: It, while it lives.
        overrides: Those that it began with, be it gone.
        line: The innermost line of the project that made it.
        asked_at: The outermost that led to it: that of the test, or of the fixture.
        is_of_the_test: Whether the test itself has, rather than a fixture.
    """

    application: ReferenceType[Any]
    overrides: MutableMapping[Any, Any]
    line: Location
    asked_at: Location
    is_of_the_test: bool


class Unused(NamedTuple):
    """An override that a request could not use.

    Attributes:
        why: Why.
        is_a_fault: Whether it is one in a test that passes, too.
        request: The request.
        application: The one that the override is set on; None where it is that which got the request, or gone.
        location: The line of the override.
    """

    why: Unusable
    is_a_fault: bool
    request: Owner
    application: ReferenceType[Any] | None
    location: Location


class UnusedOverrides:
    """Watches the overrides that a test sets.

    Args:
        applications: Tells which application has answered.
        shared: Returns the overrides that the test at hand has set on applications that a module holds.
    """

    def __init__(self, applications: ApplicationWatch, shared: Callable[[], Sequence[Override]]) -> None:
        self._applications = applications
        self._shared = shared
        self._making = Making()
        self._answered: set[ReferenceType[Any]] = set()
        self._looked_at: set[tuple[int, ...]] = set()
        self._found: list[Unused] = []
        self._listens = self._is_on = False

    def begin(self, test: Owner) -> None:
        """Look at each request that is answered."""
        self._is_on = True
        self._answered.clear()
        if not self._listens:
            self._listens = True
            self._applications.tell(self)
            listen(self._on_failure, CallRaised)
        if not self._making.is_on:
            self._making.install()

    def end(self, test: Owner) -> Iterable[Breach]:
        """Look no more; return the overrides that no request has used."""
        self._is_on = False
        found = [each for each in self._unused() if each.is_a_fault] if self._found else ()
        self._found.clear()
        self._making.made.clear()
        self._looked_at.clear()
        return [_breach(each, test) for each in found] if found else ()

    def stop(self) -> None:
        """Leave nothing behind."""
        unlisten(self._on_failure)
        self._applications.tell_no_more(self)
        self._making.uninstall()

    def _unused(self) -> list[Unused]:
        """Return what was found, but of applications that got a request after all."""
        answered = {each() for each in self._answered} - {None}
        return [
            each for each in self._found if each.application is None or each.application() not in answered
        ]

    def _on_failure(self, event: CallRaised) -> None:
        """The test has failed: this is told below it, and not at its teardown again."""
        told: dict[tuple[Any, ...], Unused] = {}
        for each in self._unused():
            # One of several on one application says it all.
            told.setdefault((each.why.cause, each.application), each)
        for each in told.values() if OverrideUnused in listeners else ():
            emit(OverrideUnused(each.request, each.why.cause.code, each.why.lines, each.why.change))
        self._found.clear()

    def called(self, request: Owner, application: Any) -> None:
        """Look at it when it is answered."""

    def answered(self, request: Owner, application: Any, scope: Scope) -> None:
        """Look at the overrides that the test has set by now, once as long as they are the same."""
        self._answered.add(ref(application))
        overrides = self._set_by_the_test(application) if self._is_on else ()
        if not overrides:
            return
        looked_at = (id(application), *(id(part) for each, _ in overrides for part in each))
        if looked_at not in self._looked_at and request.is_test_level:
            self._looked_at.add(looked_at)
            for override, made in overrides:
                self._look(request, application, override, made)

    def _set_by_the_test(self, asked: Any) -> Sequence[tuple[Override, Made | None]]:
        shared, made_by_it = self._shared(), self._making.made
        if not (shared or made_by_it) or not hasattr(asked, "dependency_overrides"):  # as in most tests
            return ()
        found: list[tuple[Override, Made | None]] = [(override, None) for override in shared]
        for made in made_by_it:
            application = made.application()
            overrides = made.overrides if application is None else application.dependency_overrides
            found += [(Override(application, *each), made) for each in list(overrides.items())]
        return found

    def _look(self, request: Owner, application: Any, override: Override, made: Made | None) -> None:
        """Note an override that this application cannot use."""
        if override.application is application:
            found = unusable(override)
            is_a_fault, other = True, None
        else:
            answering = self._making.of(application)
            found = _of_another_application(override, made, application, answering, request)
            is_a_fault = made is not None and made.is_of_the_test
            other = override.application
        if found is not None:
            where, elsewhere = override.location or UNKNOWN, None if other is None else ref(other)
            self._found.append(Unused(found, is_a_fault, request, elsewhere, where))


class Making:
    """Notes each FastAPI application that a test makes, from ``install`` to ``uninstall``.

    Attributes:
        made: Those of the test at hand.
        is_on: Whether it does.
    """

    def __init__(self) -> None:
        self.made: list[Made] = []
        self.is_on = False
        self._patch: Patch | None = None

    def of(self, application: Any) -> Made | None:
        """Return what is known of an application's making."""
        return next((each for each in self.made if each.application() is application), None)

    def install(self) -> None:
        """Start, if FastAPI is loaded and it has not been done."""
        fastapi = getattr(sys.modules.get("fastapi"), "FastAPI", None)
        if fastapi is not None and self._patch is None:
            self._patch = Patch(fastapi, "__init__", self._noting)
            self.is_on = True

    def _noting(self, patch: Patch) -> Callable[..., None]:
        def __init__(application: Any, *arguments: Any, **keywords: Any) -> None:
            patch.original(application, *arguments, **keywords)
            if patch.is_on and current().is_test_level:
                self._note(application, sys._getframe(1))

        return __init__

    def uninstall(self) -> None:
        """Note none any more."""
        if self._patch is not None:
            self._patch.undo()
            self._patch, self.is_on = None, False

    def _note(self, application: Any, frame: FrameType) -> None:
        lines = list(_project_lines(frame)) or [UNKNOWN]
        self.made.append(
            Made(
                ref(application),
                application.dependency_overrides,
                lines[0],
                lines[-1],
                current().kind == "test",
            )
        )


def _project_lines(frame: FrameType | None) -> Iterator[Location]:
    """Give the lines of the project that lead to a frame, the innermost first, as far as no library is between them."""
    while frame is not None and not is_library(frame.f_code.co_filename):
        yield Location.of_frame(frame)
        frame = frame.f_back


def _breach(unused: Unused, test: Owner) -> Breach:
    first = f"{test.name} has set an override that none of its requests could use."
    cause, lines, change = unused.why
    message = cause.told((first, *lines), change)
    return Breach("overrides", unused.request, unused.location, message)


def _of_another_application(
    override: Override, made: Made | None, application: Any, answering: Made | None, request: Owner
) -> Unusable | None:
    """Say of an override that the request went to another application of the same kind, which does without it."""
    origin = origin_of(override.dependency)
    alike = [
        each
        for each in dependencies_of(routes_of(application))
        if origin is not None and origin_of(each) == origin
    ]
    if not alike or any(each in application.dependency_overrides for each in alike):
        return None
    if not _are_of_a_kind(override.application, made, application, answering):
        return None
    return Unusable(
        OVERRIDE_OF_ANOTHER_APPLICATION,
        (
            f"{capitalized(override)} is never used: it is set on another application than that"
            f" which got the {request.name.partition(' of ')[0]}.",
            f"It is set on {_named(override.application, made)}; the request went to {_named(application, answering)}.",
        ),
        (
            "one application for both: make it once, in a fixture that the override and the client use, or import it"
            " by one name",
        ),
    )


def _are_of_a_kind(one: Any, made: Made | None, other: Any, answering: Made | None) -> bool:
    """Whether two applications are what one factory, or one file, makes."""
    if made is not None and answering is not None and made.line == answering.line != UNKNOWN:
        return True
    endpoints = set() if one is None else endpoints_of(one)
    return bool(endpoints) and endpoints == endpoints_of(other)


def _named(application: Any, made: Made | None) -> str:
    """Return what an application is called: by the line that made it, or by the module that holds it."""
    if made is not None:
        return f"one made at {made.asked_at}"
    return module_name_of(application) or "another one"
