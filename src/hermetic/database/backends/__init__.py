"""Backends of databases, each in its folder: all that knows a kind of database lies there."""
