"""Why a database was not filled: a module of its own, since who fills it must not import SQLAlchemy for that."""

from __future__ import annotations

from enum import Enum, auto


class Unfilled(Enum):
    """Why a build has filled nothing."""

    LEFT = auto()
    """The suite makes what is in the database. Whoever opens a connection asks again."""

    LATER = auto()
    """What it needs is being imported. Whoever uses a connection asks again: those of now are not kept in pools."""
