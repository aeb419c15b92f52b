"""The session that ``async_db_session`` hands out."""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

LOOP = "hermetic_loop"
FLUSHED = "hermetic_flushed"


class _NotingSession(Session):
    """Notes the event loop in which its connection is checked out.

    A class of its own, so that SQLAlchemy is told once: a listener for each session costs 0.15 ms a test.
    """


@event.listens_for(_NotingSession, "after_begin")
def _note_loop(session: Session, *_: Any) -> None:
    session.info[LOOP] = asyncio.get_running_loop()


@event.listens_for(_NotingSession, "after_flush")
def _note_flush(session: Session, *_: Any) -> None:
    session.info[FLUSHED] = True


@event.listens_for(_NotingSession, "after_commit")
@event.listens_for(_NotingSession, "after_rollback")
def _note_end(session: Session) -> None:
    session.info.pop(FLUSHED, None)


@functools.cache
def _of_sqlmodel() -> tuple[type[AsyncSession], type[Session]]:
    """Return SQLModel's sessions, which have ``exec``, as they are but for its warning against ``execute``."""
    import sqlmodel
    from sqlmodel.ext.asyncio import session

    class _NotingSQLModelSession(_NotingSession, sqlmodel.Session):
        """SQLModel's, noting."""

    asynchronous = type("AsyncSession", (session.AsyncSession,), {"execute": AsyncSession.execute})
    return asynchronous, _NotingSQLModelSession


class FixtureSession:
    """An ``AsyncSession`` that can be closed in the event loop in which its connection was checked out.

    It is SQLModel's where the application uses SQLModel.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        asynchronous, synchronous = (
            _of_sqlmodel() if "sqlmodel" in sys.modules else (AsyncSession, _NotingSession)
        )
        self.session = asynchronous(engine, expire_on_commit=False, sync_session_class=synchronous)

    @property
    def started_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop whose connection the session holds; None while it holds none."""
        return self.session.info.get(LOOP) if self.session.in_transaction() else None

    @property
    def is_unsaved(self) -> bool:
        """Whether it holds what was neither committed nor rolled back."""
        sync = self.session.sync_session
        return bool(sync.info.get(FLUSHED) or sync.new or sync.dirty or sync.deleted)

    async def aclose(self) -> None:
        """Roll back what is uncommitted and give the connection back; the next statement connects again."""
        try:
            await self.session.close()
        except DBAPIError:
            # Its server is gone, or has ended the connection: nothing is left to roll back.
            await self.session.invalidate()
