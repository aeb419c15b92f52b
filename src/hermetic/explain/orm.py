"""An attribute of an ORM object that is not loaded, where it cannot be loaded: which one, and what took it away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from hermetic.causes.data import ATTRIBUTE_NOT_LOADED, ATTRIBUTE_OF_CLOSED_SESSION
from hermetic.code import UNKNOWN, is_library
from hermetic.events.database import SessionEnded
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import frames, place_of, project_frames, value
from hermetic.explain.history import History, whose
from hermetic.explain.holders import Holder, holder_of


class Access(NamedTuple):
    """An attribute that somebody wanted.

    Attributes:
        instance: The object.
        name: The attribute.
        place: Where in the project it was read; empty where that is not known.
        variable: What the object is called there.
        is_detached: Whether its Session was closed then; one that is closed now may have been so later.
    """

    instance: Any
    name: str
    place: str
    variable: str
    is_detached: bool

    @property
    def state(self) -> Any:
        """What SQLAlchemy knows of the object."""
        return self.instance._sa_instance_state

    @property
    def attribute(self) -> str:
        """It, as a query names it: ``User.notes``."""
        return f"{type(self.instance).__name__}.{self.name}"

    def __str__(self) -> str:
        """Say who read it."""
        return (
            f"{self.place} reads {self.attribute}" if self.place else f"The response reads {self.attribute}"
        )

    def refresh(self) -> str:
        """Return the line that reads it."""
        is_all = self.state.expired and not self.is_relationship
        names = "" if is_all else f', ["{self.name}"]'
        return f"await session.refresh({self.variable}{names})"

    @property
    def is_relationship(self) -> bool:
        """Whether it leads to other objects."""
        return self.name in self.state.mapper.relationships


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say which attribute was not there, and why, where that is what the test failed by."""
    for error in failure.chain():
        access = _access(error)
        if access is not None:
            yield _explanation(failure, access, history)
            return


def _access(error: BaseException) -> Access | None:
    """Return what was read; None where the error is another one, or does not tell."""
    name = type(error).__name__
    if name in ("MissingGreenlet", "DetachedInstanceError") or "MissingGreenlet" in str(error)[:100]:
        for frame in frames(error):
            attribute = value(frame, "self", "QueryableAttribute")
            instance = frame.f_locals.get("instance")
            if attribute is not None and frame.f_code.co_name == "__get__" and _is_mapped(instance):
                place = place_of(error, "")
                is_detached = name == "DetachedInstanceError"
                return Access(instance, attribute.key, place, _variable(error, instance), is_detached)
    if name in ("ResponseValidationError", "ValidationError"):
        return _validated(error)
    return None


def _validated(error: Any) -> Access | None:
    """Return what Pydantic read of an object: its error has the object, and has lost the frames."""
    for each in error.errors():
        words = str(each.get("msg", ""))
        instance = each.get("input")
        is_ours = "MissingGreenlet" in words or "DetachedInstanceError" in words
        if is_ours and each.get("loc") and _is_mapped(instance):
            name = str(each["loc"][-1])
            if name in instance._sa_instance_state.mapper.attrs:
                return Access(
                    instance, name, "", _variable(error, instance), "DetachedInstanceError" in words
                )
    return None


def _is_mapped(instance: object) -> bool:
    return hasattr(instance, "_sa_instance_state")


def _variable(error: BaseException, instance: object) -> str:
    """Return what the innermost lines of the project call an object."""
    for frame in project_frames(error):
        for name, found in frame.f_locals.items():
            if found is instance and name != "self":
                return name
    return type(instance).__name__.lower()


def _explanation(failure: Failure, access: Access, history: History) -> Explanation:
    closed = history.sessions.close_of(access.state)
    session = access.state.session_id
    if session is None and closed is not None:
        session = closed.session
    why, change = _why(access, history.sessions.last_end(session))
    if not access.is_detached:
        first = f"{access}, which is not loaded; to load it takes a query, and an attribute cannot await one."
        return Explanation(ATTRIBUTE_NOT_LOADED, (first, *why), change)
    first = f"{access}, which is not loaded, of an object that belongs to no session any more."
    if closed is not None:
        why = (f"Its session, that of {whose(closed)}, was closed{_at(closed)}.", *why)
    change = (f"{change[0]}, while the session is open", *change[1:])
    kept = None if closed is None or closed.owner.is_within(failure.owner) else _keeper(failure, access)
    if kept is not None:
        why = (f"{kept.name} has kept the object since then, from an earlier test.", *why)
        change = (
            f"a fixture with autouse=True: {kept.emptied}",
            "keep its id, and get the row anew in each request",
        )
    return Explanation(ATTRIBUTE_OF_CLOSED_SESSION, (first, *why), change)


def _keeper(failure: Failure, access: Access) -> Holder | None:
    """Return what of the application keeps the object."""
    return holder_of(failure.root, lambda value, key: value is access.instance)


Why = tuple[tuple[str, ...], tuple[str, ...]]
"""Lines that say why something is not loaded, and what to change."""


def _why(access: Access, ended: SessionEnded | None) -> Why:
    """Say why an attribute is not loaded, by what SQLAlchemy knows of the object, and how its Session ended last."""
    state = access.state
    if state.expired:
        if ended is not None and ended.is_expiring:
            return _expired(access, ended)
        return ("It was expired, with all that was loaded of the object.",), (access.refresh(),)
    if access.is_relationship:
        return ("It was never loaded: what leads to other rows is read only by a query that asks for it.",), (
            f"selectinload({access.attribute}) in the options of the query that finds the object",
            f"{access.refresh()}, of an object that was just made",
        )
    if access.name in state.expired_attributes:
        return ("The database makes its value: after a flush it has to be read again.",), (
            access.refresh(),
            f'__mapper_args__ = {{"eager_defaults": True}} in {type(access.instance).__name__}',
        )
    return ("It was never loaded: the query that found the object left this column out.",), (
        f"undefer({access.attribute}) in the options of the query that finds the object",
    )


def _expired(access: Access, ended: SessionEnded) -> Why:
    """Name what expired all that a Session holds; a relationship may not have been loaded before, either."""
    said = f"The {ended.how}{_at(ended)} has expired all that its session holds: that of {whose(ended)}."
    refresh = f"{access.refresh()} after the {ended.how}"
    if access.is_relationship or ended.how == "rollback":
        return (said,), (refresh,)
    made = f" ({ended.made_at}, or its sessionmaker)" if ended.made_at != UNKNOWN else ""
    return (said,), (f"expire_on_commit=False where the session is made{made}", refresh)


def _at(ended: SessionEnded) -> str:
    """Name the line; the end of an ``async with`` is in a task of its own, and known by the line of a library's."""
    file = ended.location.file
    return "" if ended.location == UNKNOWN or is_library(file) else f" at {ended.location}"
