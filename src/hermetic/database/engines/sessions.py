"""A connection that a Session checks out belongs to the Session's owner.

A session-scoped ``AsyncSession`` connects at its first statement, perhaps in the first test. The connection, and the
transaction on it, are the session fixture's, not that test's. A Session that outlives the test that made it, as a
``scoped_session`` does, belongs to whoever uses it.

What the living Sessions hold in memory stands here as well: an identity map knows rows by their keys, whether or not
they still exist. A Session that outlives a test, a ``scoped_session`` above all, has for the key 1 the object of the
test before, and hands it out for the row of the next one. So what a test left in it is expunged with its rows. Objects
of wider fixtures stay: where something was changed, a Session expires them, and they are read again; an
``AsyncSession`` gives them back what was loaded of them before, since reading would need a greenlet that an attribute
does not have.

Nothing here emits SQL, and a closed Session costs nothing.
"""

from __future__ import annotations

import copy
import sys
import threading
import weakref
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, event, inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, SessionTransaction, make_transient, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from hermetic import owners
from hermetic.database.engines.checkouts import Checkouts
from hermetic.database.engines.in_place import InPlaceChanges, forget
from hermetic.database.engines.private import have_changes_noticed, members_of
from hermetic.database.engines.sql_events import SessionEnds
from hermetic.owners import Owner
from hermetic.patch import Patch


class SessionOwners:
    """Notes who makes each Session, and hands what it checks out to that owner."""

    def __init__(self, checkouts: Checkouts) -> None:
        self._checkouts = checkouts
        self._owners: WeakKeyDictionary[Session, Owner] = WeakKeyDictionary()
        self._began: WeakKeyDictionary[Session, tuple[Owner, threading.Thread]] = WeakKeyDictionary()
        self._patch: Patch | None = None
        self._ends = SessionEnds(self._owners.get)
        self._in_place = InPlaceChanges()

    def listen(self) -> None:
        """Note every Session made from now on."""
        self._patch = Patch(Session, "__init__", self._noting)
        event.listen(Session, "after_begin", self._on_begin)
        self._ends.open()
        self._in_place.open()

    def _noting(self, patch: Patch) -> Callable[..., None]:
        owner_of, note, original = self._owners, self._ends.note, patch.original

        def __init__(session: Session, *args: Any, **kwargs: Any) -> None:
            if patch.is_on:
                owner = owner_of[session] = owners.current()
                if (
                    owner.accountable
                ):  # else no line of the user's made it: none is looked for on the whole stack
                    note(session)
            original(session, *args, **kwargs)

        return __init__

    def stop(self) -> None:
        """Leave ``Session`` as it was found."""
        self._ends.close()
        self._in_place.close()
        if self._patch is not None:
            self._patch.undo()
            self._patch = None
        event.remove(Session, "after_begin", self._on_begin)

    def owner_of(self, session: Session) -> Owner:
        """Return who made a Session."""
        return self._owners.get(session, owners.PROCESS)

    def living(self) -> list[Session]:
        """Return the Sessions that were not collected yet."""
        sessions = (reference() for reference in self._owners.keyrefs())
        return [session for session in sessions if session is not None]

    def is_at_work_elsewhere(self, session: Session) -> bool:
        """Whether another thread, or a task of a lifespan, is in a transaction of this Session."""
        owner, thread = self._began.get(session, (None, None))
        if owner is None or thread is None or not session.in_transaction():
            return False
        is_in_a_thread = thread is not threading.current_thread() and thread.is_alive()
        return is_in_a_thread or (owner.kind == "lifespan" and not owner.is_test_level)

    def described(self, session: Session) -> str:
        """Return what a report calls a Session that is in a transaction, and who is in it."""
        owner, thread = self._began[session]
        return f"a Session of {self._owners[session].name}, in use by {owner.name} in thread {thread.name!r}"

    def _on_begin(self, session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        self._began[session] = owners.current(), threading.current_thread()
        owner = self._owners.get(session)
        if owner is not None and _took_it_itself(transaction, connection):
            if owner.has_ended:
                owner = self._owners[session] = owners.current()
            self._checkouts.hand_over(connection.connection.dbapi_connection, owner, session)


def _took_it_itself(transaction: SessionTransaction, connection: Connection) -> bool:
    """Whether the session checked the connection out, rather than being bound to one that somebody else holds."""
    entry = getattr(transaction, "_connections", {}).get(connection)
    return bool(entry[3]) if entry else True


Key = tuple["weakref.ref[Session]", Hashable]
"""A Session, and in it the key of a row, or what tells an object apart that has none yet."""

MUTABLE = (dict, list, set, bytearray)
"""Column values that a test can change in their place."""


@dataclass(eq=False)
class Loaded:
    """An object of a Session, and what is loaded of it.

    Attributes:
        instance: The object; held weakly, as the identity map holds it.
        columns: The values of its columns.
        related: The objects at the other end of its relationships, for each one or all members of the collection.
        standing: Whether it has a row, is still to be inserted, or is to be deleted.
    """

    instance: weakref.ref[Any]
    columns: dict[str, Any]
    related: dict[str, tuple[Any, ...]]
    standing: str

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Loaded)
            and self.instance() is other.instance()
            and self.standing == other.standing
            and self.columns.keys() == other.columns.keys()
            and self.related.keys() == other.related.keys()
            and all(_is_same(value, other.columns[name]) for name, value in self.columns.items())
            and all(_are_same(members, other.related[name]) for name, members in self.related.items())
        )


class Unflushed(NamedTuple):
    """An object that was added to a Session, changed or deleted, and not flushed since.

    Attributes:
        owner: Whose the Session is.
        session: The number by which SQLAlchemy tells the Session from others.
        instance: What tells the object from others.
        kind: The name of its class.
    """

    owner: Owner
    session: int
    instance: int
    kind: str


class Identities:
    """The objects of all living Sessions.

    Args:
        sessions: Knows every Session.
    """

    def __init__(self, sessions: SessionOwners) -> None:
        self._sessions = sessions

    def content(self) -> dict[Key, Loaded]:
        """Return every object of the Sessions that may be touched now, with what is loaded of it."""
        return {
            (weakref.ref(session), key): _loaded(instance, standing)
            for session in self._sessions.living()
            if _holds_something(session) and not self._sessions.is_at_work_elsewhere(session)
            for key, instance, standing in _objects(session)
        }

    def at_work(self) -> dict[weakref.ref[Session], str]:
        """Return the Sessions that somebody else uses at this moment, and what a report calls them."""
        return {
            weakref.ref(session): self._sessions.described(session)
            for session in self._sessions.living()
            if _holds_something(session) and self._sessions.is_at_work_elsewhere(session)
        }

    def has_unflushed(self) -> bool:
        """Whether a Session holds what its next flush would write."""
        return any(
            _holds_something(session)
            and (session.new or session.deleted or session.identity_map.check_modified())
            for session in self._sessions.living()
        )

    def unflushed(self, of: Callable[[Owner], bool]) -> list[Unflushed]:
        """Return what the next flush of some owners' Sessions would write; those of others are not touched."""
        return [
            Unflushed(owner, session.hash_key, id(each), type(each).__name__)
            for session in self._sessions.living()
            if of(owner := self._sessions.owner_of(session)) and _holds_something(session)
            for each in (*session.new, *session.dirty, *session.deleted)
        ]

    def expunge(self, key: Key) -> None:
        """Take an object out of its Session."""
        session = key[0]()
        instance = None if session is None else _find(session, key[1])
        if session is not None and instance is not None:
            session.expunge(instance)

    def put_back(self, key: Key, loaded: Loaded) -> None:
        """Bring an object into its Session as it was, unless one of the two is gone or it went to another Session."""
        session, instance = key[0](), loaded.instance()
        if session is None or instance is None:
            return
        state = inspect(instance)
        if state.session not in (None, session):
            return
        began = session.in_transaction()
        with suppress(InvalidRequestError):  # of a Session that was closed for good
            for name in _related(instance):  # else what is at their other ends went along
                _relate(instance, name, ())
            if loaded.standing == "pending":
                _insert_again(session, instance, loaded)
            else:
                _attach(session, instance, key[1])
                session.expire(instance)
                if _is_async(session):
                    _load(instance, loaded)
        transaction = session.get_transaction()
        if transaction is not None and not began:
            transaction.close()  # to attach an object begins one

    def relate(self, key: Key, loaded: Loaded) -> None:
        """Give an object of an ``AsyncSession`` its relationships back, once what they lead to was put back.

        A collection that is a dictionary reads its members' columns.
        """
        session, instance = key[0](), loaded.instance()
        if session is not None and instance is not None and instance in session and _is_async(session):
            for name, members in loaded.related.items():
                _relate(instance, name, members)


def _holds_something(session: Session) -> bool:
    identity_map = session.__dict__.get("identity_map")  # none where its constructor failed
    return identity_map is not None and bool(len(identity_map) or session.new)


def _objects(session: Session) -> list[tuple[Hashable, Any, str]]:
    """List the objects of a Session: the key, the object, and its standing."""
    objects: list[tuple[Hashable, Any, str]] = []
    deleted = session.deleted
    for instance in session:
        key = inspect(instance).key
        if key is None:
            objects.append((id(instance), instance, "pending"))
        else:
            objects.append((key, instance, "deleted" if instance in deleted else "persistent"))
    return objects


def _find(session: Session, key: Any) -> Any:
    if isinstance(key, int):
        return next((instance for instance in session.new if id(instance) == key), None)
    return session.identity_map.get(key)


def _loaded(instance: Any, standing: str) -> Loaded:
    state = inspect(instance)
    values = state.dict
    columns = [attribute.key for attribute in state.mapper.column_attrs if attribute.key in values]
    return Loaded(
        weakref.ref(instance),
        {name: _copied(values[name]) for name in columns},
        {name: members_of(values[name]) for name in _related(instance)},
        standing,
    )


def _related(instance: Any) -> list[str]:
    """Name the relationships that are loaded."""
    state = inspect(instance)
    return [each.key for each in state.mapper.relationships if each.key in state.dict]


def _relate(instance: Any, name: str, members: tuple[Any, ...]) -> None:
    """Make a relationship lead to these, as if it had been loaded so."""
    is_collection = inspect(instance).mapper.relationships[name].uselist
    set_committed_value(instance, name, members if is_collection else next(iter(members), None))


def _copied(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, MUTABLE) else value


def _is_same(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # an array has no truth
        return False


def _are_same(some: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """By identity: to compare two objects may read them."""
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


def _attach(session: Session, instance: Any, key: Any) -> None:
    state = inspect(instance)
    other = session.identity_map.get(key)
    if other is not None and other is not instance:
        session.expunge(other)
    if state.was_deleted:
        make_transient(instance)
        for column, value in zip(state.mapper.primary_key, key[1], strict=True):
            set_committed_value(instance, state.mapper.get_property_by_column(column).key, value)
        make_transient_to_detached(instance)
    if instance not in session or instance in session.deleted:
        session.add(instance)


def _insert_again(session: Session, instance: Any, loaded: Loaded) -> None:
    make_transient(instance)
    state = inspect(instance)
    for attribute in state.mapper.column_attrs:
        state.dict.pop(attribute.key, None)
    for name, value in loaded.columns.items():
        setattr(instance, name, _copied(value))
    session.add(instance)


def _load(instance: Any, loaded: Loaded) -> None:
    state = inspect(instance)
    forget(state)
    for name, value in loaded.columns.items():
        value = _copied(value)
        set_committed_value(instance, name, value)
        have_changes_noticed(value, state, name)


def _is_async(session: Session) -> bool:
    asynchronous = sys.modules.get("sqlalchemy.ext.asyncio")
    return asynchronous is not None and asynchronous.async_session(session) is not None
