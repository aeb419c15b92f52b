"""Which modules outside the tests' folders are the suite's."""

from __future__ import annotations

import pytest

from hermetic.source.suite_modules import loaded_by_pytest, named_plugins, with_helpers
from tests.source.projects import APP, MODELS, Project

FIXTURES = "import pytest\n@pytest.fixture\ndef tables(engine):\n    Base.metadata.create_all(engine)\n"
PACKAGE = {"src/shop/__init__.py": "", "src/shop/main.py": APP, "src/shop/testing/__init__.py": ""}


def helpers(project: Project, *plugins: str) -> list[str]:
    """Return the names of the modules that count among the tests by how they are used."""
    symbols = project.symbols()
    found = with_helpers(symbols, plugins).sources
    before = {module.path for module in symbols.sources.tests}
    return [module.path.name for module in found.tests if module.path not in before]


@pytest.mark.parametrize(
    "conftest",
    [
        "from shop.testing.db import tables",
        "from shop.testing import db",
        "from shop.testing.db import *",
        "def pytest_configure():\n    import shop.testing.db",
        "pytest_plugins = 'shop.testing.db'",
        "pytest_plugins: list[str] = ['other', 'shop.testing.db']",
    ],
)
def test_fixtures_in_the_package_are_found_through_imports(project: Project, conftest: str) -> None:
    """The suite handles the database: it is observed first, and the lines are listed."""
    files = {"src/shop/testing/db.py": FIXTURES, "src/tests/conftest.py": conftest}
    plan = project.write({**PACKAGE, "src/shop/models.py": MODELS, **files}).plan()
    assert plan.observes
    assert [(line.file.name, line.line, line.slug) for line in plan.superseded] == [
        ("db.py", 4, "create-all")
    ]


def test_what_makes_a_test_client_is_the_suites(project: Project) -> None:
    """Of a module that tests import, and the application does not, that says as much as pytest's name does."""
    project.write(
        {
            "shop/main.py": "from fastapi import FastAPI\n\napp = FastAPI()\n",
            "support/clients.py": "from fastapi.testclient import TestClient\n\n\nclass Tokens(TestClient): ...\n",
            "tests/test_a.py": "from support.clients import Tokens\n",
        }
    )
    assert helpers(project) == ["clients.py"]


def test_a_plugin_that_the_configuration_names_is_found(project: Project) -> None:
    """By ``-p``, by an entry point of the project, whether or not it imports pytest."""
    project.write({**PACKAGE, "src/shop/testing/db.py": "", "src/shop/testing/more.py": FIXTURES})
    assert helpers(project) == []
    assert helpers(project, "no:cacheprovider", "shop.testing.db") == ["db.py"]
    configuration = project.configuration(addopts="-q -pno:cacheprovider -p shop.testing.db -p")
    assert list(named_plugins(configuration)) == ["no:cacheprovider", "shop.testing.db", ""]
    text = "[project.entry-points.pytest11]\nshop = 'shop.testing.more'\n"
    assert project.write({"pyproject.toml": text}).plan().observes


def test_what_fixtures_import_beside_them_is_the_suites_too(project: Project) -> None:
    """Not what lies elsewhere: that is what they test."""
    project.write(
        {
            **PACKAGE,
            "src/shop/models.py": "",
            "src/shop/testing/db.py": f"from shop.testing.make import user\nfrom shop import models\n{FIXTURES}",
            "src/shop/testing/make.py": "",
            "src/shop/testing/unused.py": FIXTURES,
            "src/tests/test_a.py": "from shop.testing.db import tables\nimport shop.models",
        }
    )
    assert helpers(project) == ["db.py", "make.py"]


def test_what_the_application_imports_is_its_own(project: Project) -> None:
    """Even where it is for pytest, and whatever that imports in turn."""
    project.write(
        {
            **PACKAGE,
            "src/shop/main.py": f"{APP}def check():\n    from shop.testing import run\n",
            "src/shop/testing/run.py": "import pytest\nimport shop.testing.db\n",
            "src/shop/testing/db.py": FIXTURES,
            "src/tests/conftest.py": "import shop.testing.run",
        }
    )
    assert helpers(project) == []


def test_a_program_in_a_folder_of_tests_is_not_loaded_by_a_run(project: Project) -> None:
    """What the collected files, conftests and plugins import is, and the packages around it."""
    project.write(
        {
            **PACKAGE,
            "src/tests/conftest.py": "pytest_plugins = ['tests.plugins.db']\nfrom tests.more import x",
            "src/tests/plugins/__init__.py": "",
            "src/tests/plugins/db.py": "import tests.inner",
            "src/tests/inner.py": "",
            "src/tests/more.py": "x = 1",
            "src/tests/check.py": "import tests.used_by_check",
            "src/tests/used_by_check.py": "",
        }
    )
    symbols = project.symbols()
    found = {path.name for path in loaded_by_pytest(symbols, project.configuration())}
    assert {"conftest.py", "db.py", "inner.py", "more.py", "__init__.py"} <= found
    assert not {"check.py", "used_by_check.py"} & found
    named = project.configuration(python_files="check*.py", addopts="-p tests.more")
    found = {path.name for path in loaded_by_pytest(symbols, named)}
    assert {"check.py", "used_by_check.py", "conftest.py", "more.py"} <= found


def test_the_lines_of_a_program_are_none_of_the_suites(project: Project) -> None:
    """Somebody else starts it."""
    project.write({"tests/check.py": "e = create_async_engine(url)", "main.py": APP, "tests/test_a.py": ""})
    assert project.plan().superseded == ()
