"""Worker databases of PostgreSQL: real commits, undone by putting back just what was written.

The idea: triggers append the table that a statement wrote to a list; one function of the server, called from a
synchronous connection that no event loop owns, deletes and re-inserts the baseline's rows of just those tables and sets
back every sequence that moved. It runs in the server, in one round trip, and so does everything that knows SQL: the
functions lie in ``sql/``, one idea a file.

A restore that finds the write-ahead log where the last one left it asks nothing further: no transaction that writes,
and no ``nextval``, leaves the log unchanged.
"""
