"""Which kind of database an application uses, followed from its engines through what it is made of."""

from __future__ import annotations

import pytest

from hermetic.cli.init.environment import find_environment
from tests.source.projects import Project

SETTINGS = "from pydantic_settings import BaseSettings\n"
ENGINE = "from sqlalchemy.ext.asyncio import create_async_engine\n"


def scheme(project: Project, files: dict[str, str], **values: object) -> str:
    """Return the scheme of a project's URL."""
    return find_environment(project.write(files).symbols(), project.configuration(**values)).scheme


KINDS = """\
from enum import StrEnum
from sqlalchemy import URL

class Kind(StrEnum):
    POSTGRESQL = "POSTGRESQL"
    SQLITE = "SQLITE"

SYNC = {Kind.POSTGRESQL: "postgresql", Kind.SQLITE: "sqlite"}
ASYNC = {Kind.POSTGRESQL: "postgresql+asyncpg", Kind.SQLITE: "sqlite+aiosqlite"}

def driver(kind: Kind, *, asyncio: bool) -> str:
    drivers = ASYNC if asyncio else SYNC
    return drivers[kind]

def parameters(kind: Kind, *, asyncio: bool, host: str | None = None):
    query: dict[str, str] = {}
    url = URL.create(drivername=driver(kind, asyncio=asyncio), host=host, query=query)
    return url, {}
"""
LATE_SETTINGS = """\
from typing import TYPE_CHECKING
import importlib

if TYPE_CHECKING:
    from classes import Settings

def _settings() -> "Settings":
    try:
        module = importlib.import_module("elsewhere")
        made = getattr(module, "Settings")
    except ImportError:
        made = getattr(importlib.import_module("classes"), "Settings")
    return made()

settings = _settings()
"""
CLASSES = """\
from pydantic_settings import BaseSettings
from kinds import Kind, parameters

class Settings(BaseSettings):
    kind: Kind = Kind.SQLITE
    host: str | None = None

    def connection(self, asyncio: bool = True):
        return parameters(self.kind, asyncio=asyncio, host=self.host)
"""
BY_KIND = {
    "kinds.py": KINDS,
    "settings.py": LATE_SETTINGS,
    "classes.py": CLASSES,
    "engine.py": f"{ENGINE}from settings import settings\n"
    "def create_engine(given):\n    url, more = given\n    return create_async_engine(url, connect_args=more)\n"
    "def main_engine():\n    return create_engine(settings.connection())\n",
    "alembic.ini": "[alembic]\nsqlalchemy.url = postgresql+asyncpg://localhost/x\n",
    ".env.dist": "KIND=POSTGRESQL\n",
}


@pytest.mark.parametrize(
    ("files", "values", "expected"),
    [
        ({}, {}, "sqlite+aiosqlite"),
        ({}, {"env": "KIND=POSTGRESQL"}, "postgresql+asyncpg"),
        ({"conftest.py": "import os\nos.environ['KIND'] = 'POSTGRESQL'"}, {}, "postgresql+asyncpg"),
        (
            {"classes.py": CLASSES.replace("Kind.SQLITE", "Kind.POSTGRESQL"), "alembic.ini": "sqlite://"},
            {},
            "postgresql+asyncpg",
        ),
    ],
)
def test_an_application_of_several_databases_uses_its_defaults(
    project: Project, files: dict[str, str], values: dict[str, object], expected: str
) -> None:
    """Not the one of alembic.ini or an example, nor the first in the code; the tests' own value goes before."""
    assert scheme(project, {**BY_KIND, **files}, **values) == expected


PROVIDERS = """\
from pydantic import BaseModel, PostgresDsn
from pydantic_settings import BaseSettings

class Provider:
    @property
    def url(self) -> str: ...

class SQLite(Provider, BaseModel):
    folder: str

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/x.db"

class PostgreSQL(Provider, BaseSettings):
    HOST: str = "postgres"

    @property
    def url(self) -> str:
        return str(PostgresDsn.build(scheme="postgresql", host=self.HOST, path="x"))

def provider(name: str, folder) -> Provider:
    if name == "postgres":
        return PostgreSQL()
    else:
        return SQLite(folder=folder)
"""


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("settings.DB or 'sqlite'", "sqlite"),
        ("'postgres' if settings.PRODUCTION else 'sqlite'", "sqlite"),
        ("'sqlite' if not settings.PRODUCTION else 'postgres'", "sqlite"),
        ("settings.STAGE if settings.STAGE != 'dev' else 'sqlite'", "sqlite"),
        ("'sqlite' if settings.STAGE in ('dev', 'test') else 'postgres'", "sqlite"),
        ("'sqlite' if settings.STAGE.upper() == 'DEV' and not settings.PRODUCTION else 'postgres'", "sqlite"),
        ("'postgres' if settings.PRODUCTION or 'x' in settings.STAGE else 'sqlite'", "sqlite"),
        ("'sqlite' if 'pytest' in sys.modules else 'postgres'", "sqlite"),
        ("'postgres' if settings.GIVEN else 'sqlite'", "postgresql"),
        ("'postgres' if settings.SET is not None else 'sqlite'", "postgresql"),
        ("'sqlite' if (settings.STAGE or 'prod') == 'dev' else 'postgres'", "sqlite"),
        ("'sqlite' if (settings.STAGE == 'dev') is True else 'postgres'", "sqlite"),
        ("'sqlite' if HERE else 'postgres'", "sqlite"),
        ("'sqlite' if STAGE.lower() not in ['prod'] else 'postgres'", "sqlite"),
    ],
)
def test_conditions_are_decided_by_defaults_and_given_values(
    project: Project, condition: str, expected: str
) -> None:
    """In expressions and statements, through factories, properties, and what is stored in an object later."""
    text = f"""\
import os, sys
from functools import lru_cache
from pydantic_settings import BaseSettings
from providers import Provider, provider
from sqlalchemy import create_engine

class Settings(BaseSettings):
    DB: str = "sqlite"
    STAGE: str = "dev"
    PRODUCTION: bool = False
    GIVEN: bool = False
    SET: str | None = None
    PROVIDER: Provider | None = None

    @property
    def URL(self):
        return self.PROVIDER.url if self.PROVIDER else None

def construct(folder):
    settings = Settings(_env_file=None)
    settings.PROVIDER = provider({condition}, folder)
    return settings

STAGE = os.getenv("STAGE", "dev").lower()
HERE = STAGE == "dev"

@lru_cache
def get_settings() -> Settings:
    return construct("data")

def start(url):
    engine = create_engine(url, echo=False)
    return engine

engine = start(get_settings().URL)
"""
    files = {"config.py": text, "providers.py": PROVIDERS}
    assert scheme(project, files, env=["GIVEN=true", "SET=x"]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # conditions that cannot be told leave both; the driver that is named is meant
        (
            "import os\nurl = 'sqlite://' if os.path.exists('x') else 'sqlite+aiosqlite://'",
            "sqlite+aiosqlite",
        ),
        ("import os\nurl = 'sqlite+a://' if os.getpid() == 1 else 'mysql+b://'", "sqlite+a"),
        ("import os\nurl = 'sqlite+a://' if (1 < 2 < 3) else 'mysql+b://'", "sqlite+a"),
        ("import os\nurl = 'sqlite+a://' if os.environ['A'] > 'b' else 'mysql+b://'", "sqlite+a"),
        ("import os\nurl = 'sqlite+a://' if x in y else 'mysql+b://'", "sqlite+a"),
        ("import os\nurl = 'sqlite+a://' if os.getenv('A', f()) in ('b',) else 'mysql+b://'", "sqlite+a"),
        ("import os\nurl = 'mysql+a://' if None in os.environ else 'sqlite+a://'", "mysql+a"),
        ("url = 'mysql+a://' if 'x' in sys.modules else 'sqlite+a://'\nimport sys", "mysql+a"),
        # a default goes before what the code turns a value into
        (
            "import os\nurl = os.getenv('URL', 'sqlite:///x.db')\nif url.startswith('postgres://'):\n"
            "    url = url.replace('postgres://', 'postgresql+asyncpg://')",
            "sqlite",
        ),
        (
            "import os\nurl = os.environ['URL'].replace('postgres://', 'postgresql+asyncpg://')",
            "postgresql+asyncpg",
        ),
        ("import os\nurl = os.environ['URL'].replace('postgres://', 'postgresql://')", "postgresql"),
        (
            "import os\nurl = 'sqlite+a://' if (os.getenv('A', f()) > 'b') is True else 'mysql+b://'",
            "sqlite+a",
        ),
        ("x = x.lower()\nurl = 'sqlite+a://' if x else 'mysql+b://'", "sqlite+a"),
        # texts put together
        ("user = 'u'\nurl = 'mysql+aiomysql://' + user + '@h'", "mysql+aiomysql"),
        ("url = 'mysql+aiomysql://{}@h'.format('postgres://')", "mysql+aiomysql"),
        ("user = 'u'\nurl = 'mysql+aiomysql://%s@h' % user", "mysql+aiomysql"),
        ("kind, api = 'mysql', 'aiomysql'\nurl = f'{kind}+{api}://h'", "mysql+aiomysql"),
        ("from x import api\nurl = f'mysql+{api}://h'", "mysql"),
        (
            "import os\nurl = f\"{os.getenv('D', 'mysql+aiomysql')}://{os.getenv('U', 'postgres')}@h\"",
            "mysql+aiomysql",
        ),
        ("class S:\n    user = 'u'\n    url = f'mysql+aiomysql://{user}@h'\nurl = S.url", "mysql+aiomysql"),
        # dictionaries, tuples, loops
        ("urls = {'a': 'sqlite+a://', 'b': 'mysql+b://'}\nurl = urls['b']", "mysql+b"),
        ("urls = dict(a='sqlite+a://', b='mysql+b://')\nurl = urls['b']", "mysql+b"),
        ("urls = {**other, 'b': 'mysql+b://'}\nurl = urls['c']", "mysql+b"),
        ("urls = {'a': {'b': {'c': {'d': {'e': 'sqlite+deep://'}}}}}\nurl = urls or 'mysql+b://'", "mysql+b"),
        ("from x import made\nurl = made('mysql+b://')[0]", "mysql+b"),
        ("import os\nurl = os.environ[name()] or 'mysql+b://'", "mysql+b"),
        ("url = 'mysql+b://' if not -1 else 2\nurl = -url", "mysql+b"),
        ("url = ('sqlite+a://', 'mysql+b://')[1]", "mysql+b"),
        ("def pair():\n    return 'mysql+b://', {}\nurl, arguments = pair()", "mysql+b"),
        ("for url in ['mysql+b://']: ...", "mysql+b"),
        ("with opened('mysql+b://') as url: ...", "mysql+b"),
        # functions, methods, objects
        (
            "def f(**given):\n    return given\ndef g(a, url='mysql+b://'):\n    return url\nurl = g(1, **f(url=2))",
            "mysql+b",
        ),
        ("def g(a, url):\n    return url\nurl = g(*x, url='mysql+b://')", "mysql+b"),
        ("def g(a, url='mysql+b://'):\n    return url\nurl = g(1, **{'b': 1})", "mysql+b"),
        ("def g(a, url):\n    return url\nurl = g(1, **{'b': 1, 'url': 'mysql+b://'})", "mysql+b"),
        ("def again(n):\n    return again(n - 1) or 'mysql+b://'\nurl = again(3)", "mysql+b"),
        ("url = (lambda u: u)('mysql+b://')", "mysql+b"),
        (
            "class A:\n    @staticmethod\n    def url(a):\n        return a\nurl = A.url('mysql+b://')",
            "mysql+b",
        ),
        ("class A:\n    def __call__(self):\n        return 'mysql+b://'\na = A()\nurl = a()", "mysql+b"),
        (
            "class A:\n    def __init__(self, url):\n        self.url = url\nurl = A('mysql+b://').url",
            "mysql+b",
        ),
        ("class A:\n    url = None\na = A()\na.url = 'mysql+b://'\nurl = a.url", "mysql+b"),
        (
            "class A: ...\nclass B: ...\na = A()\nb = B()\nb.url = 'sqlite+a://'\na.url = 'mysql+b://'\nurl = a.url",
            "mysql+b",
        ),
        (
            "class A:\n    def m(self):\n        self.url = 'sqlite+a://'\n"
            "class B:\n    url = 'mysql+b://'\nurl = B().url",
            "mysql+b",
        ),
        ("class A:\n    __call__ = 'x'\nurl = A()(1) or 'mysql+b://'", "mysql+b"),
        ("def f(u):\n    return u\nx = f(**{})\ndef g(u):\n    return u\nurl = g(u='mysql+b://')", "mysql+b"),
        ("def f() -> list[int]: ...\nurl = f() or 'mysql+b://'", "mysql+b"),
        ("def f(s: lib.S):\n    return s.url\nimport lib\nurl = f() or 'mysql+b://'", "mysql+b"),
        ("A = 1\ndef f() -> A: ...\nurl = f() or 'mysql+b://'", "mysql+b"),
        ("def f(u):\n    return u\nf.f(1)\nx = lambda f: f(2)\nurl = f('mysql+b://')", "mysql+b"),
        (
            "class A:\n    @classmethod\n    def load(cls):\n        return cls()\n    url = 'mysql+b://'\n"
            "url = A.load().url",
            "mysql+b",
        ),
        ("import enum\nclass A(enum.Enum):\n    sqlite = enum.auto()\nurl = A.sqlite.value", "sqlite"),
        (
            "from dataclasses import dataclass\n@dataclass\nclass A:\n    url: str\na = A(url='mysql+b://')\n"
            "url = a.url",
            "mysql+b",
        ),
        (
            "from pydantic import BaseModel, validator\nclass A(BaseModel):\n    url: str = None\n"
            "    @validator('url')\n    def make(cls, v):\n        return v or 'mysql+b://'\nurl = A().url",
            "mysql+b",
        ),
        (
            "class A:\n    def m(self):\n        return self.u\n    u = 'mysql+b://'\nclass B(A): ...\nurl = B().m()",
            "mysql+b",
        ),
        (
            "def f():\n    try:\n        return known()\n    except KeyError:\n        return 'mysql+b://'\nurl = f()",
            "mysql+b",
        ),
        ("def f():\n    global kept\n    kept = 'mysql+b://'\nkept = None\nurl = kept", "mysql+b"),
        ("if (found := 'mysql+b://'):\n    url = found", "mysql+b"),
        (
            "def f(a):\n    if a == 1:\n        return 'sqlite+a://'\n    return 'mysql+b://'\nurl = f(2)",
            "mysql+b",
        ),
        ("match x:\n    case 1:\n        url = 'mysql+b://'", "mysql+b"),
        ("async def f():\n    yield 'mysql+b://'\nurl = anext(f())", "mysql+b"),
    ],
)
def test_a_value_is_followed_to_where_it_comes_from(project: Project, text: str, expected: str) -> None:
    """Whatever the code does with it on the way; what cannot be decided leaves all that can be."""
    assert scheme(project, {"db.py": f"{ENGINE}{text}\nengine = create_async_engine(url)\n"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def make(url):\n    return create_async_engine(url)\nmake('mysql+b://')", "mysql+b"),
        ("def make(url='mysql+b://'):\n    return create_async_engine(url)", "mysql+b"),
        (
            "class Db:\n    def make(self, url):\n        return create_async_engine(url)\n"
            "class Other:\n    def make(self, url): ...\nOther().make('sqlite+a://')\nDb().make('mysql+b://')",
            "mysql+b",
        ),
        ("make = lambda url='mysql+b://': create_async_engine(url)", "mysql+b"),
        ("engines = map(lambda url: create_async_engine(url), ['mysql+b://'])", "mysql+b"),
        (
            "def other(make):\n    make('sqlite+a://')\n"
            "def make(url):\n    return create_async_engine(url)\nmake('mysql+b://')",
            "mysql+b",
        ),
        (
            "class Other:\n    def make(self, url): ...\nOther().make('sqlite+a://')\n"
            "def make(url):\n    return create_async_engine(url)\nmake('mysql+b://')",
            "mysql+b",
        ),
        (
            "from functools import partial\nmake = partial(create_async_engine, url='mysql+b://')\nmake()",
            "mysql+b",
        ),
        (
            "class A:\n    def __init__(self, url):\n        self.engine = create_async_engine(url)\n"
            "from injector import Singleton\na = Singleton(A, url='mysql+b://')",
            "mysql+b",
        ),
        (
            "class S:\n    url = 'mysql+b://'\ndef get() -> S: ...\n"
            "from typing import Annotated\nfrom fastapi import Depends\n"
            "def make(s: Annotated[S, Depends(get)]):\n    return create_async_engine(s.url)",
            "mysql+b",
        ),
        (
            "class S:\n    url = 'mysql+b://'\ndef get():\n    return S()\nfrom fastapi import Depends\n"
            "def make(s=Depends(get)):\n    return create_async_engine(s.url)",
            "mysql+b",
        ),
        (
            "class S:\n    url = 'mysql+b://'\ndef make(s: 'S'):\n    return create_async_engine(s.url)",
            "mysql+b",
        ),
        ("def make(s: 'no type'):\n    return create_async_engine(s.url)\nurl = 'mysql+b://'", "mysql+b"),
        (
            "from sqlalchemy import engine_from_config\nengine_from_config({'sqlalchemy.url': 'mysql+b://'})",
            "mysql+b",
        ),
        ("from sqlalchemy.ext.asyncio import create_async_engine as make\nmake('mysql+b://')", "mysql+b"),
        ("def f(create_engine):\n    create_engine('mysql+b://')", "mysql+b"),
        ("import asyncpg\nasyncpg.connect(host='sqlite')", "postgresql"),
        (
            "from tortoise import Tortoise\nTortoise.init(config={'connections': {'default': 'mysql+b://'}})",
            "mysql+b",
        ),
        ("from databases import Database\ndb = Database('mysql+b://')\nx = 'sqlite+c://'", "mysql+b"),
        (
            "from piccolo.engine.postgres import PostgresEngine\nDB = PostgresEngine(config={'host': s.host})",
            "postgresql",
        ),
        ("from piccolo.engine.sqlite import SQLiteEngine\nDB = SQLiteEngine(path='a')", "sqlite"),
        (
            "from alembic.config import Config\nc = Config()\nc.set_main_option('sqlalchemy.url', 'mysql+b://')\nx = 'sqlite+c://'",
            "mysql+b",
        ),
        (
            "import sentry_sdk\nsentry_sdk.init(dsn='sqlite+a://')\nfrom asyncpg.exceptions import connect\nconnect('x://')",
            "sqlite+a",
        ),
    ],
)
def test_what_opens_a_database_is_known(project: Project, text: str, expected: str) -> None:
    """Engines under any name and by any helper, drivers, and libraries that are given an address."""
    assert scheme(project, {"db.py": f"{ENGINE}{text}\n"}) == expected


@pytest.mark.parametrize(
    ("requirements", "function", "expected"),
    [
        ("asyncpg", "create_async_engine", "postgresql+asyncpg"),
        ("psycopg[binary]", "create_async_engine", "postgresql+psycopg"),
        ("", "create_async_engine", "postgresql+asyncpg"),
        ("psycopg2-binary", "create_engine", "postgresql+psycopg2"),
        ("asyncpg", "create_engine", "postgresql"),
    ],
)
def test_a_type_without_a_driver_gets_the_required_one(
    project: Project, requirements: str, function: str, expected: str
) -> None:
    """``PostgresDsn`` says which database it is, and an engine needs a driver."""
    text = f"from sqlalchemy import create_engine\nfrom pydantic import PostgresDsn\n{ENGINE}{SETTINGS}"
    text += f"class S(BaseSettings):\n    url: PostgresDsn\nengine = {function}(str(S().url))\n"
    assert scheme(project, {"db.py": text, "requirements.txt": requirements}) == expected


@pytest.mark.parametrize(
    ("requirements", "function", "expected"),
    [
        ("asyncpg aiosqlite", "create_async_engine", "postgresql+asyncpg"),
        ("aiomysql", "create_async_engine", "mysql+aiomysql"),
        ("psycopg2-binary", "create_engine", "postgresql+psycopg2"),
        ("PyMySQL", "create_engine", "mysql+pymysql"),
        ("mysqlclient", "create_engine", "mysql+mysqldb"),
        ("", "create_engine", "sqlite"),
        ("", "create_async_engine", "sqlite+aiosqlite"),
    ],
)
def test_requirements_tell_what_nothing_else_does(
    project: Project, requirements: str, function: str, expected: str
) -> None:
    """A driver for async engines, or for others."""
    text = f"from sqlalchemy import create_engine\n{ENGINE}import os\nengine = {function}(os.environ['DATABASE_URL'])\n"
    project.write({"db.py": text, "requirements.txt": requirements})
    environment = find_environment(project.symbols(), project.configuration())
    assert environment.scheme == expected
    assert environment.lines[0].startswith(f"DATABASE_URL={expected}://")


@pytest.mark.parametrize(
    ("function", "expected"),
    [("create_engine", "sqlite:///:memory:"), ("create_async_engine", "sqlite+aiosqlite:///:memory:")],
)
def test_each_engine_gets_a_driver_that_it_can_use(project: Project, function: str, expected: str) -> None:
    """Whatever the URL that stands elsewhere in the code has."""
    text = f"from sqlalchemy import create_engine\n{ENGINE}import os\nengine = {function}(os.environ['DATABASE_URL'])\n"
    project.write({"db.py": text, "other.py": "x = 'sqlite+aiosqlite://', 'sqlite://'"})
    assert find_environment(project.symbols(), project.configuration()).lines == (f"DATABASE_URL={expected}",)


def test_an_engine_that_is_made_async_gets_an_async_driver(project: Project) -> None:
    """``AsyncEngine`` takes a synchronous engine whose driver is not."""
    text = f"import os\nfrom sqlalchemy import create_engine\n{ENGINE}from sqlalchemy.ext.asyncio import AsyncEngine\n"
    text += "engine = AsyncEngine(create_engine(url=os.environ['DATABASE_URL']))\n"
    files = {"db.py": text, "requirements.txt": "psycopg2-binary asyncpg"}
    assert scheme(project, files) == "postgresql+asyncpg"


def test_an_example_decides_where_a_value_must_be(project: Project) -> None:
    """Of two kinds of databases the one that is meant for whoever sets the project up."""
    text = f"from enum import StrEnum\nfrom typing import Literal\n{ENGINE}{SETTINGS}"
    text += "class Kind(StrEnum):\n    mysql = 'mysql'\n"
    text += "class S(BaseSettings):\n    KIND: Literal['mysql', 'postgresql']\nsettings = S()\n"
    text += "name = 'mysql+asyncmy' if Kind.mysql == settings.KIND else 'postgresql+asyncpg'\n"
    text += "engine = create_async_engine(f'{name}://localhost/x')\n"
    assert scheme(project, {"db.py": text, ".env.example": "KIND='postgresql'\n"}) == "postgresql+asyncpg"


def test_a_question_without_an_end_is_given_up(project: Project) -> None:
    """Functions that call each other in every way cost a moment, and what is known is said."""
    names = [f"f{index}" for index in range(40)]
    calls = " or ".join(f"{name}(a)" for name in names)
    functions = "".join(f"def {name}(a):\n    return {calls}\n" for name in names)
    text = f"{ENGINE}{functions}engine = create_async_engine(f0('mysql+b://'))\nother = create_async_engine('mysql+b://')\n"
    assert scheme(project, {"db.py": text}) == "mysql+b"


@pytest.mark.parametrize(
    "text",
    [
        "n0 = 'sqlite+a://'\n" + "".join(f"n{i + 1} = n{i}\n" for i in range(1500)) + "url = n1500",
        "n0 = 'x'\n" + "".join(f"n{i + 1} = n{i}\n" for i in range(1500)) + "url = 'a' if n1500 else 'b'",
        "url = " + " + ".join(["'sqlite+a://'"] * 300),
        "url = " + "f(" * 80 + ")" * 80,
        "".join(f"class C{i + 1}(C{i}): ...\n" for i in range(200)) + "url = C200().url",
        "class C(C):\n    url = C.url\nurl = C.url",
    ],
)
def test_what_is_too_long_to_follow_is_left(project: Project, text: str) -> None:
    """It raises nothing, and the next engine tells."""
    code = f"{ENGINE}{text}\nengine = create_async_engine(url)\nother = create_async_engine('mysql+b://')\n"
    assert scheme(project, {"db.py": code}) in ("mysql+b", "sqlite+a")


def test_a_library_uses_what_its_tests_open(project: Project) -> None:
    """It has no engine of its own; what it requires is no more than what it can be used with."""
    url = "os.getenv('TEST_URL', 'sqlite+aiosqlite://')"
    tests = f"{ENGINE}import os\nengine = create_async_engine({url})\n"
    files = {"tests/conftest.py": tests, "lib.py": "def use(engine): ...", "requirements.txt": "asyncpg"}
    assert scheme(project, files) == "sqlite+aiosqlite"
    assert scheme(project, files, env="TEST_URL=postgresql+asyncpg://x/y") == "postgresql+asyncpg"
