"""Which metadata holds the application's tables, and from where to import it."""

from __future__ import annotations

import pytest

from hermetic.source.roots import ImportRoot
from hermetic.source.schema import find_metadata, find_startup_tables, running_modules
from tests.source.projects import MODELS, Project


def targets(project: Project, application: str = "main.py") -> list[tuple[str, int]]:
    """Return the metadata and the number of tables of each."""
    path = project.root / application
    if not path.exists():
        project.write({application: ""})
    return [(m.target, m.tables) for m in find_metadata(project.symbols(), ImportRoot(project.root), path)]


MODEL = "class User(Base):\n    __tablename__ = 'users'\n"


@pytest.mark.parametrize(
    "text",
    [
        MODELS,
        f"from sqlalchemy import orm\nclass Base(orm.DeclarativeBase): ...\n{MODEL}",
        f"import sqlalchemy.orm\nBase = sqlalchemy.orm.declarative_base()\n{MODEL}",
        f"from sqlalchemy.ext.declarative import declarative_base\nBase = declarative_base()\n{MODEL}",
        f"from sqlalchemy.orm import registry\nBase = registry().generate_base()\n{MODEL}",
        f"from sqlalchemy.orm import as_declarative\n@as_declarative()\nclass Base: ...\n{MODEL}",
        "from sqlalchemy.orm import DeclarativeBase as D\nclass Base(Mixin, D): ...\nclass Sub(Base):\n"
        "    __abstract__ = True\nclass User(Other, Sub): ...",
        "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ...\nclass Sub(Base):\n"
        "    __abstract__: bool = True\nclass User(Sub): ...",
        "from typing import Type\nfrom sqlalchemy.orm import DeclarativeBase\n"
        "class Base(DeclarativeBase): ...\nOther: Type[DeclarativeBase] = Base\nclass User(Other): ...",
        "from sqlalchemy.orm import DeclarativeBase, registry\nr = registry()\nclass Base(DeclarativeBase):\n"
        f"    registry = r\n{MODEL}",
    ],
)
def test_each_way_to_write_a_base_is_seen(project: Project, text: str) -> None:
    """Classes, functions, decorators and registries; abstract classes are no tables."""
    assert targets(project.write({"models.py": text})) == [("models:Base.metadata", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "class Base: ...\nclass User(Base): ...",
        "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ...",
        "from sqlalchemy import MetaData\nmetadata = MetaData()",
        "from sqlmodel import SQLModel\nclass HeroIn(SQLModel): ...",
        "from sqlmodel import SQLModel\nclass Hero(SQLModel, table=False): ...",
        "from sqlalchemy import Table\nt = Table('a')\nu = Table('b', make())\nw = Table('c', other)\nx = f(1, 2)",
        "from sqlalchemy import Table\nother = 3\nw = Table('c', other)",
        "from sqlalchemy import Table\nfrom lib import Base\nt = Table('a', Base.metadata)",
        "class A(A): ...\nclass B(C): ...\nclass C(B): ...",
        "x = f()\nclass A(x): ...\ny = x.z()",
    ],
)
def test_what_has_no_tables_is_left_out(project: Project, text: str) -> None:
    """A base without models, schemas without ``table=True`` and tables of unknown metadata are no answer."""
    assert targets(project.write({"models.py": text})) == []


def test_the_module_that_brings_in_the_tables_is_named(project: Project) -> None:
    """``db.py`` defines the base, but importing it makes no table; ``models.py`` does both."""
    project.write(
        {
            "db.py": "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ...",
            "models.py": f"from db import Base as B\nclass User(B): ...\n{MODEL.replace('Base', 'B')}",
        }
    )
    assert targets(project) == [("models:B.metadata", 1)]


def test_a_package_that_imports_every_model_is_named(project: Project) -> None:
    """Models in several modules are all reached by their package."""
    project.write(
        {
            "models/__init__.py": "from .base import Base\nfrom . import user\nimport models.task",
            "models/base.py": "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ...",
            "models/user.py": "from .base import Base\nclass User(Base): ...",
            "models/task.py": "from .base import Base\nclass Task(Base): ...",
        }
    )
    assert targets(project) == [("models:Base.metadata", 2)]


def test_an_import_for_type_checkers_brings_nothing_in(project: Project) -> None:
    """What stands under TYPE_CHECKING does not run."""
    project.write(
        {
            "db.py": "from typing import TYPE_CHECKING\nfrom sqlalchemy.orm import DeclarativeBase\n"
            "if TYPE_CHECKING:\n    import models\nclass Base(DeclarativeBase): ...",
            "models.py": "from db import Base\nclass User(Base): ...",
        }
    )
    assert targets(project) == [("models:Base.metadata", 1)]


def test_tables_on_a_metadata_count(project: Project) -> None:
    """Core tables need no ``.metadata``: the object itself is named."""
    text = "import sqlalchemy as sa\nmeta = sa.MetaData()\na = sa.Table('a', meta)\nb = sa.Table('b', meta)"
    assert targets(project.write({"tables.py": text})) == [("tables:meta", 2)]


@pytest.mark.parametrize(
    "base",
    [
        "class Base(DeclarativeBase):\n    x = y = 1\n    metadata = meta",
        "Base = declarative_base(metadata=meta)",
    ],
)
def test_a_metadata_that_is_given_to_a_base_is_the_bases(project: Project, base: str) -> None:
    """Tables on it and models of the base are one collection."""
    text = f"""
from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase, declarative_base
meta = MetaData(naming_convention={{}})
{base}
class User(Base): ...
link = Table('link', meta)
other = Table('other', Base.metadata)
"""
    assert targets(project.write({"models.py": text})) == [("models:Base.metadata", 3)]


def test_another_word_for_a_bases_metadata_is_the_bases(project: Project) -> None:
    """``metadata = Base.metadata``, by which the tables are made; what another library has under such a name is not."""
    text = "from sqlalchemy import Table\nfrom sqlalchemy.orm import declarative_base\nimport other\n"
    text += "Base = declarative_base()\nmetadata = Base.metadata\ntheirs = other.Base.metadata\nodd = f().metadata\n"
    text += (
        "a = Table('a', metadata)\nb = Table('b', metadata)\nc = Table('c', theirs)\nd = Table('d', odd)\n"
    )
    assert targets(project.write({"models.py": text})) == [("models:Base.metadata", 2)]


@pytest.mark.parametrize(
    "mapped",
    [
        "t = Table('t', mappers.metadata)",
        "@mappers.mapped\nclass User:\n    __tablename__ = 'users'",
        "@mappers.mapped_as_dataclass(kw_only=True)\nclass User:\n    __tablename__ = 'users'",
        "class Base(metaclass=Meta):\n    registry = other\nt = Table('t', meta)",
        "@other.mapped\n@f().x\nclass No: ...\nt = Table('t', meta)",
    ],
)
def test_a_registry_has_tables_without_a_base(project: Project, mapped: str) -> None:
    """Classes are mapped by its decorators, or to tables on its MetaData."""
    text = "from sqlalchemy import MetaData, Table\nfrom sqlalchemy.orm import registry\nimport other\n"
    text += f"meta = MetaData()\nmappers = registry(metadata=meta)\n{mapped}\n"
    assert targets(project.write({"tables.py": text})) == [("tables:mappers.metadata", 1)]


def test_a_base_that_a_registry_makes_has_its_tables(project: Project) -> None:
    """However far the MetaData comes; what is given in a circle ends."""
    text = "from sqlalchemy import MetaData, Table\nfrom sqlalchemy.orm import declarative_base, registry\n"
    text += "m = MetaData()\nr = registry(metadata=m)\nBase = r.generate_base()\nclass User(Base): ...\n"
    text += "link = Table('link', m)\nlog = Table('log', r.metadata)\n"
    text += "A = declarative_base(metadata=B)\nB = declarative_base(metadata=A)\nclass Odd(A): ...\n"
    assert targets(project.write({"models.py": text}))[0] == ("models:Base.metadata", 3)


def test_models_on_a_librarys_base_lead_to_its_metadata(project: Project) -> None:
    """By whichever of its bases, and by a class of one's own in between; a mixin of a library is no base."""
    text = "from advanced_alchemy.base import BigIntAuditBase, UUIDBase\nclass Own(UUIDBase):\n"
    text += "    __abstract__ = True\nclass Deck(Own):\n    __tablename__ = 'decks'\n"
    text += "class Card(BigIntAuditBase):\n    __tablename__ = 'cards'\nclass Plain(BigIntAuditBase): ...\n"
    text += "class Circle(Circle):\n    __tablename__ = 'circles'\n"
    assert targets(project.write({"models.py": text})) == [("models:Deck.metadata", 2)]
    mixed = "from fastapi_users.db import UserTable\nfrom sqlalchemy.orm import declarative_base\n"
    mixed += "Base = declarative_base()\nclass User(UserTable, Base):\n    __tablename__ = 'users'\n"
    assert targets(project.write({"models.py": mixed})) == [("models:Base.metadata", 1)]


def test_tables_that_no_run_comes_to_are_left_out(project: Project) -> None:
    """A script's own MetaData beside the application's, which a function imports."""
    project.write(
        {
            "main.py": "def start():\n    import models",
            "models.py": MODELS,
            "copying.py": "from sqlalchemy import MetaData, Table\nm = MetaData()\nt = Table('t', m)",
        }
    )
    assert targets(project) == [("models:Base.metadata", 1)]


def test_a_class_that_is_no_base_may_have_a_metadata(project: Project) -> None:
    """An attribute of that name in another class, or a call, ties nothing together."""
    text = "from sqlalchemy import MetaData, Table\nm = MetaData()\nclass Other:\n    metadata = m\n"
    text += "class Inline:\n    metadata = MetaData()\nt = Table('t', m)\n"
    assert targets(project.write({"models.py": text})) == [("models:m", 1)]


def test_models_of_a_generic_class_hang_on_its_base(project: Project) -> None:
    """``class IntModel(Model[int])``."""
    text = "from sqlmodel import SQLModel\nclass Model(SQLModel, Generic[T]): ...\nclass IntModel(Model[int]): ...\n"
    project.write(
        {"main.py": "from heroes import Hero", "heroes.py": text + "class Hero(IntModel, table=True): ...\n"}
    )
    assert targets(project) == [("sqlmodel:SQLModel.metadata", 1)]


def test_sqlmodel_is_named_by_itself_where_the_application_brings_the_tables_in(project: Project) -> None:
    """The application is imported before the tables are looked for."""
    hero = "from sqlmodel import SQLModel, Table\nclass Hero(SQLModel, table=True): ...\n"
    link = "from sqlalchemy import Table\nlink = Table('link', SQLModel.metadata)\n"
    project.write({"main.py": "from heroes import Hero", "heroes.py": hero + link})
    assert targets(project) == [("sqlmodel:SQLModel.metadata", 2)]


def test_sqlmodel_is_named_in_a_module_with_the_tables_where_the_application_does_not(
    project: Project,
) -> None:
    """Importing that module makes them known."""
    project.write({"heroes.py": "from sqlmodel import SQLModel\nclass Hero(SQLModel, table=True): ..."})
    assert targets(project) == [("heroes:SQLModel.metadata", 1)]


def test_sqlmodel_behind_another_name_is_still_sqlmodels(project: Project) -> None:
    """Where no module binds the class, its own package does."""
    project.write({"heroes.py": "import sqlmodel\nclass Hero(sqlmodel.SQLModel, table=True): ..."})
    assert targets(project) == [("sqlmodel:SQLModel.metadata", 1)]


def test_two_bases_are_two_answers(project: Project) -> None:
    """The one with more tables comes first."""
    base = "from sqlalchemy.orm import DeclarativeBase\nclass {0}(DeclarativeBase): ...\n"
    project.write(
        {
            "a.py": base.format("Small") + "class X(Small): ...",
            "b.py": base.format("Big") + "class Y(Big): ...\nclass Z(Big): ...",
        }
    )
    assert targets(project) == [("b:Big.metadata", 2), ("a:Small.metadata", 1)]


def test_metadata_outside_the_import_root_is_left_out(project: Project) -> None:
    """What cannot be imported cannot be named."""
    project.write({"my models.py": MODELS})
    assert targets(project) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\nasync def f(c):\n    await c.run_sync(Base.metadata.create_all)", 3),
        ("def f(db):\n    db.execute('''\n        create table notes (id)''')", 2),
        ("x = 'how to CREATE TABLE'\ny = b'CREATE TABLE'", None),
        ("\nRegisterTortoise(app, generate_schemas=True)", 2),
        ("register_tortoise(app, generate_schemas=False)", None),
        ("await Tortoise.generate_schemas()", 1),
        ("from aerich import Command\nasync def f():\n    await Command(settings).init_db(safe=True)", 3),
        ("await other.init_db()", None),
        ("await create_db_tables(Note, if_not_exists=True)", 1),
    ],
)
def test_tables_made_by_the_application_itself_are_found(
    project: Project, text: str, line: int | None
) -> None:
    """``create_all``, its kin and CREATE TABLE count where they are called, not where they are talked about."""
    found = find_startup_tables(project.write({"main.py": text}).symbols().sources.production)
    assert (found.line if found else None) == line


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        ("import app.db", ["__init__.py", "db.py", "main.py"]),
        ("def lifespan():\n    from . import db", ["__init__.py", "db.py", "main.py"]),
        ("", ["__init__.py", "main.py"]),
    ],
)
def test_commands_beside_the_application_are_no_part_of_its_run(
    project: Project, main: str, expected: list[str]
) -> None:
    """What it imports is, in functions too; where the application is not known, anything may be."""
    symbols = project.write(
        {"app/__init__.py": "", "app/main.py": main, "app/db.py": "", "cli.py": ""}
    ).symbols()
    found = running_modules(symbols, project.root / "app/main.py")
    assert [module.path.name for module in found] == expected
    assert running_modules(symbols, None) == symbols.sources.production
