"""PostgreSQL servers for tests: the run's own, or somebody else's. Knows nothing of schemas, tables and restore."""

from hermetic.database.backends.postgresql.server.factory import instance_from, new_instance
from hermetic.database.backends.postgresql.server.instance import PREFIX, Facts, Instance

__all__ = ["PREFIX", "Facts", "Instance", "instance_from", "new_instance"]
