"""What the code of projects calls each kind of database: handed to ``hermetic.source``, which names none."""

from __future__ import annotations

from hermetic.database.backend import DEFAULT_BACKEND, every_backend
from hermetic.source.databases import Databases, Kind

FOREIGN = Kind(
    name="mysql",
    others=("mariadb",),
    old=(),
    asynchronous={"asyncmy": "asyncmy", "aiomysql": "aiomysql"},
    synchronous={"pymysql": "pymysql", "mysqlclient": "mysqldb"},
    packages=frozenset({"asyncmy", "aiomysql", "pymysql"}),
    telling=frozenset(),
    openings=frozenset(),
    types=("MySQLDsn", "MariaDBDsn"),
    words=("MYSQL", "MARIADB"),
    blocking=frozenset({"cymysql", "mysqlconnector", "mysqldb", "pymysql"}),
)
"""What hermetic makes none of."""

FOREIGN_TORTOISE_URL = "mysql://localhost/app"

_SERVED = {each.name: Kind(**each.code._asdict()) for each in every_backend()}
_DEFAULT = _SERVED.pop(DEFAULT_BACKEND)
DATABASES = Databases((*_SERVED.values(), FOREIGN, _DEFAULT), default=_DEFAULT)
