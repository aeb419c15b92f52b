"""Values that are changed in their place, of columns that do not notice: the next commit writes nothing of them.

A plain ``JSON`` or ``ARRAY`` column has a dictionary or a list, and SQLAlchemy knows of a change where an attribute is
set, or where its value is a ``MutableDict`` or the like. So what such a column was loaded with, or flushed with, is
noted, and compared when the Session commits. Only classes that have such columns are listened to, while somebody wants
to know.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapper, Session

from hermetic.database.engines.location import project_location
from hermetic.events import Source, emit
from hermetic.events.database import ChangedInPlace
from hermetic.owners import current

NOTED = "hermetic: as it was loaded"
"""Under which name the ``info`` of an object's state has what is noted of its values."""

KINDS = (dict, list, set)
"""What does not notice its changes; a ``MutableDict`` and the like notice those of their own level."""

COLUMNS = ("JSON", "ARRAY", "PickleType")
"""The types of columns that have such values, and from which others inherit."""

PLAIN = 2
"""A version of ``marshal`` in which equal values are equal bytes."""


class InPlaceChanges:
    """Tells of them, from ``open`` to ``close``, while somebody listens."""

    def __init__(self) -> None:
        self._keys: dict[type, tuple[str, ...]] = {}
        self._source = Source((ChangedInPlace,), self._start, self._stop)
        self.open, self.close = self._source.open, self._source.close

    def _start(self) -> None:
        event.listen(Mapper, "mapper_configured", self._on_configured)

    def _stop(self) -> None:
        event.remove(Mapper, "mapper_configured", self._on_configured)
        if self._keys:
            event.remove(Session, "after_flush", self._on_flush)
            event.remove(Session, "before_commit", self._on_commit)
        for kind in self._keys:
            event.remove(kind, "load", self._on_load)
            event.remove(kind, "refresh", self._on_refresh)
        self._keys.clear()

    def _on_configured(self, mapper: Any, kind: type) -> None:
        columns = [each for each in mapper.columns if _has_such_values(each.type)]
        if columns and kind not in self._keys:
            if not self._keys:  # a project without such columns pays nothing
                event.listen(Session, "after_flush", self._on_flush)
                event.listen(Session, "before_commit", self._on_commit)
            self._keys[kind] = tuple(mapper.get_property_by_column(each).key for each in columns)
            event.listen(kind, "load", self._on_load)
            event.listen(kind, "refresh", self._on_refresh)

    def _on_load(self, instance: Any, context: Any) -> None:
        del context
        self._note(inspect(instance))

    def _on_refresh(self, instance: Any, context: Any, names: Any) -> None:
        del context
        self._note(inspect(instance), None if names is None else set(names))

    def _on_flush(self, session: Session, context: Any) -> None:
        """What is written now is as the columns have it from now on."""
        del context
        for state in self._states((*session.new, *session.dirty)):
            self._note(state, None if state.key is None else set(state.committed_state))

    def _note(self, state: Any, names: set[str] | None = None) -> None:
        noted = state.info.setdefault(NOTED, {})
        for name in self._keys.get(type(state.obj()), ()):
            if names is None or name in names:
                noted[name] = _content(state.dict.get(name))

    def _on_commit(self, session: Session) -> None:
        for state in self._states(session):
            for name, before in state.info.get(NOTED, {}).items():
                value = state.dict.get(name)
                after = _content(value)
                if None not in (before, after) and before != after and name not in state.committed_state:
                    state.info[NOTED][name] = after
                    table = str(state.mapper.local_table.name).lower()
                    attribute = f"{state.class_.__name__}.{name}"
                    kind = type(value).__name__
                    emit(ChangedInPlace(current(), project_location(), attribute, kind, table))

    def _states(self, instances: Iterable[Any]) -> Iterator[Any]:
        return (inspect(each) for each in list(instances) if type(each) in self._keys)


def forget(state: Any) -> None:
    """Compare nothing with what an object was loaded with: it was given other values."""
    state.info.pop(NOTED, None)


def _has_such_values(kind: Any) -> bool:
    """Whether a column of a type has values that do not notice their changes, for all that the type tells."""
    own = getattr(kind, "impl_instance", kind)  # of a TypeDecorator
    return any(each.__name__ in COLUMNS for each in type(own).__mro__)


def _content(value: Any) -> int | None:
    """Return what is the same for equal values; None for what is of another kind."""
    kind = next((each for each in KINDS if isinstance(value, each)), None)
    if kind is None:
        return None
    try:
        return hash(marshal.dumps(kind(value), PLAIN))
    except ValueError:  # of what is no JSON, or keeps watch itself
        return None
