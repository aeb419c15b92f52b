"""Which application is found, and which of several is chosen."""

from __future__ import annotations

import pytest

from hermetic.source.applications import find_applications
from tests.source.projects import APP, Project


def names(project: Project, entrypoint: str = "") -> list[str]:
    """Return the applications found, the chosen one first."""
    return [f"{app.file.stem}:{app.name}" for app in find_applications(project.symbols(), entrypoint)]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "from starlette.applications import Starlette\napp = Starlette()",
        "from fastapi import APIRouter\napp = APIRouter()",
        "def create():\n    return dict()",
        "def recursive():\n    return recursive()",
        "app = make()()",
        "from missing import make\napp = make()",
        "class Own(Own):\n    pass\napp = Own()",
        "async def create():\n    from fastapi import FastAPI\n    return FastAPI()",
        "app: int = 3",
        "app = wrap(app)",
        "app = other = {}\napp = wrap(app)",
        "import fastapi.FastAPI.x\ndef one(debug: bool):\n    return two()\ndef two():\n    return one()",
    ],
)
def test_what_is_no_application_is_left_alone(project: Project, text: str) -> None:
    """Other frameworks' applications, routers and functions that return something else do not count."""
    assert names(project.write({"main.py": text})) == []


@pytest.mark.parametrize(
    "text",
    [
        APP,
        "import fastapi\napp = fastapi.FastAPI(title='x')",
        "import fastapi as f\napp = f.FastAPI()",
        "from fastapi import FastAPI as F\napp: F = F()",
        "from fastapi import FastAPI\nif True:\n    app = FastAPI()",
        "try:\n    from fastapi import FastAPI\nexcept ImportError:\n    raise\nelse:\n    app = FastAPI()",
        "from fastapi import FastAPI\nclass Own(FastAPI):\n    pass\napp = Own()",
        "from fastapi import FastAPI\nfrom lib import build\napp: FastAPI = build()",
        "from fastapi import FastAPI\nfrom m import Wrapped\napp = FastAPI()\napp = Wrapped(app)",
    ],
)
def test_each_way_to_make_an_instance_is_seen(project: Project, text: str) -> None:
    """However FastAPI is imported, subclassed, annotated or wrapped, ``app`` is the application."""
    assert names(project.write({"main.py": text})) == ["main:app"]


@pytest.mark.parametrize(
    "body",
    [
        "def create_app():\n    return FastAPI()",
        "def create_app():\n    app = FastAPI()\n    return app",
        "def create_app() -> FastAPI:\n    return build()",
        "def create_app(debug=False, *, title='x'):\n    if debug:\n        return FastAPI()\n    return None",
    ],
)
def test_each_way_to_write_a_factory_is_seen(project: Project, body: str) -> None:
    """By what it returns, or by what it says it returns."""
    (app,) = find_applications(project.write({"main.py": f"from fastapi import FastAPI\n{body}\n"}).symbols())
    assert (app.name, app.is_factory, app.required) == ("create_app", True, ())


def test_what_a_module_makes_when_asked_by_name_is_no_factory(project: Project) -> None:
    """``__getattr__`` of a module is called by whoever imports a name that it has not."""
    text = "from fastapi import FastAPI\ndef make(): return FastAPI()\ndef __getattr__(name): return make()\n"
    assert names(project.write({"main.py": text})) == ["main:make"]


def test_a_factory_that_needs_arguments_comes_last(project: Project) -> None:
    """hermetic calls a factory without any, so one that needs some is no good, and is told by their names."""
    text = "from fastapi import FastAPI\ndef create(url, *, key, size=1) -> FastAPI: ...\nz = FastAPI()\n"
    apps = find_applications(project.write({"main.py": text}).symbols())
    assert [(app.name, app.required) for app in apps] == [("z", ()), ("create", ("url", "key"))]


def test_the_instance_goes_before_its_factory(project: Project) -> None:
    """``app = create_app()``, with the factory in another module, is an instance."""
    project.write(
        {
            "app/__init__.py": "",
            "app/factory.py": "from fastapi import FastAPI\ndef create_app():\n    return FastAPI()",
            "app/main.py": "from .factory import create_app\napp = create_app()",
        }
    )
    assert names(project) == ["main:app", "factory:create_app"]


def test_a_mounted_application_goes_behind_the_one_that_mounts_it(project: Project) -> None:
    """A sub-application is found, and is not chosen, although its file has the better name."""
    project.write(
        {
            "main.py": APP,
            "site.py": APP.replace("app", "z") + "from main import app as sub\nz.mount('/a', app=sub)",
        }
    )
    assert names(project) == ["site:z", "main:app"]


def test_a_factory_whose_result_is_mounted_is_a_sub_application(project: Project) -> None:
    """``app.mount("/v1", create_v1())`` mounts what the factory makes."""
    text = "from fastapi import FastAPI\ndef create():\n    return FastAPI()\nz = FastAPI()\nz.mount('/a', create())"
    assert names(project.write({"main.py": text})) == ["main:z", "main:create"]


def test_an_application_is_found_under_any_name(project: Project) -> None:
    """A class of the project's own, a factory's result, both imported under other names: no word tells."""
    project.write(
        {
            "base.py": "from fastapi import FastAPI as Base\nclass Shop(Base): ...\n",
            "names.py": "from base import Shop as Service\n",
            "factory.py": "from names import Service as S\ndef build():\n    return S()\n",
            "main.py": "from factory import build as make\napp = make()\n",
            "other.py": "def build():\n    return 1\n",
        }
    )
    assert names(project) == ["main:app", "factory:build"]


def test_what_the_tests_import_under_another_name_goes_first(project: Project) -> None:
    """Through a module that has it under a name of its own, too."""
    project.write({"main.py": APP, "other.py": APP, "names.py": "from other import app as service"})
    project.write({"tests/test_a.py": "from names import service as application"})
    assert names(project) == ["other:app", "main:app"]


def test_what_the_tests_import_goes_first(project: Project) -> None:
    """The tests know which application they test."""
    project.write({"main.py": APP, "other.py": APP, "tests/test_a.py": "from other import app"})
    assert names(project) == ["other:app", "main:app"]


@pytest.mark.parametrize(
    "text",
    [
        "from app.main import create",
        "from app import main\nmain.create()",
        "import app.main\napp.main.create()",
    ],
)
def test_a_factory_that_the_tests_import_goes_before_its_instance(project: Project, text: str) -> None:
    """Whether by its name or in its module: what they test is what they make."""
    main = "from fastapi import FastAPI\ndef create():\n    return FastAPI()\napp = create()\n"
    project.write({"app/__init__.py": "", "app/main.py": main, "tests/test_a.py": text})
    assert names(project) == ["main:create", "main:app"]


def test_an_application_with_routers_goes_before_one_with_routes(project: Project) -> None:
    """Routers before own routes before none, whatever the names."""
    project.write(
        {
            "main.py": APP + "@router.get('/')\ndef root(): ...\n",
            "routes.py": APP + "@app.get('/')\ndef root(): ...\n",
            "whole.py": APP + "app.include_router(router)\n",
        }
    )
    assert names(project) == ["whole:app", "routes:app", "main:app"]


def test_a_factory_that_includes_routers_is_the_real_one(project: Project) -> None:
    """What counts is what the factory does with the application it makes."""
    text = """
from fastapi import FastAPI
def bare():
    return FastAPI()
def whole():
    app = FastAPI()
    app.include_router(router)
    return app
"""
    assert names(project.write({"main.py": text})) == ["main:whole", "main:bare"]


def test_names_decide_last(project: Project) -> None:
    """main.py before app.py before others; ``app`` before other names; near the top before deep down."""
    text = "from fastapi import FastAPI\nzebra = FastAPI()\napp = FastAPI()"
    project.write({"a/other.py": APP, "a/app.py": APP, "a/main.py": APP, "main.py": text})
    assert names(project) == ["main:app", "main:app", "main:zebra", "app:app", "other:app"]


def test_the_entry_point_of_fastapis_own_command_wins(project: Project) -> None:
    """``[tool.fastapi] entrypoint`` says which one is served."""
    project.write({"main.py": APP, "pkg/__init__.py": APP, "odd.py": APP + "odd = FastAPI()\n"})
    assert names(project, "odd:odd")[0] == "odd:odd"
    assert names(project, "pkg:app")[0] == "__init__:app"


def test_tests_examples_and_migrations_hold_no_application(project: Project) -> None:
    """An application made by a test is not the one under test."""
    project.write(
        {"tests/main.py": APP, "examples/main.py": APP, "test_app.py": APP, "migrations/env.py": APP}
    )
    assert names(project) == []
