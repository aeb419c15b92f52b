"""A request that ends without a commit, in a Session that was handed to it.

A fixture hands its own Session to the application by an override, so that each request reads what those before it, and
the test, have written, committed or not. In production each request has a Session of its own: what it does not commit
is gone when it ends, and the test that would show it passes.

What a request has written is told as it happens; it is noted where the connection is a fixture's, or the test's, and
forgotten with the next commit or rollback. What it only added to such a Session, and nobody has flushed, is looked for
when it ends. To hear of statements SQLAlchemy has to be hooked up, so that is done at the first request of an
override's. A request is left alone

* that is answered by an error, which is rolled back in production,
* at whose beginning the test itself had left something for the next flush: that is not told apart,
* that only reads, by its method, and has changed objects that nobody has flushed: it may have done so for its answer,
* for which the fixture has put something of its own in place of ``commit``, ``session.flush`` as a rule,
* for which, in production, the overridden dependency or a middleware commits. That is read from their code, and taken
  for so where a library does the work of the dependency.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ReferenceType, WeakKeyDictionary, ref

from hermetic.causes.data import REQUEST_NOT_COMMITTED
from hermetic.code import UNKNOWN, Location, location_of
from hermetic.events import Kind, listen, unlisten
from hermetic.events.application import RequestEnded, WebsocketEnded
from hermetic.events.database import SessionEnded, Statement, TransactionEnded
from hermetic.events.lifecycle import Breach
from hermetic.functions import A_LIBRARY, attributes_named
from hermetic.guards.applications import ApplicationWatch
from hermetic.guards.dependencies import USED_BY_ONE, Override, dependencies_of, overrides_of
from hermetic.owners import Owner, current
from hermetic.statements import WORDS, beginning_of, written

if TYPE_CHECKING:
    from hermetic.calls import Scope
    from hermetic.database.engines import InUse
    from hermetic.database.engines.sessions import Unflushed

KINDS: tuple[Kind, ...] = (
    *(RequestEnded, WebsocketEnded),
    *(Statement, TransactionEnded, SessionEnded),
)

COMMITS = frozenset({"commit", "begin"})
"""What is named by code that commits: ``async with session.begin()`` does so at its end."""

READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods of requests that ask for nothing to be changed (RFC 9110, section 9.2.1)."""


class Pending(NamedTuple):
    """A statement of a request that wrote, and was not committed yet.

    Attributes:
        statement: It.
        holder: Whose the connection is.
    """

    statement: Statement
    holder: Owner


class Answered(NamedTuple):
    """A request that an application has answered.

    Attributes:
        application: The application that did, the innermost where one is mounted in another.
        route: Its route that did; None where none was found.
    """

    application: ReferenceType[Any]
    route: Any


class UncommittedRequests:
    """Watches the requests of a test.

    Args:
        applications: Tells which application has answered.
        in_use: Returns who has a connection, by its number.
        unflushed: Returns what the next flush of some owners' Sessions would write.
    """

    def __init__(
        self,
        applications: ApplicationWatch,
        in_use: Callable[[int], InUse | None],
        unflushed: Callable[[Callable[[Owner], bool]], Collection[Unflushed]],
    ) -> None:
        self._applications = applications
        self._in_use = in_use
        self._unflushed = unflushed
        self._pending: dict[int, list[Pending]] = {}
        self._before: WeakKeyDictionary[Owner, Collection[Unflushed]] = WeakKeyDictionary()
        self._answered: WeakKeyDictionary[Owner, Answered] = WeakKeyDictionary()
        self._found: list[Breach] = []
        self._is_told = self._is_on = self._listens = self._has_listened = False

    def begin(self, test: Owner) -> None:
        """Watch the requests of a test."""
        if not self._is_told:
            self._is_told = True
            self._applications.tell(self)
        self._is_on, self._has_listened = True, False

    def end(self, test: Owner) -> Iterable[Breach]:
        """Watch no longer; return what was found.

        Who listens goes on doing so until a test has no need of it, which costs less than to begin anew in each.
        """
        self._is_on = False
        self._pending.clear()
        if self._listens and not self._has_listened:
            self._listen_no_more()
        found, self._found = self._found, []
        return found

    def stop(self) -> None:
        """Listen no more."""
        self._applications.tell_no_more(self)
        self._listen_no_more()

    def _listen_no_more(self) -> None:
        self._listens = False
        unlisten(self._hear)

    def called(self, request: Owner, application: Any) -> None:
        """Note what is unflushed before a request that gets something by an override, and listen."""
        has_overrides = self._is_on and getattr(application, "dependency_overrides", None)
        if has_overrides and request not in self._before:
            self._before[request] = self._of_the_tests(request)
            self._has_listened = True
            if not self._listens:
                self._listens = True
                listen(self._hear, *KINDS)

    def answered(self, request: Owner, application: Any, scope: Scope) -> None:
        """Note which route has answered."""
        if self._listens and request in self._before:
            self._answered.setdefault(request, Answered(ref(application), scope.get("route")))

    def _hear(self, event: Any) -> None:
        if isinstance(event, Statement):
            if event.owner in self._before and beginning_of(event.text) in WORDS:
                self._note(event)
        elif isinstance(event, TransactionEnded):
            self._pending.pop(event.connection, None)
        elif isinstance(event, SessionEnded):
            if self._pending:
                self._forget(current())  # its connection may have a transaction around that goes on
        elif event.owner in self._before:
            self._end(event)

    def _note(self, event: Statement) -> None:
        in_use = self._in_use(event.connection) if not event.error and event.rows != 0 else None
        holder = None if in_use is None else in_use.checkout.owner
        if holder is not None and _is_of_the_tests(holder, event.owner):
            self._pending.setdefault(event.connection, []).append(Pending(event, holder))

    def _forget(self, request: Owner) -> list[Pending]:
        """Forget what a request has pending; return it."""
        of_request = [
            each for some in self._pending.values() for each in some if each.statement.owner is request
        ]
        self._pending = {
            number: left
            for number, some in self._pending.items()
            if (left := [each for each in some if each not in of_request])
        }
        return of_request

    def _of_the_tests(self, request: Owner) -> Collection[Unflushed]:
        return self._unflushed(lambda owner: _is_of_the_tests(owner, request))

    def _end(self, event: RequestEnded | WebsocketEnded) -> None:
        pending, before = self._forget(event.owner), self._before.pop(event.owner)
        added = [each for each in self._of_the_tests(event.owner) if each not in before]
        answered = self._answered.pop(event.owner, None)
        has_failed = bool(event.error) or (isinstance(event, RequestEnded) and not 0 < event.status < 400)
        if isinstance(event, RequestEnded) and event.method in READING:
            added = []
        if before or has_failed or not (pending or added):
            return
        if event.owner.is_test_level and answered is not None:
            self._judge(Unsaved(event.owner, answered, pending, added))

    def _judge(self, unsaved: Unsaved) -> None:
        """Tell of a request, once for each endpoint of a test, unless what it wrote is committed in production."""
        overrides = unsaved.overrides()
        breach = _breach(unsaved, overrides)
        is_told = any(each.location == breach.location for each in self._found)
        if overrides and not is_told and not unsaved.commits_by(overrides):
            self._found.append(breach)


class Unsaved(NamedTuple):
    """A request that left in a Session what it did not commit.

    Attributes:
        request: It.
        answered: Who has answered it.
        pending: What it wrote.
        added: What it has left for the next flush.
    """

    request: Owner
    answered: Answered
    pending: list[Pending]
    added: list[Unflushed]

    @property
    def holder(self) -> Owner:
        """Whose the Session is."""
        return self.pending[0].holder if self.pending else self.added[0].owner

    def overrides(self) -> list[Override]:
        """Return the overrides of the endpoint that hand a Session out; where that is not seen of any, all of them."""
        used = list(dependencies_of([self.answered.route]))
        every = [each for each in overrides_of([self.answered.application()]) if each.dependency in used]
        return [each for each in every if any(map(_is_shared, _reached(each)))] or every

    def commits_by(self, overrides: Iterable[Override]) -> bool:
        """Whether what the overrides stand for, or a middleware, may commit, or nobody can be seen to do so."""
        middleware = getattr(self.answered.application(), "user_middleware", ())
        around = [each for one in middleware for each in (one.cls, *one.kwargs.values()) if callable(each)]
        return any(COMMITS & attributes_named(each) for each in around) or any(
            {*COMMITS, A_LIBRARY} & attributes_named(each.dependency)
            or any(_is_shared(value) and _has_another_commit(value) for value in _reached(each))
            for each in overrides
        )


SHARED = USED_BY_ONE | {"scoped_session", "async_scoped_session"}
"""The classes of what an override hands to several requests, by their names."""


def _is_shared(value: object) -> bool:
    return any(kind.__name__ in SHARED for kind in type(value).__mro__)


LIBRARIES = ("sqlalchemy", "sqlmodel")


def _has_another_commit(session: Any) -> bool:
    """Whether a Session commits otherwise than its class in SQLAlchemy or SQLModel does."""
    for each in (session, getattr(session, "sync_session", session)):
        module = getattr(getattr(type(each), "commit", None), "__module__", "")
        if "commit" in getattr(each, "__dict__", ()) or module.partition(".")[0] not in LIBRARIES:
            return True
    return False


def _reached(override: Override) -> Iterator[Any]:
    """Give what an override holds, and what that has as its attributes: a unit of work has its Session so."""
    for _, value in override.held():
        yield value
        yield from getattr(value, "__dict__", {}).values()


def _is_of_the_tests(holder: Owner, request: Owner) -> bool:
    return holder.kind in ("test", "fixture") and not holder.is_within(request)


def _breach(unsaved: Unsaved, overrides: list[Override]) -> Breach:
    endpoint = location_of(getattr(unsaved.answered.route, "endpoint", None))
    handing = str(overrides[0]) if len(overrides) == 1 else "an override of the application's"
    place = unsaved.pending[0].statement.location if unsaved.pending else endpoint or UNKNOWN
    function = "the endpoint" if endpoint is None else f"{endpoint.function}() ({endpoint})"
    return Breach(
        "uncommitted",
        unsaved.request,
        place,
        REQUEST_NOT_COMMITTED.told(
            (
                f"{_name_of(unsaved.request)} ended without a commit.",
                f"{_done(unsaved, place)} in a session of {unsaved.holder.name}, which {handing} hands to each request."
                " In production each has a session of its own, and what it does not commit is gone when it ends.",
            ),
            (
                f"await session.commit() in {function}, or in the dependency that opens the session",
                "delete the override: each request has a session of its own then, on the database of the test",
                'where it is meant so: @pytest.mark.hermetic(uncommitted="off")',
            ),
        ),
    )


def _name_of(request: Owner) -> str:
    """Return what a request is called, with its test."""
    test = request.test
    return request.name if test is None or test.name in request.name else f"{request.name} of {test.name}"


def _done(unsaved: Unsaved, place: Location) -> str:
    """Say what the request left in the Session, and where."""
    if not unsaved.pending:
        kinds = ", ".join(dict.fromkeys(each.kind for each in unsaved.added))
        return f"{place} changed objects that nobody has flushed ({kinds})"
    writes = [write for each in unsaved.pending if (write := written(each.statement)) is not None]
    what = ", ".join(dict.fromkeys(f"{each.verb} {each.table}" for each in writes))
    return f"{place} wrote ({what})"
