"""Backends: each a folder that holds all there is to know of one kind of database; nothing outside names one.

They stand above the rest of the database half, which finds them by the table in ``hermetic.database.backend``. A kind
that is none of hermetic's is entered there by ``register``.
"""

from __future__ import annotations

from hermetic.database.backend import Backend, Code, Making, Shared, register

__all__ = ["Backend", "Code", "Making", "Shared", "register"]
