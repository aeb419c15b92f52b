"""Which environment variables the application cannot do without."""

from __future__ import annotations

import pytest

from hermetic.cli.init.environment import Environment, find_environment
from tests.cli.init.projects import Project

SETTINGS = "from pydantic_settings import BaseSettings, SettingsConfigDict\nfrom pydantic import Field\n"
MEMORY = "DATABASE_URL=sqlite+aiosqlite:///:memory:"


def found(project: Project, **values: object) -> Environment:
    """Return what a project needs."""
    return find_environment(project.symbols(), project.configuration(**values))


@pytest.mark.parametrize(
    "text",
    [
        "import os\nurl = os.environ.get('DATABASE_URL', 'sqlite://')",
        "import os\nurl = os.getenv('DATABASE_URL', default='sqlite://')",
        "import os\nurl = os.getenv('DATABASE_URL') or 'sqlite://'",
        "import os\nurl = os.environ['DATABASE_URL'] if 'DATABASE_URL' in os.environ else 'sqlite://'",
        "import os\nos.environ['DATABASE_URL'] = 'x'",
        "import os\nname = 'DATABASE_URL'\nurl = os.environ[name]\nfound = name in os.environ or name",
        "import os\nregion = os.getenv('REGION')",
        "url = other['DATABASE_URL'] + get('DATABASE_URL') + os.getenv()",
        SETTINGS + "class S(BaseSettings):\n    database_url: str = 'sqlite://'",
        SETTINGS + "class S(BaseSettings):\n    database_url: str = Field('sqlite://')",
        SETTINGS + "class S(BaseSettings):\n    database_url: str = Field(default='sqlite://')",
        SETTINGS + "class S(BaseSettings):\n    url: str = Field(validation_alias='MY_DATABASE_URL')",
        SETTINGS
        + "class S(BaseSettings):\n    urls: ClassVar[dict]\n    x[0]: int\n    database_url: str = make()",
        "class S:\n    database_url: str",
    ],
)
def test_what_has_a_default_is_not_needed(project: Project, text: str) -> None:
    """Variables that the application can do without are left alone."""
    environment = found(project.write({"config.py": text}))
    assert (environment.lines, environment.needs, environment.unknown) == ((), (), ())


@pytest.mark.parametrize(
    "text",
    [
        "import os\nurl = os.environ['DATABASE_URL']",
        "from os import environ\nurl = environ['DATABASE_URL']",
        "import os\nurl = os.environ.get('DATABASE_URL')",
        "from os import getenv\nurl = getenv('DATABASE_URL')",
        SETTINGS + "class S(BaseSettings):\n    database_url: str",
        SETTINGS + "class S(BaseSettings):\n    database_url: str = Field(...)",
        SETTINGS + "class S(BaseSettings):\n    database_url: str = Field(description='x')",
        SETTINGS
        + "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='DATABASE_')\n    url: str",
        SETTINGS
        + "class S(BaseSettings):\n    model_config = {'extra': 'x', 'env_prefix': 'DATABASE_', **y}\n    url: str",
        SETTINGS
        + "class S(BaseSettings):\n    class Config:\n        env_prefix = 'DATABASE_'\n    url: str",
        SETTINGS
        + "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix=p)\n    database_url: str",
    ],
)
def test_a_database_url_without_a_default_is_given(project: Project, text: str) -> None:
    """Read from the environment, or a field of the settings, whatever its prefix."""
    assert found(project.write({"config.py": text})).lines == (MEMORY,)


@pytest.mark.parametrize(
    ("files", "url"),
    [
        ({"config.py": "x = 'postgresql+asyncpg://u:secret@db/x'"}, "postgresql+asyncpg://localhost/app"),
        (
            {"config.py": "url.replace('postgres://', 'postgresql+psycopg://')"},
            "postgresql+psycopg://localhost/app",
        ),
        ({".env": "DATABASE_URL=postgres://u:secret@db/x"}, "postgres://localhost/app"),
        ({".env.example": "DATABASE_URL=sqlite+aiosqlite:///x.db"}, "sqlite+aiosqlite:///:memory:"),
        ({"requirements.txt": "asyncmy>=1"}, "mysql+asyncmy://localhost/app"),
        ({}, "sqlite+aiosqlite:///:memory:"),
    ],
)
def test_the_url_is_of_the_kind_that_the_project_uses(
    project: Project, files: dict[str, str], url: str
) -> None:
    """Told by URLs in code and dotenv files, then by drivers; no password is ever copied."""
    project.write({**files, "main.py": "import os\nurl = os.environ['DATABASE_URL']"})
    assert found(project).lines == (f"DATABASE_URL={url}",)


def test_a_value_that_a_conftest_gives_is_taken_from_there(project: Project) -> None:
    """The suite has chosen it already; what is no literal cannot be taken."""
    project.write(
        {
            "main.py": "import os\na = os.environ['DATABASE_URL']\nb = os.environ['DB_URL']",
            "tests/conftest.py": "import os\nos.environ['DATABASE_URL'] = 'sqlite:///t.db'\nos.environ['DB_URL'] = f()",
            "tests/test_a.py": "import os\nos.environ['DB_URL'] = 'no'",
        }
    )
    assert found(project).lines == ("DATABASE_URL=sqlite:///t.db", "DB_URL=sqlite+aiosqlite:///:memory:")


@pytest.mark.parametrize(
    "text",
    [
        "import os\nif os.getenv('TESTING', '0') == '1': ...",
        SETTINGS + "class S(BaseSettings):\n    testing: bool = False",
    ],
)
def test_the_testing_switch_is_set_where_it_is_read(project: Project, text: str) -> None:
    """With a default or without."""
    assert found(project.write({"config.py": text})).lines == ("TESTING=true",)


def test_a_need_says_where_it_is_read(project: Project) -> None:
    """The first place counts; later ones add nothing."""
    text = "import os\na = os.environ['DATABASE_URL']\nb = os.environ['DATABASE_URL']"
    (need,) = found(project.write({"config.py": text})).needs
    assert (need.file, need.line) == (project.root / "config.py", 2)


def test_other_values_are_only_listed(project: Project) -> None:
    """A secret key is not ours to invent; one in the local .env needs no remark."""
    text = SETTINGS + "class S(BaseSettings):\n    secret_key: str\n    smtp_host: str"
    environment = found(project.write({"config.py": text, ".env": "# mine\nexport SMTP_HOST=x\n"}))
    assert environment.lines == ()
    assert [need.name for need in environment.unknown] == ["SECRET_KEY"]


@pytest.mark.parametrize("values", [{"env": "D:DATABASE_URL=x"}, {"hermetic_env": ["DATABASE_URL=x"]}])
def test_what_the_ini_file_gives_is_not_needed(project: Project, values: dict[str, object]) -> None:
    """By pytest-env, or by hermetic itself."""
    project.write({"config.py": "import os\nurl = os.environ['DATABASE_URL']"})
    assert found(project, **values) == Environment((), (), ())
