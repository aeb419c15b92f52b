"""Which fixture a name stands for, what tests and fixtures ask for, and which marks they have."""

from __future__ import annotations

import pytest

from hermetic.source import fixtures
from hermetic.source.fixtures import Suite
from tests.source.projects import Project

FIXTURE = "import pytest\n\n@pytest.fixture\ndef {name}({asks}): ...\n"


def suite(project: Project, files: dict[str, str], **values: object) -> Suite:
    """Return the suite of a project of some files."""
    return Suite(project.write(files).symbols(), project.configuration(**values))


def only_test(found: Suite) -> fixtures.Test:
    """Return the one test of a suite."""
    (test,) = found.tests
    return test


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"tests/conftest.py": FIXTURE.format(name="db", asks="")}, "tests/conftest.py"),
        ({"conftest.py": FIXTURE.format(name="db", asks="")}, "conftest.py"),
        (
            {name: FIXTURE.format(name="db", asks="") for name in ("conftest.py", "tests/conftest.py")},
            "tests/conftest.py",
        ),
        ({"tests/other/conftest.py": FIXTURE.format(name="db", asks="")}, None),
        ({"tests/test_b.py": FIXTURE.format(name="db", asks="")}, None),
        (
            {
                "tests/fixtures.py": FIXTURE.format(name="db", asks=""),
                "tests/conftest.py": "from tests.fixtures import db",
            },
            "tests/fixtures.py",
        ),
        (
            {
                "tests/fixtures.py": FIXTURE.format(name="db", asks=""),
                "tests/conftest.py": "from tests.fixtures import *",
            },
            "tests/fixtures.py",
        ),
        ({"tests/plugin.py": FIXTURE.format(name="db", asks="")}, "tests/plugin.py"),
        (
            {"tests/conftest.py": "import pytest\n\n@pytest.fixture(name='db')\ndef made(): ..."},
            "tests/conftest.py",
        ),
        (
            {"tests/conftest.py": "from pytest import fixture as f\n\n@f()\ndef db(): ..."},
            "tests/conftest.py",
        ),
        (
            {"tests/conftest.py": "import pytest_asyncio as a\n\n@a.fixture\nasync def db(): ..."},
            "tests/conftest.py",
        ),
        ({"tests/conftest.py": "@fixture\ndef db(): ..."}, None),
    ],
)
def test_a_fixture_is_looked_for_upwards(
    project: Project, files: dict[str, str], expected: str | None
) -> None:
    """In the module, the conftests above it, then in plugins; what a module imports is its own."""
    found = suite(project, {**files, "tests/test_a.py": "def test(db): ..."})
    fixture = found.find("db", only_test(found).file)
    assert (str(fixture.file.relative_to(project.root.resolve())) if fixture else None) == expected


def test_a_class_has_fixtures_of_its_own(project: Project) -> None:
    """Which others do not see."""
    text = (
        "import pytest\n\nclass TestA:\n    @pytest.fixture\n    def db(self, settings): ...\n"
        "    def test(self, db): ...\n\nclass TestB:\n    @staticmethod\n    def test(db): ...\n"
    )
    found = suite(project, {"tests/test_a.py": text})
    first, second = found.tests
    assert list(found.closure(first)) == ["db"]
    assert list(found.closure(second)) == []
    assert found.fixtures[0].requests == ("settings",)


def test_a_class_has_the_fixtures_that_it_inherits(project: Project) -> None:
    """Its own first; those of the base from another file too, which are nearer than the module's."""
    made = "    @pytest.fixture({})\n    def {}(self): ...\n"
    base = "import pytest\n\nclass Base:\n" + made.format("", "db") + made.format("autouse=True", "clean")
    text = (
        "from tests.base import Base\n" + FIXTURE.format(name="db", asks="") + "\nclass TestA(Base):\n"
        "    def test(self, db): ...\n\nclass TestB(Base):\n"
        "    @pytest.fixture\n    def db(self, db): ...\n    def test(self, db): ...\n"
    )
    found = suite(project, {"tests/base.py": base, "tests/test_a.py": text})
    first, second = (found.closure(each) for each in found.tests)
    assert [first[name].file.name for name in ("db", "clean")] == ["base.py", "base.py"]
    assert second["db"].owner is found.tests[1].owner


def test_a_fixture_that_asks_for_its_own_name_is_given_the_one_above(project: Project) -> None:
    """The class's gets the module's, that the conftest's, and that none."""
    made = FIXTURE.format(name="db", asks="db")
    text = (
        made + "\nclass TestA:\n    @pytest.fixture\n    def db(self, db): ...\n    def test(self, db): ...\n"
    )
    found = suite(project, {"tests/conftest.py": made, "tests/test_a.py": text})
    of_class = found.given("db", only_test(found))
    assert of_class is not None and of_class.owner is not None
    of_module = found.given("db", of_class)
    assert of_module is not None and (of_module.file.name, of_module.owner) == ("test_a.py", None)
    of_conftest = found.given("db", of_module)
    assert of_conftest is not None and of_conftest.file.name == "conftest.py"
    assert found.given("db", of_conftest) is None


def test_a_test_has_what_its_fixtures_ask_for_and_what_is_always_there(project: Project) -> None:
    """``usefixtures`` and ``autouse`` included; of another folder nothing is always there."""
    always = FIXTURE.format(name="always", asks="").replace("fixture", "fixture(autouse=True)")
    files = {
        "tests/conftest.py": FIXTURE.format(name="db", asks="engine")
        + FIXTURE.format(name="engine", asks=""),
        "tests/a/conftest.py": always,
        "tests/b/conftest.py": always.replace("def always", "def another"),
        "tests/a/test_a.py": "import pytest\n\n@pytest.mark.usefixtures('db')\ndef test(): ...",
    }
    found = suite(project, files)
    assert set(found.closure(only_test(found))) == {"always", "db", "engine"}
    assert found.is_requested("db") and not found.is_requested("another")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@pytest.mark.anyio\ndef test(): ...", {"anyio"}),
        ("@mark.anyio\n@mark.asyncio(loop_scope='module')\ndef test(): ...", {"anyio", "asyncio"}),
        ("pytestmark = pytest.mark.anyio\ndef test(): ...", {"anyio"}),
        ("pytestmark = [pytest.mark.anyio, pytest.mark.slow]\ndef test(): ...", {"anyio", "slow"}),
        ("pytestmark = make()\ndef test(): ...", set()),
        ("def pytestmark(): ...\ndef test(): ...", set()),
        ("@pytest.mark.anyio\nclass TestA:\n    def test(self): ...", {"anyio"}),
        ("alias = pytest.mark.anyio\n@alias\ndef test(): ...", {"anyio"}),
        ("itself = itself()\n@itself\ndef test(): ...", set()),
        ("@other\ndef test(): ...", set()),
    ],
)
def test_marks_are_of_the_test_its_class_and_its_module(
    project: Project, text: str, expected: set[str]
) -> None:
    """By whatever name."""
    assert set(only_test(suite(project, {"tests/test_a.py": text})).marks) == expected


@pytest.mark.parametrize(
    ("files", "values", "expected"),
    [
        ({"tests/test_a.py": "def test_x(): ...\ndef helper(): ..."}, {}, ["test_x"]),
        ({"tests/a_test.py": "if True:\n    def test_x(): ..."}, {}, ["test_x"]),
        ({"tests/helpers.py": "def test_x(): ..."}, {}, []),
        (
            {"tests/check_a.py": "def check_x(): ..."},
            {"python_files": "check_*.py", "python_functions": "check"},
            ["check_x"],
        ),
        ({"tests/test_a.py": "class Helper:\n    def test_x(self): ..."}, {}, []),
        (
            {"tests/test_a.py": "class Helper:\n    def test_x(self): ..."},
            {"python_classes": "Help*"},
            ["test_x"],
        ),
        ({"tests/test_a.py": "class TestA(unittest.TestCase):\n    def test_x(self): ..."}, {}, []),
        ({"tests/test_a.py": "import pytest\n@pytest.fixture\ndef test_client(): ..."}, {}, []),
    ],
)
def test_what_pytest_collects_is_a_test(
    project: Project, files: dict[str, str], values: dict[str, object], expected: list[str]
) -> None:
    """By the names that its settings give."""
    assert [each.function.name for each in suite(project, files, **values).tests] == expected


@pytest.mark.parametrize(
    ("decorators", "is_async"),
    [
        ("@pytest.fixture", True),
        ("@pytest.fixture\n@asynccontextmanager", False),
        ("@other\n@pytest.fixture", True),
    ],
)
def test_a_wrapped_coroutine_function_is_none(project: Project, decorators: str, is_async: bool) -> None:
    """What stands between it and pytest decides."""
    found = suite(project, {"tests/conftest.py": f"import pytest\n{decorators}\nasync def db(): ..."})
    assert found.fixtures[0].is_async is is_async
