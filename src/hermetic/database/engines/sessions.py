"""A connection that a Session checks out belongs to the Session's owner.

A session-scoped ``AsyncSession`` connects at its first statement, perhaps in the first test. The connection, and the
transaction on it, are the session fixture's, not that test's. A Session that outlives the test that made it, as a
``scoped_session`` does, belongs to whoever uses it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from hermetic import owners
from hermetic.database.engines.checkouts import Checkouts
from hermetic.owners import Owner


class SessionOwners:
    """Notes who makes each Session, and hands what it checks out to that owner."""

    def __init__(self, checkouts: Checkouts) -> None:
        self._checkouts = checkouts
        self._owners: WeakKeyDictionary[Session, Owner] = WeakKeyDictionary()
        self._began: WeakKeyDictionary[Session, tuple[Owner, threading.Thread]] = WeakKeyDictionary()
        self._init: Callable[..., None] = Session.__init__

    def listen(self) -> None:
        """Note every Session made from now on."""
        owner_of, original = self._owners, Session.__init__

        @functools.wraps(original)
        def __init__(self: Session, *args: Any, **kwargs: Any) -> None:
            owner_of[self] = owners.current()
            original(self, *args, **kwargs)

        self._init = original
        Session.__init__ = __init__  # type: ignore[method-assign]
        event.listen(Session, "after_begin", self._on_begin)

    def stop(self) -> None:
        """Leave ``Session`` as it was found."""
        Session.__init__ = self._init  # type: ignore[method-assign]
        event.remove(Session, "after_begin", self._on_begin)

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
