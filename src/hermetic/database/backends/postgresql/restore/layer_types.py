"""The baseline as layers: which wider-scoped fixture wrote which piece of it.

Layers, not a stack: see ``backends/sqlite/restore/layers.py`` for why. Here the baseline's rows lie in the server, and
a piece is kept as the rows that went and the rows that came (``sql/layering.sql``), so that it can be taken out of the
middle. A fixture that changed the *schema* gives a piece of another kind: hermetic's own tables, with all rows of
before, are kept under another name and serve again when the fixture ends. What it made is dropped then; only where
it altered or dropped something, the database is copied anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hermetic.database.backends.postgresql.restore.properties import State
from hermetic.owners import Owner

ASKER = Owner("a fixture that asks for another one in its set-up", "fixture", "process")


@dataclass(eq=False)
class Piece:
    """What was written between two moments.

    Attributes:
        number: Its number in the server; pieces are numbered in the order in which they began.
        owner: The fixture that wrote it.
        changed_schema: Whether it changed the schema: then hermetic's own tables of before are kept beside today's.
        origin: For one that did: what the database of before is copied from, where that must be.
    """

    number: int
    owner: Owner = ASKER
    changed_schema: bool = False
    origin: str | None = None


@dataclass(eq=False)
class Start:
    """A set-up under way.

    Attributes:
        number: The number of the piece that it writes now; None before the database was made.
        place: The place in the write-ahead log when that piece began; None where that could not be told.
        altered: Whether the schema was not the baseline's then: the test had changed it.
        schema_state: What the schema was, in that case.
        properties: What belonged to the database then; None before the database was made.
        pieces: What it wrote before it asked for another fixture.
    """

    number: int | None = None
    place: str | None = None
    altered: bool = False
    schema_state: str | None = None
    properties: State | None = None
    pieces: list[Piece] = field(default_factory=list)


@dataclass(eq=False)
class PostgresqlLayer:
    """What one fixture wrote; see ``hermetic.database.protocols.Layer``."""

    owner: Owner
    pieces: list[Piece]
