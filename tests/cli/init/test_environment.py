"""Which environment variables the application cannot do without."""

from __future__ import annotations

import pytest

from hermetic.cli.init.environment import Environment, find_environment
from tests.source.projects import APP, Project

SETTINGS = "from pydantic_settings import BaseSettings, SettingsConfigDict\nfrom pydantic import Field\n"
ENGINE = "from sqlalchemy.ext.asyncio import create_async_engine\n"
MEMORY = "DATABASE_URL=sqlite+aiosqlite:///:memory:"


def found(project: Project, **values: object) -> Environment:
    """Return what a project needs."""
    return find_environment(project.symbols(), project.configuration(**values))


def engine(text: str, url: str = "url") -> str:
    """Return code that makes an engine for a URL."""
    return f"{ENGINE}{text}\nengine = create_async_engine({url})\n"


@pytest.mark.parametrize(
    "text",
    [
        engine("import os\nurl = os.environ.get('DATABASE_URL', 'sqlite://')"),
        engine("import os\nurl = os.getenv('DATABASE_URL', default='sqlite://')"),
        engine("import os\nurl = os.getenv('DATABASE_URL') or 'sqlite://'"),
        engine(
            "import os\nurl = os.environ['DATABASE_URL'] if 'DATABASE_URL' in os.environ else 'sqlite://'"
        ),
        engine(
            "import os\nurl = 'sqlite://'\nif 'DATABASE_URL' in os.environ:\n    url = os.environ['DATABASE_URL']"
        ),
        engine("import os\nurl = os.getenv('DATABASE_URL')\nif url is None:\n    url = 'sqlite://'"),
        engine(
            "import os\ntry:\n    url = os.environ['DATABASE_URL']\nexcept KeyError:\n    url = 'sqlite://'"
        ),
        engine("import os\nos.environ['DATABASE_URL'] = 'x'\nurl = os.environ['DATABASE_URL']"),
        engine("import os\nos.environ.setdefault('DATABASE_URL', 'x')\nurl = os.environ['DATABASE_URL']"),
        engine("import os\nname = 'DATABASE_URL'\nurl = os.environ[name] if name in os.environ else 'x'"),
        f"{ENGINE}import os\nurl = os.getenv('DATABASE_URL')\nif url:\n    engine = create_async_engine(url)",
        f"{ENGINE}import os\nurl = os.getenv('DATABASE_URL')\nengine = create_async_engine(url) if url else None",
        "import os\nregion = os.getenv('REGION')",
        "import os\nif __name__ == '__main__':\n    port = os.environ['PORT']",
        "import os\nif os.getenv('STAGE', 'dev') == 'prod':\n    key = os.environ['KEY']",
        "import os\nurl = os.getenv('DATABASE_URL')",
        "import os\ndef command() -> str:\n    return os.environ['EDITOR']",
        "import os\nif os.getenv('STAGE') == 'prod' and not os.getenv('KEY'):\n    raise ValueError",
        "import os\nif os.getenv('STAGE') == 'prod':\n    if not os.getenv('KEY'):\n        raise ValueError",
        "url = other['DATABASE_URL'] + get('DATABASE_URL') + os.getenv()",
        engine(SETTINGS + "class S(BaseSettings):\n    database_url: str = 'sqlite://'", "S().database_url"),
        engine(
            SETTINGS + "class S(BaseSettings):\n    database_url: str = Field('sqlite://')",
            "S().database_url",
        ),
        engine(SETTINGS + "class S(BaseSettings):\n    database_url: str | None = None", "S().database_url"),
        engine(
            SETTINGS + "class S(BaseSettings):\n    database_url: str = Field(default='sqlite://')",
            "S().database_url",
        ),
        engine(
            SETTINGS
            + "class S(BaseSettings):\n    database_url: str = Field(default_factory=lambda: 'sqlite://')",
            "S().database_url",
        ),
        engine(
            SETTINGS + "class S(BaseSettings):\n    database_url: str\ns = S(database_url='sqlite://')",
            "s.database_url",
        ),
        engine(
            SETTINGS + "class S(BaseSettings):\n    database_url: str\ns = S(**made())",
            "s.database_url",
        ),
        "from typing import Optional\nfrom pydantic import BaseSettings\n"
        "class S(BaseSettings):\n    database_url: Optional[str]",
        SETTINGS
        + "class Part(BaseSettings):\n    uri: str\nclass Whole(BaseSettings):\n    part: Part | None = None\n"
        "def of(part: Part) -> Part:\n    return part if isinstance(part, Part) else load(part)\nWhole()",
        SETTINGS + "class Part(BaseSettings):\n    uri: str\nclass Other(Part):\n    uri: str = 'x'\n"
        "def of(value: dict):\n    part: Part = Part.model_validate(value)\n    return part",
        SETTINGS
        + "class S(BaseSettings):\n    urls: ClassVar[dict]\n    x[0]: int\n    _own: str\n    url: str = make()",
        "class S:\n    database_url: str",
    ],
)
def test_what_has_a_value_is_not_needed(project: Project, text: str) -> None:
    """Variables that the application can do without are left alone, and so is what only a function reads later."""
    environment = found(project.write({"config.py": text}))
    assert (environment.lines, environment.needs, environment.unknown) == ((), (), ())


@pytest.mark.parametrize(
    "text",
    [
        engine("import os\nurl = os.environ['DATABASE_URL']"),
        engine("from os import environ\nurl = environ['DATABASE_URL']"),
        engine("from os import environ as e\nurl = e['DATABASE_URL']"),
        engine("import os\nurl = os.environ.get('DATABASE_URL')"),
        engine("from os import getenv\nurl = getenv('DATABASE_URL', None)"),
        engine("import os\nurl = os.getenv('DATABASE_URL') or os.getenv('OTHER')"),
        engine(
            "import os\nurl = os.getenv('DATABASE_URL', '').replace('postgres://', 'postgresql://')"
        ).replace(", ''", ""),
        engine("import os\nurl = f\"{os.environ['DATABASE_URL']}?a=b\""),
        engine(
            "import os\nif 'DATABASE_URL' not in os.environ:\n    raise KeyError\nurl = os.environ['DATABASE_URL']"
        ),
        engine(
            "import os\ndef env(name, default=None):\n    return os.environ.get(name, default)",
            "env('DATABASE_URL')",
        ),
        engine("from starlette.config import Config\nconfig = Config()", "config('DATABASE_URL', cast=str)"),
        engine(
            "from starlette.config import Config\nc = Config(env_prefix='DATABASE_')", "c('URL', cast=str)"
        ),
        engine("from decouple import config", "config('DATABASE_URL')"),
        engine("from decouple import AutoConfig\nconfig = AutoConfig()", "config('DATABASE_URL')"),
        engine("from environs import Env\nenv = Env()", "env.str('DATABASE_URL')"),
        engine(
            "from environs import Env\nenv = Env()\nwith env.prefixed('DATABASE_'), open('x'):\n    url = env('URL')"
        ),
        engine("from dynaconf import Dynaconf\ns = Dynaconf(envvar_prefix='DATABASE')", "s.URL"),
        engine(
            "import os\nfrom dataclasses import dataclass, field\n@dataclass\nclass S:\n"
            "    url: str = field(default_factory=lambda: os.environ['DATABASE_URL'])",
            "S().url",
        ),
        engine(
            "import os\nfrom dataclasses import dataclass\n@dataclass\nclass S:\n    url: str\n"
            "s = S(url=os.environ['DATABASE_URL'])",
            "s.url",
        ),
        engine(SETTINGS + "class S(BaseSettings):\n    database_url: str", "S().database_url"),
        engine(SETTINGS + "class S(BaseSettings):\n    database_url: str = Field(...)", "S().database_url"),
        engine(
            SETTINGS + "class S(BaseSettings):\n    database_url: str = Field(description='x')",
            "S().database_url",
        ),
        engine(SETTINGS + "class S(BaseSettings):\n    url: str = Field(alias='DATABASE_URL')", "S().url"),
        engine(
            SETTINGS
            + "class S(BaseSettings):\n    url: str = Field(validation_alias=AliasChoices('DATABASE_URL', 'X'))",
            "S().url",
        ),
        engine(SETTINGS + "class S(BaseSettings, env_prefix='DATABASE_'):\n    url: str", "S().url"),
        engine(
            SETTINGS
            + "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='DATABASE_')\n    url: str",
            "S().url",
        ),
        engine(
            SETTINGS + "C = SettingsConfigDict(env_prefix='DATABASE_')\n"
            "class S(BaseSettings):\n    model_config = C\n    url: str",
            "S().url",
        ),
        engine(
            SETTINGS
            + "y = dict(env_prefix='DATABASE_')\nclass S(BaseSettings):\n    model_config = {'extra': 'x', **y, **z}\n"
            "    url: str",
            "S().url",
        ),
        engine(
            "from pydantic import BaseSettings\nclass S(BaseSettings):\n    class Config:\n"
            "        env_prefix = 'DATABASE_'\n    url: str",
            "S().url",
        ),
        engine(
            SETTINGS
            + "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix=p)\n    database_url: str",
            "S().database_url",
        ),
        engine(
            SETTINGS
            + "class Root(BaseSettings):\n    model_config = {'env_prefix': 'DATABASE_'}\nclass S(Root):\n    url: str",
            "S().url",
        ),
        engine(
            SETTINGS + "class Config:\n    x = 1\n"
            "class S(BaseSettings):\n    class Other: ...\n    a: int = 1\n    database_url: str\n"
            "class T(S):\n    b: int = 2\nx = T(a=1)\ny = make(S)",
            "T().database_url",
        ),
        engine(
            SETTINGS + "class Mixin:\n    database_url: str\nclass S(Mixin, BaseSettings):\n    pass\n"
            "class T(Mixin, BaseSettings): ...",
            "S().database_url",
        ),
        engine(
            SETTINGS + "from pydantic import BaseModel\nclass Database(BaseModel):\n    url: str\n"
            "class Plain: ...\nclass S(BaseSettings):\n    model_config = {'env_nested_delimiter': '_'}\n"
            "    database: Database\n    plain: Plain = None",
            "S().database.url",
        ),
        engine(
            SETTINGS + "class Part(BaseSettings):\n    database_url: str\n"
            "class Whole(BaseSettings):\n    part: Part = Field(default_factory=Part)",
            "Whole().part.database_url",
        ),
        SETTINGS + "from pydantic import PostgresDsn\nclass S(BaseSettings):\n    database_url: PostgresDsn",
        f"{ENGINE}{SETTINGS}class S(BaseSettings):\n    database_url: str\nengine = create_async_engine(hidden())",
    ],
)
def test_a_database_url_without_a_value_is_given(project: Project, text: str) -> None:
    """It reaches an engine, whatever reads it, or is a database's URL by its type."""
    (line,) = found(project.write({"config.py": text})).lines
    assert line in (MEMORY, "DATABASE_URL=postgresql://localhost/app")


@pytest.mark.parametrize(
    "text",
    [
        "import os\nTRACKER = os.getenv('SENTRY_DSN')",
        "import os, sentry_sdk\nsentry_sdk.init(dsn=os.getenv('SENTRY_DSN'))",
        SETTINGS + "class S(BaseSettings):\n    sentry_dsn: str | None = None",
    ],
)
def test_a_name_tells_nothing(project: Project, text: str) -> None:
    """What an error tracker or a cache is told is no database's URL, and an engine beside it changes nothing."""
    project.write({"config.py": text, "db.py": engine("url = 'sqlite+aiosqlite:///x.db'")})
    assert found(project).lines == ()


def test_what_only_the_project_knows_is_listed(project: Project) -> None:
    """A secret key is not ours to invent, whatever demands it: a URL that reaches no engine is not either."""
    text = """\
import os, sys
from contextlib import asynccontextmanager
from fastapi import FastAPI

BROKER_DSN = os.environ["BROKER_DSN"]
TOKEN = os.getenv("TOKEN")
if not TOKEN:
    raise RuntimeError("no token")
KEY, SALT = os.getenv("KEY"), os.getenv("SALT")
if KEY is None or SALT is None:
    sys.exit("no key")
if (pepper := os.getenv("PEPPER")) is None:
    raise RuntimeError
assert os.getenv("ASSERTED")
if any(each is None for each in [os.getenv("ANY")]):
    raise RuntimeError
ENDED = os.getenv("ENDED") or sys.exit("no value")
for name in ("ONE", "TWO"):
    if not os.getenv(name):
        raise RuntimeError(name)
missing = [other for other in ("THREE", "FOUR") if other not in os.environ or not os.getenv(other)]
if missing:
    raise RuntimeError(missing)

def required(name):
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(name)
    return value

HELPED = required("HELPED")

class Settings:
    def __init__(self):
        self.made = os.environ["MADE"]

settings = Settings()

def later():
    return os.environ["LATER"]

@asynccontextmanager
async def lifespan(app):
    os.environ["STARTED"]
    yield

app = FastAPI(lifespan=lifespan)

@app.on_event("startup")
async def start():
    os.environ["BEGUN"]
"""
    environment = found(project.write({"config.py": text}))
    names = "BROKER_DSN TOKEN KEY SALT PEPPER ASSERTED ANY ENDED ONE TWO THREE FOUR HELPED MADE STARTED BEGUN"
    assert environment.lines == ()
    assert [need.name for need in environment.unknown] == names.split()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".env": "# mine\nexport KEY=x\n"}, []),
        ({"compose.yml": "services:\n  api:\n    environment:\n      KEY: x\n"}, []),
        ({"docker-compose.test.yml": "    environment:\n      - KEY=x\n      # - OTHER=x"}, []),
        ({"compose.yml": "    environment:\n      KEY: ${KEY}\n"}, ["KEY"]),
        ({".env.example": "KEY=\n"}, ["KEY"]),
        ({"tests/conftest.py": "import os\nos.environ['KEY'] = f()\n"}, []),
        ({"tests/conftest.py": "import os\nos.environ.update({'KEY': 'x'}, OTHER='y')\n"}, []),
        ({"tests/conftest.py": "import os\nos.environ |= {'KEY': 'x'}\n"}, []),
        ({"tests/conftest.py": "from pytest import MonkeyPatch\nMonkeyPatch().setenv('KEY', 'x')\n"}, []),
        (
            {"tests/conftest.py": "import os\ndef pytest_configure(config):\n    os.environ['KEY'] = 'x'\n"},
            [],
        ),
        (
            {"tests/conftest.py": "import tests.env", "tests/env.py": "import os\nos.environ['KEY'] = 'x'\n"},
            [],
        ),
        ({"tests/conftest.py": "import os\ndef prepare():\n    os.environ['KEY'] = 'x'\nprepare()\n"}, []),
        ({"tests/conftest.py": "import os\nE = dict(KEY='x')\nos.environ.update(dict(KEY='x'))\n"}, []),
        (
            {
                "tests/conftest.py": "import os\nE = {'KEY': 'x'}\nfor k, v in E.items():\n    os.environ[k] = v\n"
            },
            [],
        ),
        ({"tests/conftest.py": "patch.dict('os.environ', {'KEY': 'x'}).start()\n"}, []),
        ({"tests/conftest.py": "for k, v in {'KEY': 'x'}.items():\n    print(k)\n"}, ["KEY"]),
        ({"tests/conftest.py": "for k in names:\n    os.environ[k] = 'KEY'\n"}, ["KEY"]),
        ({"tests/conftest.py": "for k in ['KEY']:\n    os.environ[k] = 'x'\n"}, []),
        (
            {"tests/conftest.py": "n += 1\nos.environ.update(f(), **{'KEY': 'x'})\nd.update({'KEY': 1})\n"},
            ["KEY"],
        ),
        (
            {
                "tests/conftest.py": "import os\nos.environ.update({k(): 1})\nmp.setenv(k, 'KEY')\nos.environ[k] = 1\n"
            },
            ["KEY"],
        ),
        ({"tests/conftest.py": "import os\ndef value():\n    os.environ['KEY'] = f()\n"}, ["KEY"]),
        ({"tests/test_a.py": "import os\nos.environ['KEY'] = 'x'\n"}, ["KEY"]),
    ],
)
def test_what_something_gives_is_not_listed(
    project: Project, files: dict[str, str], expected: list[str]
) -> None:
    """A dotenv or compose file, or a conftest before any test; an example that is empty gives nothing."""
    environment = found(project.write({"config.py": "import os\nkey = os.environ['KEY']", **files}))
    assert [need.name for need in environment.unknown] == expected


WORKFLOW = ".github/workflows/ci.yml"
ACTION = ".github/actions/test/action.yml"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("tox.ini", "[testenv]\nsetenv =\n    # KEY = old\n    KEY = a b\ncommands = pytest\n", "a b"),
        ("tox.ini", "[testenv]\nset_env = KEY=x\n", "x"),
        ("tox.ini", "[testenv]\nsetenv = KEY={env:KEY}\n", None),
        ("tox.toml", "[env_run_base]\nset_env.KEY = 'x'\nother = MY_KEY\n", "x"),
        ("pyproject.toml", "[tool.poe.tasks.test]\nenv = { A = 'b', KEY = \"x\" }\n", "x"),
        ("noxfile.py", 'session.env["KEY"] = "x"\nif env["KEY"] == "y": ...\n', "x"),
        ("noxfile.py", "session.run('pytest', env={'KEY': make()})\n", None),
        ("noxfile.py", "env = {\n    'KEY': TOKEN,\n    'OTHER': 'x',\n}\n", None),
        ("Makefile", "export KEY ?= x\ntest:\n\tpytest\n", "x"),
        ("Makefile", "test:\n\tOTHER=y KEY='x y' pytest -q\n", "x y"),
        ("justfile", 'export KEY := "x"\n', "x"),
        (WORKFLOW, "    env:\n      KEY: x y  # not real\n    steps:\n      - run: pytest\n", "x y"),
        (WORKFLOW, "    env: { KEY: x, A: b }\n    steps:\n      - run: pytest\n", None),
        (WORKFLOW, "      - run: KEY=x pytest\n", "x"),
        (WORKFLOW, "      - run: pytest\n        env:\n          KEY: ${{ secrets.KEY }}\n", None),
        (WORKFLOW, "  deploy:\n    env:\n      KEY: x\n", None),
        (ACTION, "  steps:\n    - run: pytest\n      env:\n        KEY: a-b_=\n", "a-b_="),
        (ACTION, "  steps:\n    - run: pytest\n      env:\n        KEY: ${{ inputs.key }}\n", None),
        (WORKFLOW, "  test:\n    env:\n      KEY: x\n  deploy:\n    env:\n      KEY: y\n", None),
        (".env.example", "KEY=x\n", "x"),
        (".env.example", "KEY=<your key>\n", None),
        ("tests/.env.test", "KEY=x\n", "x"),
        ("conftest.py", "def key(monkeypatch):\n    monkeypatch.setenv('KEY', 'x')\n", "x"),
    ],
)
def test_a_value_that_is_shown_for_the_tests_is_taken(
    project: Project, name: str, text: str, value: str | None
) -> None:
    """From any file by which tests are run; what is put together there, or given several values, is not known."""
    environment = found(project.write({"config.py": "import os\nkey = os.environ['KEY']", name: text}))
    assert environment.lines == (() if value is None else (f"KEY={value}",))
    assert environment.shown == ({} if value is None else {"KEY": project.root / name})
    assert [need.name for need in environment.unknown] == ([] if value else ["KEY"])


def test_the_tests_own_value_goes_before_an_example_s(project: Project) -> None:
    """A dotenv file that the repository does not have may hold secrets, whatever it is called."""
    project.write({"config.py": "import os\nkey = os.environ['KEY']", ".env.example": "KEY=example"})
    project.write({".env.test": "KEY=tests"})
    assert found(project).lines == ("KEY=tests",)
    project.write({".gitignore": ".env*\n!.env.example\n"})
    assert found(project).lines == ("KEY=example",)


def test_the_parts_of_what_a_driver_opens_are_given(project: Project) -> None:
    """It is led elsewhere, as an engine is; a driver that is not led would go there."""
    text = "import os\nimport {0}\n{0}.connect(host=os.environ['DB_HOST'], database=os.environ['DB'])\n"
    compose = {"compose.yml": "    environment:\n      DB_HOST: db\n"}
    environment = found(project.write({"db.py": text.format("asyncpg"), **compose}))
    assert environment.lines == ("DB_HOST=db", "DB=app")
    environment = found(project.write({"db.py": text.format("aiopg")}))
    assert (environment.lines, [need.name for need in environment.unknown]) == ((), ["DB"])


@pytest.mark.parametrize(
    ("files", "url"),
    [
        ({"config.py": "x = 'postgresql+asyncpg://u:secret@db/x'"}, "postgresql+asyncpg://localhost/app"),
        ({".env": "DATABASE_URL=postgres://u:secret@db/x"}, "postgres://localhost/app"),
        ({".env.example": "DATABASE_URL=sqlite+aiosqlite:///x.db"}, "sqlite+aiosqlite:///x.db"),
        ({".env.example": "P=x\nDATABASE_URL='mysql+asyncmy://u:${P}@db/x' # c"}, "mysql+asyncmy://u@db/x"),
        (
            {".env.example": "DATABASE_URL=postgresql+asyncpg://{{user}}:p@h/x"},
            "postgresql+asyncpg://localhost/app",
        ),
        (
            {".env.example": "DATABASE_URL=postgresql+asyncpg://u:p@${HOST}/x"},
            "postgresql+asyncpg://localhost/app",
        ),
        (
            {
                "compose.yml": "services:\n  api:\n    environment:\n      DATABASE_URL: postgresql+psycopg://u:p@db:5432/x"
            },
            "postgresql+psycopg://u@db:5432/x",
        ),
        (
            {
                "docker-compose.yaml": '    environment:\n      - "DATABASE_URL=postgresql+asyncpg://${U:-me}@db/x"'
            },
            "postgresql+asyncpg://me@db/x",
        ),
        (
            {
                "tests/conftest.py": "import os\ndef fixture():\n    os.environ['DATABASE_URL'] = 'sqlite+aiosqlite:///t.db'"
            },
            "sqlite+aiosqlite:///t.db",
        ),
        (
            {"tox.ini": "[testenv]\nsetenv =\n    DATABASE_URL = sqlite+aiosqlite:///t.db"},
            "sqlite+aiosqlite:///t.db",
        ),
        (
            {"Makefile": "test:\n\tDATABASE_URL=sqlite+aiosqlite:///t.db \\\n\tpytest"},
            "sqlite+aiosqlite:///t.db",
        ),
        (
            {
                ".github/workflows/ci.yml": "env:\n  DATABASE_URL: postgresql+asyncpg://u:${{ secrets.P }}@h/x\n"
            },
            "postgresql+asyncpg://localhost/app",
        ),
        (
            {".github/workflows/ci.yml": "      run: DATABASE_URL='postgresql+asyncpg://u:p@h/x' pytest\n"},
            "postgresql+asyncpg://u@h/x",
        ),
        (
            {".env.example": "DATABASE_URL=mysql+asyncmy://u:p@h/x?password=p&ssl=1"},
            "mysql+asyncmy://u@h/x?ssl=1",
        ),
        ({".env.example": "DATABASE_URL=mysql+asyncmy://h/x?password=p"}, "mysql+asyncmy://h/x"),
        ({"requirements.txt": "asyncmy>=1"}, "mysql+asyncmy://localhost/app"),
        ({}, "sqlite+aiosqlite:///:memory:"),
    ],
)
def test_the_url_is_of_the_kind_that_the_project_uses(
    project: Project, files: dict[str, str], url: str
) -> None:
    """The one that committed files show, without its password; else its kind: a ``.env`` is never copied."""
    project.write({**files, "main.py": engine("import os\nurl = os.environ['DATABASE_URL']")})
    assert found(project).lines == (f"DATABASE_URL={url}",)


@pytest.mark.parametrize(
    ("files", "values"),
    [
        ({}, {"env": "D:DATABASE_URL=postgresql+asyncpg://h/x\nOTHER=1"}),
        ({}, {"env": ["R:DATABASE_URL=postgresql+asyncpg://h/x"]}),
        ({}, {"hermetic_env": ["DATABASE_URL=postgresql+asyncpg://h/x"]}),
        ({"test.env": "DATABASE_URL=postgresql+asyncpg://h/x"}, {"env_files": ["test.env"]}),
        ({"pyproject.toml": "[tool.pytest_env]\nDATABASE_URL = 'postgresql+asyncpg://h/x'\nN = 1"}, {}),
        (
            {"pyproject.toml": "[tool.pytest_env]\nDATABASE_URL = {value = 'postgresql+asyncpg://h/x'}"},
            {},
        ),
        (
            {"pyproject.toml": "", "pytest.toml": "[pytest_env]\nDATABASE_URL = 'postgresql+asyncpg://h/x'"},
            {},
        ),
        (
            {
                "pyproject.toml": "[tool.pytest_env]\nenv_files = ['a.env']",
                "a.env": "DATABASE_URL=postgresql+asyncpg://h/x",
            },
            {},
        ),
        ({"conftest.py": "import os\nos.environ['DATABASE_URL'] = 'postgresql+asyncpg://h/x'"}, {}),
        (
            {
                "config.py": "from dotenv import load_dotenv\nload_dotenv()",
                ".env": "DATABASE_URL=postgresql+asyncpg://h/x",
            },
            {},
        ),
        (
            {
                "requirements-dev.txt": "pytest-dotenv",
                ".env": "\ufeffDATABASE_URL=postgresql+asyncpg://h/x\r\n",
            },
            {},
        ),
        (
            {
                "tests/conftest.py": "import dotenv\ndotenv.load_dotenv(dotenv.find_dotenv('.env.test'))",
                ".env.test": "DATABASE_URL=postgresql+asyncpg://h/x",
            },
            {},
        ),
        (
            {
                "a/b/config.py": "from pathlib import Path\nfrom dotenv import load_dotenv\n"
                "ROOT = Path(__file__).parent.parent\nload_dotenv(ROOT / 'conf' / '.env.local')",
                "a/.env.local": "DATABASE_URL=postgresql+asyncpg://h/x",
            },
            {},
        ),
    ],
)
def test_what_is_given_needs_no_line_and_tells_the_database(
    project: Project, files: dict[str, str], values: dict[str, object]
) -> None:
    """By pytest-env, pytest-dotenv, hermetic itself, a conftest, or a file that the code loads."""
    project.write({"main.py": engine("import os\nurl = os.environ['DATABASE_URL']"), **files})
    environment = found(project, **values)
    assert (environment.lines, environment.unknown) == ((), ())
    assert environment.scheme == "postgresql+asyncpg"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_file='.env')\n    url: str",
            ".env",
        ),
        (
            "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_file='../x/.env')\n    url: str",
            "x/.env",
        ),
        (
            "class S(BaseSettings):\n    model_config = {'env_file': ('.env', '.env.test')}\n    url: str",
            ".env.test",
        ),
        ("class S(BaseSettings):\n    class Config:\n        env_file = '.env'\n    url: str", ".env"),
        (
            "import os\nSTAGE = os.getenv('STAGE', 'dev')\n"
            "class S(BaseSettings):\n    model_config = {'env_file': f'.env.{STAGE}'}\n    url: str",
            ".env.test",
        ),
        (
            "import os\nif os.getenv('STAGE') == 'test':\n    FILE = 'test.env'\nelse:\n    FILE = '.env'\n"
            "class S(BaseSettings):\n    model_config = {'env_file': FILE}\n    url: str",
            "test.env",
        ),
        ("class S(BaseSettings):\n    url: str\ndef make():\n    return S(_env_file='.env')", ".env"),
    ],
)
def test_a_settings_class_may_read_a_file(project: Project, text: str, name: str) -> None:
    """Whatever computes its name; where the file is not there, the URL is needed."""
    project.write({"src/config.py": engine(SETTINGS + text, "S().url"), "src/.git": ""})
    values = {"env": "STAGE=test"}
    assert found(project, **values).lines != ()
    project.write({f"../{name}" if name.startswith("x/") else name: "URL=postgresql+asyncpg://h/x"})
    environment = found(project, **values)
    assert (environment.lines, environment.scheme) == ((), "postgresql+asyncpg")


def test_a_plain_name_of_a_file_is_read_where_pytest_runs(project: Project) -> None:
    """pydantic looks in the working directory; the file of a compose file above is not there."""
    text = "class S(BaseSettings):\n    model_config = {'env_file': '.env'}\n    url: str"
    project.write(
        {"src/config.py": engine(SETTINGS + text, "S().url"), "src/.env": "URL=postgresql+asyncpg://h/x"}
    )
    assert found(project).lines != ()


def test_starlette_and_decouple_read_a_file(project: Project) -> None:
    """The one that is named, or the one that decouple looks for by itself."""
    project.write(
        {
            "a.py": "from starlette.config import Config\nc = Config('conf.env')\nx = c('A')",
            "b.py": "from decouple import config\nx = config('B')",
            "c.py": "import environs\nenv = environs.Env()\nenv.read_env()\nx = env('C')",
            "conf.env": "A=1",
            "settings.ini": "[settings]\nB=2",
            ".env": "C=3",
        }
    )
    assert found(project).unknown == ()


def test_parts_of_an_address_are_given(project: Project) -> None:
    """hermetic leads the engine elsewhere anyway; a password is not taken from anywhere."""
    fields = ["driver", "host", "pg_server", "port", "pg_user", "pg_password", "name"]
    body = "\n".join(f"    {field}: {'int' if field == 'port' else 'str'}" for field in fields)
    url = "URL.create(s.driver, s.pg_user, s.pg_password, host=s.host, port=s.port, database=s.name, query=s.pg_server)"
    text = f"{SETTINGS}from sqlalchemy import URL\nclass S(BaseSettings):\n{body}\ns = S()\nurl = {url}"
    project.write(
        {
            "config.py": engine(text),
            ".env.example": "DRIVER=postgresql+asyncpg\nNAME=shop\nPG_PASSWORD=secret\n",
        }
    )
    environment = found(project)
    assert environment.lines == (
        "DRIVER=postgresql+asyncpg",
        "HOST=localhost",
        "PG_SERVER=localhost",
        "PORT=5432",
        "PG_USER=app",
        "PG_PASSWORD=app",
        "NAME=shop",
    )
    assert environment.scheme == "postgresql+asyncpg"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("import os\nif os.getenv('TESTING', '0') == '1': ...", ("TESTING=true",)),
        (SETTINGS + "class S(BaseSettings):\n    testing: bool = False", ("TESTING=true",)),
        ("import os\ndef later():\n    return os.getenv('TESTING')", ("TESTING=true",)),
        ("import os\nos.environ['TESTING'] = 'x'\nfound = os.getenv('TESTING')", ()),
    ],
)
def test_the_testing_switch_is_set_where_it_is_read(
    project: Project, text: str, lines: tuple[str, ...]
) -> None:
    """With a default or without, unless something sets it."""
    assert found(project.write({"config.py": text})).lines == lines


def test_an_empty_host_is_none_and_an_empty_port_no_number(project: Project) -> None:
    """A field may be empty by default, and the URL that is built of it is refused then; of a name it is not."""
    names = ("PG_SERVER", "PG_PORT", "PG_NAME", "WEB_HOST")
    fields = "".join(f"    {name}: str = ''\n" for name in names)
    text = f"{SETTINGS}class S(BaseSettings):\n{fields}s = S()\n"
    url = "PostgresDsn.build(scheme='postgresql+asyncpg', host=s.PG_SERVER, port=int(s.PG_PORT), path=s.PG_NAME)"
    lines = found(project.write({"config.py": engine(text, f"str({url})")})).lines
    assert lines == ("PG_SERVER=localhost", "PG_PORT=5432")


def test_a_need_says_where_it_is_read(project: Project) -> None:
    """The first place counts; later ones add nothing."""
    text = "import os\na = os.environ['DATABASE_URL']\nb = os.environ['DATABASE_URL']"
    (need,) = found(project.write({"config.py": engine(text, "b")})).needs
    assert (need.file.name, need.line) == ("config.py", 4)


@pytest.mark.parametrize(
    ("validator", "host", "name"),
    [
        (
            "@validator('URI', pre=True)\n    def make(cls, v, values):",
            "values.get('HOST')",
            "values['NAME']",
        ),
        (
            "@field_validator('URI')\n    def make(cls, v, info):",
            "info.data.get('HOST')",
            "info.data['NAME']",
        ),
    ],
)
def test_a_validator_may_put_an_address_together(
    project: Project, validator: str, host: str, name: str
) -> None:
    """From the values of other fields, which are parts of it then."""
    text = f"""\
{SETTINGS}class S(BaseSettings):
    HOST: str
    NAME: str
    SECRET: str
    URI: str | None = None

    {validator}
        key = (lambda values: values.get('SECRET'))(v) or DEFAULTS.get('SECRET')
        return v or PostgresDsn.build(scheme='postgresql+asyncpg', host={host}, path=f"/{{{name} or ''}}", user=key)
"""
    environment = found(project.write({"config.py": engine(text, "str(S().URI)")}))
    assert environment.lines == ("HOST=localhost", "NAME=app")
    assert environment.scheme == "postgresql+asyncpg"
    assert [need.name for need in environment.unknown] == ["SECRET"]


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ("", "sqlite://:memory:"),
        ("x = {'engine': 'tortoise.backends.asyncpg'}\nTortoise.init(config=x)", "postgres://localhost/app"),
        ("Tortoise.init(db_url='asyncpg://h/x')", "postgres://localhost/app"),
        ("Tortoise.init(db_url='mysql://h/x')", "mysql://localhost/app"),
    ],
)
def test_tortoise_gets_a_url_that_it_knows(project: Project, more: str, url: str) -> None:
    """Its schemes are not SQLAlchemy's."""
    text = "import os\nfrom tortoise import Tortoise\nTortoise.init(db_url=os.environ['DATABASE_URL'])\n"
    assert found(project.write({"db.py": text + more})).lines == (f"DATABASE_URL={url}",)


@pytest.mark.parametrize(
    ("core", "text"),
    [
        ("import os\nenv = os.environ", "from core import env as e\nkey = e['KEY']"),
        (
            "from os import getenv as get",
            "import core\nkey = core.get('KEY')\nif not key:\n    raise ValueError",
        ),
        ("from decouple import config as read", "from core import read\nkey = read('KEY')"),
        ("import starlette.config as s\nread = s.Config()", "import core as c\nkey = c.read('KEY')"),
        ("import starlette.config as s", "from core import s\nkey = s.Config()('KEY')\nx = s.environ['KEY']"),
        ("from environs import Env\nmade = Env()", "from core import made\nkey = made.str('KEY')"),
    ],
)
def test_the_environment_is_read_under_any_name(project: Project, core: str, text: str) -> None:
    """A module that reads it by what another module made has no word of the library in it."""
    project.write({"core.py": core, "main.py": f"import core\n{text}\n{APP}"})
    environment = find_environment(project.symbols(), project.configuration())
    assert [need.name for need in environment.unknown] == ["KEY"]


CONFTEST = """
import os
from tortoise.contrib.fastapi import register_tortoise

def start(app):
    register_tortoise(app, db_url=os.environ.get("TEST_DATABASE_URL"))
"""
SHOWN = "x:\n  - TEST_DATABASE_URL=postgres://me:secret@db:5432/test\n"


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ({"docker-compose.yml": SHOWN}, ("TEST_DATABASE_URL=postgres://me@db:5432/test",)),
        (
            {"Makefile": "test:\n\tTEST_DATABASE_URL=sqlite://t.db pytest", "docker-compose.yml": SHOWN},
            ("TEST_DATABASE_URL=sqlite://t.db",),
        ),
        (
            {
                "docker-compose.yml": SHOWN,
                "db.py": CONFTEST.replace('.get("TEST_DATABASE_URL")', '["TEST_DATABASE_URL"]'),
            },
            ("TEST_DATABASE_URL=postgres://me@db:5432/test",),
        ),
    ],
    ids=["compose", "another run", "the application's, too"],
)
def test_a_conftest_s_own_database_gets_the_url_that_is_shown(
    project: Project, files: dict[str, str], lines: tuple[str, ...]
) -> None:
    """The application does not read it, and no test runs without it."""
    environment = found(project.write({"tests/conftest.py": CONFTEST, **files}))
    assert environment.lines == lines


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"docker-compose.yml": SHOWN, "pytest.ini": ""},
    ],
    ids=["nothing shows it", "pytest-env gives it"],
)
def test_a_conftest_s_own_database_is_left_alone(project: Project, files: dict[str, str]) -> None:
    """What nothing shows may be a switch, without which tests are skipped."""
    given = {"env": ["TEST_DATABASE_URL=sqlite://t.db"]} if files else {}
    environment = found(project.write({"tests/conftest.py": CONFTEST, **files}), **given)
    assert environment.lines == ()


DYNACONF = """
from dynaconf import Dynaconf
settings = Dynaconf(envvar_prefix="SHOP", {})
"""
TOML = """
debug = false
[default]
other = 1
[development]
db_url = 'postgresql+asyncpg://h/d'
[testing]
db_url = 'sqlite+aiosqlite:///t.db'
"""
YAML = """
default:
  other: 1
development:
  db_url: postgresql+asyncpg://h/d  # mine
  more:
    db_url: mysql://h/d
testing:
  db_url: 'sqlite+aiosqlite:///t.db'
"""


@pytest.mark.parametrize(
    ("words", "name", "text", "scheme"),
    [
        ("environments=True, settings_files=['s.toml']", "s.toml", TOML, "postgresql+asyncpg"),
        ("environments=True, settings_file='a.toml;s.yaml'", "s.yaml", YAML, "postgresql+asyncpg"),
        ("environments=True, env='Testing'", "settings.toml", TOML, "sqlite+aiosqlite"),
        ("environments=True, env_switcher='STAGE'", "settings.yaml", YAML, "sqlite+aiosqlite"),
        ("", "settings.toml", "DB_URL = 'postgresql+asyncpg://h/d'", "postgresql+asyncpg"),
        ("", "settings.yml", "a: 1\ndb_url: postgresql+asyncpg://h/d\n", "postgresql+asyncpg"),
    ],
)
def test_dynaconf_s_own_files_give_values(
    project: Project, words: str, name: str, text: str, scheme: str
) -> None:
    """By section where it has some; a variable in the environment says which."""
    project.write({"config.py": DYNACONF.format(words), name: text})
    project.write({"db.py": engine("from config import settings", "settings.DB_URL")})
    environment = found(project, env=["STAGE=testing"])
    assert (environment.lines, environment.scheme) == ((), scheme)


def test_a_value_in_a_table_of_dynaconf_s_is_a_variable_with_its_path(project: Project) -> None:
    """``settings.db.uri`` is ``SHOP_DB__URI``, not a variable for the table; a method of a value is no part of it."""
    config = DYNACONF.format(
        "environments=True, preload=[os.path.join(HERE, 'default.toml')], settings_files=FILES"
    )
    project.write(
        {"config.py": config, "default.toml": "[default.db]\nuri = 'postgresql+asyncpg://h/d'\necho = true"}
    )
    text = "from config import settings\nname = settings.NAME.lower()\nother = settings.db.get('echo')\n"
    project.write({"main.py": engine(text, "settings.db.uri, echo=settings.db.echo") + APP})
    environment = found(project)
    assert (environment.lines, environment.scheme) == ((), "postgresql+asyncpg")
    (project.root / "default.toml").unlink()
    assert found(project).lines == ("SHOP_DB__URI=sqlite+aiosqlite:///:memory:",)


def test_what_dynaconf_s_files_lack_is_needed(project: Project) -> None:
    """A file that is none, or holds the key deeper, gives nothing."""
    project.write({"config.py": DYNACONF.format("settings_files=['a.toml', 'b.yaml']"), "a.toml": "="})
    project.write({"b.yaml": "more:\n  inner:\n    db_url: x\n    KEY\n"})
    project.write({"db.py": engine("from config import settings", "settings.DB_URL")})
    assert found(project).lines == ("SHOP_DB_URL=sqlite+aiosqlite:///:memory:",)


def test_an_example_beside_the_settings_is_read(project: Project) -> None:
    """``backend/.env.example``, where ``backend/core/settings.py`` reads ``backend/.env`` and pytest runs above."""
    text = (
        SETTINGS
        + "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_file=FILE)\n    key: str\ns = S()"
    )
    project.write(
        {
            "main.py": f"import backend.core.settings\n{APP}",
            "backend/core/settings.py": text,
            "backend/.env.example": "KEY=x\n",
        }
    )
    assert found(project).lines == ("KEY=x",)


@pytest.mark.parametrize(
    ("sources", "unknown"),
    [
        ("cls, settings_cls, init_settings, env_settings, dotenv_settings, secrets", ["KEY"]),
        ("cls, settings_cls, init_settings, env_settings, **others", ["KEY"]),
        ("cls, settings_cls, env_settings, **others", ["KEY"]),
    ],
)
def test_a_class_that_names_the_environment_among_its_sources_reads_it(
    project: Project, sources: str, unknown: list[str]
) -> None:
    """Whatever else it reads, in whatever order."""
    text = SETTINGS + "class S(BaseSettings):\n    key: str\n    @classmethod\n"
    text += (
        f"    def settings_customise_sources({sources}):\n        return YamlSource(), env_settings\ns = S()"
    )
    project.write({"main.py": text + f"\n{APP}"})
    assert [each.name for each in found(project).unknown] == unknown


def test_a_class_whose_sources_are_files_needs_no_variable(project: Project) -> None:
    """``settings_customise_sources`` that returns a YAML file alone."""
    text = SETTINGS + "class S(BaseSettings):\n    server: str\n    def other(self): ...\n    @classmethod\n"
    text += "    def settings_customise_sources(cls, settings_cls, init_settings, env_settings, dotenv, secrets):\n"
    text += f"        return (YamlSource(),)\ns = S()\n{APP}"
    environment = found(project.write({"main.py": text}))
    assert (environment.lines, environment.unknown) == ((), ())


def test_an_engine_that_is_given_a_dictionary_has_its_url_from_it(project: Project) -> None:
    """``create_async_engine(**settings.props)``: its parts are a URL's, and not to be asked for."""
    text = (
        SETTINGS
        + f"from sqlalchemy import URL\n{ENGINE}class S(BaseSettings):\n    db_host: str\n    @property\n"
    )
    text += "    def props(self) -> dict:\n"
    text += "        return dict(url=URL.create('postgresql+asyncpg', host=self.db_host))\n"
    text += f"s = S()\nengine = create_async_engine(**s.props)\n{APP}"
    environment = found(project.write({"main.py": text}))
    assert environment.lines == ("DB_HOST=localhost",)
    assert environment.scheme == "postgresql+asyncpg"


@pytest.mark.parametrize("factory", ["made", "lambda: 'sqlite+aiosqlite:///a.db'"])
def test_what_a_default_is_made_by_says_the_database_before_an_example_does(
    project: Project, factory: str
) -> None:
    """``Field(default_factory=made)``, beside an example for another kind of database."""
    text = "def made() -> str:\n    return f'sqlite+aiosqlite:///{home}/a.db'\n"
    text += f"{SETTINGS}class S(BaseSettings):\n    database_url: str = Field(default_factory={factory})\n"
    project.write({"main.py": engine(text, "S().database_url") + APP})
    project.write({".env.example": "DATABASE_URL=postgresql+asyncpg://localhost/app"})
    environment = found(project)
    assert (environment.lines, environment.scheme) == ((), "sqlite+aiosqlite")


def test_what_a_command_stores_in_the_settings_does_not_tell_the_database(project: Project) -> None:
    """It asks somebody which kind to set up; the application goes by the example's, compared with an enum's member."""
    project.write(
        {
            ".env.example": "KIND=postgresql\n",
            "kinds.py": "from enum import Enum\nclass Kind(str, Enum):\n    mysql = 'mysql'\n",
            "config.py": f"{SETTINGS}class Settings(BaseSettings):\n    KIND: str\nsettings = Settings()\n",
            "main.py": "from config import settings\nfrom kinds import Kind\n"
            + engine(
                "url = 'mysql+aiomysql' if Kind.mysql == settings.KIND else 'postgresql+asyncpg'",
                "url + '://h/d'",
            )
            + APP,
            "commands.py": "from config import settings\ndef setup():\n    settings.KIND = input('mysql')\n",
        }
    )
    assert project.plan().environment.scheme == "postgresql+asyncpg"


@pytest.mark.parametrize(
    ("condition", "check", "named"),
    [
        ("'pytest' in sys.modules", "url = info.data.get('TEST_URL')\n            if not url:", True),
        ("'pytest' in sys.modules", "url = info.data['TEST_URL']\n            if url is None:", True),
        (
            "'pytest' in sys.modules",
            "url = info.data.get('TEST_URL')\n            if url == '' or not url:",
            True,
        ),
        ("'pytest' in sys.modules", "url = v\n            if not info.data['TEST_URL']:", True),
        ("'pytest' in sys.modules", "url = info.data.get('TEST_URL')\n            if url:", False),
        ("v == 'x'", "url = info.data.get('TEST_URL')\n            if not url:", False),
    ],
)
def test_what_a_validator_demands_under_pytest(
    project: Project, condition: str, check: str, named: bool
) -> None:
    """The field has a default, with which no settings can be made in a test."""
    text = f"""\
import sys
{SETTINGS}from pydantic import PostgresDsn, field_validator
class Settings(BaseSettings):
    TEST_URL: PostgresDsn | None = None
    URL: PostgresDsn

    @field_validator("URL", mode="before")
    @classmethod
    def url(cls, v, info):
        if {condition}:
            {check}
                raise ValueError
            v = str(url)
        return v
"""
    project.write({"main.py": engine(text, "str(Settings().URL)")})
    names = {line.partition("=")[0] for line in found(project).lines}
    assert names == ({"TEST_URL", "URL"} if named else {"URL"})
