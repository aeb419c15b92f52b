"""From each folder of a project, and of the repository around it, the answer is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.cli.init.setup_plan import make_plan
from hermetic.errors import ConfigurationError
from hermetic.source.project import read_project
from hermetic.source.sources import relative
from tests.source.projects import APP, MODELS, Project, versions

PACKAGE = {"__init__.py": "", "main.py": f"{APP}from app.models import User\n", "models.py": MODELS}


def under(folder: str, files: dict[str, str] = PACKAGE) -> dict[str, str]:
    """Return files, put into a folder."""
    return {f"{folder}/{name}": text for name, text in files.items()}


def answers(project: Project, *folders: str) -> list[dict[str, object]]:
    """Return what is planned from each folder: the file to write to, and the settings."""
    plans = [make_plan(project.root / folder, versions("pytest-asyncio")) for folder in folders]
    return [
        {
            "file": relative(plan.configuration.path, project.root),
            **{setting.key: setting.value for setting in plan.settings},
        }
        for plan in plans
    ]


SERVICE = {
    **under("backend/app"),
    "backend/tests/conftest.py": "",
    "other/tests/test_a.py": "",
    "docs/conf.py": "",
}


@pytest.mark.parametrize("top", [".git/HEAD", ".hg/x", ".github/workflows/ci.yml", ".gitlab-ci.yml"])
@pytest.mark.parametrize(
    ("files", "home"),
    [
        ({"backend/pytest.ini": ""}, "backend/pytest.ini"),
        ({"backend/pyproject.toml": "", "pyproject.toml": ""}, "backend/pyproject.toml"),
        ({"backend/requirements-dev.txt": ""}, "backend/pytest.ini"),
        ({"backend/pyproject.toml": "", "pytest.ini": ""}, "pytest.ini"),
        ({}, "pytest.ini"),
    ],
)
def test_every_folder_of_a_project_gives_the_same_answer(
    project: Project, top: str, files: dict[str, str], home: str
) -> None:
    """The repository's top, the project's, the application's and that of the tests."""
    project.write({top: "", **SERVICE, **files})
    first, *others = answers(project, ".", "backend", "backend/app", "backend/tests")
    assert (first["file"], first["hermetic_app"]) == (home, "app.main:app")
    assert others == [first] * 3


def test_tests_at_the_top_are_run_from_there(project: Project) -> None:
    """Whatever configuration the application's folder has."""
    project.write({".git/HEAD": "", **under("api/app"), "api/pyproject.toml": "", "tests/test_a.py": ""})
    first, second = answers(project, ".", "api")
    assert first == second
    assert (first["file"], first["pythonpath"]) == ("pytest.ini", "api")


def test_the_tests_of_another_project_do_not_count(project: Project) -> None:
    """Nor does a folder of tests with a configuration of its own make one."""
    project.write(
        {
            ".git/HEAD": "",
            **under("a/app"),
            "a/setup.py": "",
            "b/requirements.txt": "",
            "b/tests/test_b.py": "m.create_all(e)",
            "c/tests/pytest.ini": "[broken",
        }
    )
    assert [answer["file"] for answer in answers(project, ".", "a/app")] == ["a/pytest.ini"] * 2
    assert "hermetic" not in answers(project, ".")[0]


def test_a_project_inside_another_is_none_of_it(project: Project) -> None:
    """Unless it is imported; what lies below a folder of tests is the suite's."""
    project.write(
        {
            **PACKAGE,
            "pyproject.toml": "",
            "main.py": f"{APP}from inner.a import x\n",
            "inner/setup.py": "",
            "inner/inner/a.py": "import os\nx = os.environ['A_KEY']",
            "inner/inner/b.py": "import os\nx = os.environ['B_KEY']",
            "inner/tests/test_a.py": "m.create_all(e)",
            "tests/end/requirements.txt": "",
            "tests/end/test_a.py": "def event_loop(): ...\ne = create_async_engine(url)",
        }
    )
    plan = project.plan()
    assert [need.name for need in plan.environment.unknown] == ["A_KEY"]
    assert [line.slug for line in plan.superseded] == ["engine-per-test"]


def test_requirements_beside_the_modules_of_a_package_make_no_project(project: Project) -> None:
    """An image is often built from such a folder, and imports start above it all the same."""
    project.write({".git/HEAD": "", **under("app"), "app/requirements.txt": ""})
    assert [answer["file"] for answer in answers(project, ".", "app")] == ["pytest.ini"] * 2


def test_the_folder_that_was_asked_for_goes_first(project: Project) -> None:
    """Where one configuration serves several applications; one that is mounted in another is no answer."""
    project.write({".git/HEAD": "", "pytest.ini": "", "one/main.py": APP, "two/main.py": APP})
    mounting = f"{APP}from one.inner.sub import app as sub\napp.mount('/', sub)"
    project.write({"one/inner/sub.py": APP, "one/inner/up.py": mounting})
    found = [answer["hermetic_app"] for answer in answers(project, "one", "two", "one/inner")]
    assert found == ["one.main:app", "main:app", "one.inner.up:app"]
    assert answers(project, "two")[0]["pythonpath"] == "two"


def test_a_library_of_the_repository_is_not_taken_for_its_service(project: Project) -> None:
    """A folder that is a project without an application says so."""
    project.write({".git/HEAD": "", **SERVICE, "libs/shared/pyproject.toml": "", "libs/shared/shared.py": ""})
    with pytest.raises(ConfigurationError, match="No FastAPI application was found"):
        answers(project, "libs/shared")


WORKSPACE = {
    ".git/HEAD": "",
    "pyproject.toml": "",
    "services/api/pyproject.toml": "",
    "services/api/src/api/main.py": f"{APP}from shop.models.user import User\nfrom .db import x\nimport json",
    "services/api/src/api/__init__.py": "",
    "services/api/src/api/db.py": "x = 1",
    "services/api/tests/test_a.py": "from shop_testing import tables",
    "services/other/pyproject.toml": "",
    "services/other/src/api/db.py": "import os\nx = os.environ['OTHER_KEY']",
    "services/other/src/api/admin.py": APP,
    "packages/models/pyproject.toml": "",
    "packages/models/alembic.ini": "",
    "packages/models/src/shop/models/__init__.py": "from . import broken\nimport shop.core.config",
    "packages/models/src/shop/models/user.py": MODELS,
    "packages/models/src/shop/models/broken.py": "def f(:",
    "packages/core/setup.py": "",
    "packages/core/shop/core/config.py": "import os\nkey = os.environ['KEY']",
    "shop_testing.py": "import pytest\nm.create_all(e)",
}


@pytest.mark.parametrize("folder", [".", "services/api", "services/api/src/api"])
def test_what_is_imported_from_the_rest_of_the_repository_counts(project: Project, folder: str) -> None:
    """Models, settings and fixtures of other packages; what nobody imports does not."""
    plan = make_plan(project.write(WORKSPACE).root / folder, versions())
    settings = {setting.key: setting.value for setting in plan.settings}
    assert settings["hermetic_schema"] == "shop.models.user:Base.metadata"
    assert [need.name for need in plan.environment.unknown] == ["KEY"]
    assert [skip.path.name for skip in plan.sources.skipped] == ["broken.py"]
    assert plan.tables.migrations and plan.tables.migrations.file.parent.name == "models"
    assert [found.application.name for found in plan.choice.found] == ["app"]
    assert plan.observes


def test_an_application_beside_the_tests_project_is_found(project: Project) -> None:
    """Where what is tested lies in another package of the repository, and none in the project itself."""
    project.write(
        {".git/HEAD": "", "checks/pytest.ini": "", "checks/tests/test_a.py": "from shop.main import app"}
    )
    project.write({"packages/shop/pyproject.toml": "", "packages/shop/src/shop/main.py": APP})
    (answer,) = answers(project, "checks")
    assert (answer["file"], answer["hermetic_app"]) == ("checks/pytest.ini", "shop.main:app")
    assert answer["pythonpath"] == "../packages/shop/src"


def test_a_folder_above_the_repository_is_never_read(project: Project) -> None:
    """Its files are somebody else's."""
    project.write(
        {
            "main.py": APP,
            "pytest.ini": "[pytest]\nhermetic_app = x:y",
            "inner/.git/HEAD": "",
            "inner/a/b.py": "",
        }
    )
    with pytest.raises(ConfigurationError, match="No FastAPI application"):
        make_plan(Path(project.root / "inner" / "a"))


def test_a_module_called_setup_makes_no_project(project: Project) -> None:
    """In a package it is a module like others, and what makes the application may be there."""
    setup = "from fastapi import FastAPI\ndef create(title) -> FastAPI:\n    return FastAPI(title=title)\n"
    core = {
        "app/core/__init__.py": "",
        "app/core/setup.py": setup,
        "app/__init__.py": "",
        "requirements.txt": "",
    }
    project.write({**core, "app/main.py": "from app.core.setup import create\napp = create('x')\n"})
    assert project.settings()["hermetic_app"] == "app.main:app"


def test_a_plugin_that_the_configuration_names_is_read(project: Project) -> None:
    """From a package beside it that nothing imports; one that is installed is left to who installed it."""
    ini = "[pytest]\naddopts = -v -pshop.testing -p no:cacheprovider -p xdist\n"
    project.write(
        {
            ".git/HEAD": "",
            "service/pytest.ini": ini,
            **under("service/app"),
            "service/tests/test_a.py": "",
            "testing/pyproject.toml": "",
            "testing/src/shop/testing/__init__.py": "from shop.testing.made import app\n",
            "testing/src/shop/testing/made.py": "def app(): ...\n",
            "testing/src/shop/testing/unused.py": "",
        }
    )
    read = read_project(project.root / "service").sources.modules
    assert [path.name for path in read if "testing" in path.parts] == ["__init__.py", "made.py"]
