"""Private names of SQLAlchemy: each is found in this one, and an SQLAlchemy without it is refused by name."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import create
from sqlalchemy.ext.mutable import MutableBase
from sqlalchemy.pool import Pool, QueuePool, base

import hermetic.database.engines
from hermetic.database.engines import Itself, install, private
from hermetic.errors import UnsupportedVersion


def without_a_way_to_invalidate(patch: pytest.MonkeyPatch) -> None:
    """Pools end a connection by a method of another name."""
    patch.delattr(Pool, "_invalidate")


def without_the_records_pool(patch: pytest.MonkeyPatch) -> None:
    """A connection in use does not say what pool it is of."""
    patch.setattr(base, "_ConnectionFairy", object)


def without_the_fairy(patch: pytest.MonkeyPatch) -> None:
    """A connection keeps what it has of the driver's elsewhere."""

    def init(self: Connection) -> None: ...

    patch.setattr(Connection, "__init__", init)


def without_parents(patch: pytest.MonkeyPatch) -> None:
    """A mutable value keeps elsewhere whose it is."""
    patch.delattr(MutableBase, "_parents")


def without_a_mutex(patch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the first connection waits for something else."""
    patch.setattr(QueuePool, "dispatch", Listeners())


class Listeners:
    """Listeners without a lock."""

    @property
    def connect(self) -> Listeners:
        """Those of one event."""
        return self

    def for_modify(self, other: object) -> object:
        """Give them to be changed."""
        return object()


def without_a_closure(patch: pytest.MonkeyPatch) -> None:
    """The arguments of an engine lie elsewhere than in its creator."""

    def create_engine(url: str) -> Callable[[], object]:
        return lambda: url

    create_engine.__module__ = create.__name__
    patch.setattr(create, "create_engine", create_engine)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (without_a_way_to_invalidate, "Pool._invalidate"),
        (without_the_records_pool, "_ConnectionFairy._pool, _ConnectionFairy._counter"),
        (without_the_fairy, "Connection._dbapi_connection"),
        (without_parents, "MutableBase._parents"),
        (without_a_mutex, "the lock of a pool's first connection"),
        (without_a_closure, "connect_args in the closure of create_engine"),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_an_sqlalchemy_without_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], name: str
) -> None:
    """Before an engine is seen, by its version and by what it lacks."""
    private.require()
    change(monkeypatch)
    with pytest.raises(UnsupportedVersion) as caught:
        install(lambda request: Itself("it is here"))
    assert caught.value.what == f"SQLAlchemy {sqlalchemy.__version__} has no {name}."


def test_a_create_engine_that_somebody_wrapped_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracer's function says nothing of SQLAlchemy's own."""

    def traced(*arguments: Any, **options: Any) -> Any:
        return create_engine(*arguments, **options)

    monkeypatch.setattr(create, "create_engine", traced)
    private.require()


def test_the_arguments_of_an_engine_are_found() -> None:
    """Those of ``connect_args`` too; an engine with a creator of its own has none but its URL's."""
    engine = create_engine("sqlite://", connect_args={"timeout": 3.0})
    arguments = private.connect_arguments(engine.dialect, engine.url, engine.pool)
    assert arguments.params["timeout"] == 3.0
    assert not arguments.own_creator
    own = create_engine("sqlite://", creator=lambda: None)
    assert private.connect_arguments(own.dialect, own.url, own.pool).own_creator


def test_no_other_module_names_them() -> None:
    """What is private in a pool, a connection or a listener is asked of one module."""
    names = {
        *private.POOL,
        "_pool",
        "_counter",
        "_dbapi_connection",
        "_exec_once_mutex",
        "_parents",
        "_sa_adapter",
    }
    for path in Path(hermetic.database.engines.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if path.name == "private.py" or not isinstance(node, ast.Attribute):
                continue
            is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
            is_own = is_own or ast.unparse(node.value) == "self.current"
            assert is_own or node.attr not in names, f"{path.name}:{node.lineno} names {node.attr}"
