"""Connections that the project opens by a driver itself, past SQLAlchemy: brought to the same databases, and known.

Each driver that a backend knows has one place through which every connection goes, be it a pool's, an ORM's or a line
of the project's own. There the rules of engines decide before a packet is sent. What was opened is remembered in
``in_use.py``: whose it is, where, on which database.
"""
