"""Names are followed through the files of a project."""

from __future__ import annotations

import ast

import pytest

from hermetic.source.symbols import Reference
from hermetic.source.syntax import import_target, statements
from tests.source.projects import Project


def resolved(project: Project, expression: str, file: str = "main.py") -> Reference | None:
    """Resolve an expression in a file of the project."""
    return project.symbols().resolve(project.root / file, ast.parse(expression, mode="eval").body)


@pytest.mark.parametrize(
    ("text", "expression", "expected"),
    [
        ("from a.b import C", "C", "a.b.C"),
        ("from a.b import C as D", "D.x", "a.b.C.x"),
        ("import a", "a.b.C", "a.b.C"),
        ("import a.b", "a.b.C", "a.b.C"),
        ("import a.b as c", "c.C", "a.b.C"),
    ],
)
def test_a_name_of_another_package_is_its_full_name(
    project: Project, text: str, expression: str, expected: str
) -> None:
    """Whatever form the import has."""
    assert resolved(project.write({"main.py": text}), expression) == Reference(None, expected)


@pytest.mark.parametrize("expression", ["unknown", "f()", "x[0]", "unknown.attribute", "f().x"])
def test_what_is_no_known_name_is_nothing(project: Project, expression: str) -> None:
    """Unknown names, calls and subscripts stand for nothing that can be told."""
    assert resolved(project.write({"main.py": ""}), expression) is None


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("from pkg.db import Base", "Base"),
        ("from pkg import db", "db.Base"),
        ("import pkg.db", "pkg.db.Base"),
        ("import pkg.db as d", "d.Base"),
        ("from pkg import Base", "Base"),
        ("from pkg import *", "Base"),
        ("from nowhere import *\nfrom pkg.star import *", "Base"),
    ],
)
def test_a_name_of_the_project_is_followed_to_its_definition(
    project: Project, text: str, expression: str
) -> None:
    """Through submodules, re-exports and star imports."""
    project.write(
        {
            "main.py": text,
            "pkg/__init__.py": "from .db import Base",
            "pkg/db.py": "class Base: ...",
            "pkg/star.py": "from .db import *",
        }
    )
    assert resolved(project, expression) == Reference(project.root / "pkg/db.py", "Base")


def test_a_member_of_a_class_keeps_the_class(project: Project) -> None:
    """``Base.metadata`` is a name in the file of ``Base``."""
    project.write({"main.py": "from db import Base", "db.py": "class Base: ..."})
    assert resolved(project, "Base.metadata") == Reference(project.root / "db.py", "Base.metadata")


def test_namespace_packages_need_no_init_file(project: Project) -> None:
    """``from app import db`` finds app/db.py without an app/__init__.py."""
    project.write({"main.py": "from app import db", "app/db.py": "x = 1"})
    assert resolved(project, "db.x") == Reference(project.root / "app/db.py", "x")


def test_a_module_without_that_name_gives_nothing(project: Project) -> None:
    """Neither a plain module nor a package knows a name that nobody binds."""
    project.write({"main.py": "import a\nimport b", "a.py": "", "b/__init__.py": ""})
    assert resolved(project, "a.x") is None
    assert resolved(project, "b.x") is None


def test_a_folder_named_like_a_package_does_not_shadow_it(project: Project) -> None:
    """``core/fastapi/`` is no reason to think that ``fastapi`` is the project's."""
    project.write({"core/main.py": "from fastapi import FastAPI", "core/fastapi/__init__.py": ""})
    assert resolved(project, "FastAPI", "core/main.py") == Reference(None, "fastapi.FastAPI")


def test_imports_start_outside_packages(project: Project) -> None:
    """A module inside a package is not importable by its bare name."""
    project.write(
        {"main.py": "from redis import Redis", "core/__init__.py": "", "core/redis.py": "Redis = 1"}
    )
    assert resolved(project, "Redis") == Reference(None, "redis.Redis")


def test_imports_in_a_circle_end(project: Project) -> None:
    """Two modules that import a name from each other resolve it to nothing."""
    project.write({"main.py": "from a import x", "a.py": "from b import x", "b.py": "from a import x"})
    assert resolved(project, "x") is None


def test_star_imports_in_a_circle_end(project: Project) -> None:
    """Two modules that star-import each other resolve an unknown name to nothing."""
    project.write({"main.py": "from a import *", "a.py": "from main import *"})
    assert resolved(project, "x") is None


def test_the_last_definition_counts(project: Project) -> None:
    """A name that is bound again stands for what it was bound to last."""
    symbols = project.write({"main.py": "x = 1\ntry:\n    x: int = 2\nexcept E:\n    (x) = 3\n"}).symbols()
    definition = symbols.definition(symbols.lookup(project.root / "main.py", "x"))
    assert isinstance(definition, ast.Constant)
    assert definition.value == 3


def test_what_is_outside_the_project_has_no_definition(project: Project) -> None:
    """Neither nothing nor somebody else's name can be looked into."""
    symbols = project.symbols()
    assert symbols.definition(None) is None
    assert symbols.definition(Reference(None, "fastapi.FastAPI")) is None


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("from a.b import c", "a.b"),
        ("from . import c", "pkg.sub"),
        ("from .x import c", "pkg.sub.x"),
        ("from ..x import c", "pkg.x"),
    ],
)
def test_relative_imports_become_absolute(project: Project, statement: str, expected: str) -> None:
    """Dots are counted up from the module's own package."""
    project.write({"pkg/__init__.py": "", "pkg/sub/__init__.py": ""})
    node = ast.parse(statement).body[0]
    assert isinstance(node, ast.ImportFrom)
    assert import_target(node, project.root / "pkg/sub/module.py") == expected


def test_statements_run_with_the_module_and_not_those_of_functions() -> None:
    """Blocks are entered, function and class bodies are not."""
    text = "if a:\n b\nelse:\n c\ntry:\n d\nexcept E:\n e\nfinally:\n f\ndef g():\n h\nclass I:\n j"
    found = [ast.unparse(s) for s in statements(ast.parse(text).body) if isinstance(s, ast.Expr)]
    assert found == ["b", "c", "d", "f", "e"]


def test_an_init_in_a_folder_that_nobody_imports_by_name_makes_no_package(project: Project) -> None:
    """``from db import Base`` in ``src/``, or at the top of the repository, where somebody made an ``__init__.py``."""
    files = {"__init__.py": "", "src/__init__.py": "", "src/app/main.py": "from app.db import Base"}
    project.write({**files, "src/app/db.py": "class Base: ...", "src/main.py": "from app.main import Base"})
    base = Reference(project.root / "src/app/db.py", "Base")
    assert resolved(project, "Base", "src/app/main.py") == base
    assert resolved(project, "Base", "src/main.py") == base


def test_a_package_that_is_imported_by_its_name_is_no_place_to_import_from(project: Project) -> None:
    """``import redis`` in ``src`` means the library, though there is ``src/redis.py``."""
    project.write(
        {"src/__init__.py": "", "src/redis.py": "", "src/main.py": "import redis\nimport src.redis"}
    )
    assert resolved(project, "redis.Redis", "src/main.py") == Reference(None, "redis.Redis")
