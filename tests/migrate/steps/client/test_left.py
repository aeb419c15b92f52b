"""What keeps a test as it is, and what is said of it. Nothing that stays is half converted."""

from __future__ import annotations

import pytest

from tests.migrate.steps.client.converting import convert
from tests.source.projects import Project

HEAD = """\
import pytest
from fastapi.testclient import TestClient

from app import app

client = TestClient(app)


"""
CASES = {
    "a lambda that is given away": ("HM822", "def test_it():\n    retry(lambda: client.get('/'))\n"),
    "a thread": ("HM823", "def test_it():\n    Thread(target=client.get, args=('/',)).start()\n"),
    "an executor": (
        "HM823",
        "async def test_it(loop):\n    await loop.run_in_executor(None, client.get, '/')\n",
    ),
    "a benchmark": ("HM823", "def test_it(benchmark):\n    benchmark(client.get, '/')\n"),
    "a function that is given to a thread": (
        "HM823",
        "def test_it():\n    def ask():\n        client.get('/')\n\n    Thread(target=ask).start()\n",
    ),
    "a library": ("HM824", "def test_it():\n    Sdk(client).call()\n"),
    "an attribute of a library's object": ("HM824", "def test_it(sdk):\n    sdk.client = client\n"),
    "a method of the suite's own": (
        "HM824",
        "def test_it(monkeypatch):\n    monkeypatch.setattr(client, 'get', fake)\n    client.get('/')\n",
    ),
    "raises with a function": ("HM824", "def test_it():\n    pytest.raises(ValueError, client.get, '/')\n"),
    "a decorator": ("HM825", "@retry(3)\ndef test_it():\n    client.get('/')\n"),
    "a property": (
        "HM826",
        "class Page:\n    @property\n    def text(self):\n        return client.get('/').text\n\n\n"
        "def test_it():\n    assert Page().text\n",
    ),
    "a method that Python calls": (
        "HM826",
        "class Page:\n    def __init__(self):\n        self.text = client.get('/').text\n\n\n"
        "def test_it():\n    assert Page().text\n",
    ),
    "an event loop": (
        "HM826",
        "import asyncio\n\n\ndef test_it():\n    client.get('/')\n    asyncio.run(work())\n",
    ),
    "an event loop in a helper": (
        "HM826",
        "def wait(loop):\n    return loop.run_until_complete(work())\n\n\n"
        "def test_it(loop):\n    client.get('/')\n    wait(loop)\n",
    ),
    "a set-up of pytest's": (
        "HM826",
        "class TestIt:\n    def setup_method(self):\n        self.text = client.get('/').text\n\n"
        "    def test_it(self):\n        assert client.get('/').text == self.text\n",
    ),
    "a set-up of a class of unittest's": (
        "HM827",
        "import unittest\n\n\nclass ItTest(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n"
        "        cls.text = client.get('/').text\n\n    def test_it(self):\n        client.get(self.text)\n",
    ),
    "a fixture by name": (
        "HM829",
        "@pytest.fixture\ndef token():\n    return client.get('/').text\n\n\n"
        "def test_it(request):\n    assert request.getfixturevalue('token')\n",
    ),
    "TestClient's own": ("HM830", "def test_it():\n    client.portal.start_task_soon(app)\n"),
    "another backend": ("HM830", "def test_it():\n    TestClient(app, backend='trio').get('/')\n"),
    "several libraries": (
        "HM832",
        "import httpx\n\n\ndef test_it(remote):\n    one = client if remote else httpx.Client()\n    one.get('/')\n",
    ),
    "a generator that is not consumed": (
        "HM833",
        "def test_it():\n    texts = (client.get(path).text for path in '/')\n    assert texts\n",
    ),
    "a generator that returns a value": (
        "HM833",
        "@pytest.fixture\ndef token():\n    yield client.get('/').text\n    return 1\n\n\n"
        "def test_it(token):\n    assert token\n",
    ),
}


@pytest.mark.parametrize(("code", "text"), CASES.values(), ids=CASES)
def test_it_stays_and_says_why(project: Project, code: str, text: str) -> None:
    """Nothing changes; the reason has a code and names what stands in the way."""
    found = convert(project, {"tests/test_it.py": HEAD + text})
    if "def token" not in text:
        assert set(found.left.values()) == {code}
        assert all(found.why.values())
    assert found.texts["tests/test_it.py"] == HEAD + text


def test_the_steps_of_a_scenario_keep_a_client_of_their_own(project: Project) -> None:
    """pytest-bdd calls them with fixtures, and awaits none; a test beside them is converted."""
    fixture = "@pytest.fixture\ndef shop():\n    with TestClient(app) as shop:\n        yield shop\n"
    steps = "from pytest_bdd import given\n\n\n@given('nothing')\ndef empty(shop):\n    shop.delete('/')\n"
    files = {
        "tests/conftest.py": HEAD.replace("client = TestClient(app)", "") + fixture,
        "tests/test_steps.py": steps,
        "tests/test_it.py": "def test_it(shop):\n    shop.get('/')\n",
    }
    found = convert(project, files)
    assert (found.left, found.converted) == ({"empty": "HM825"}, {"test_it"})
    assert found.texts["tests/test_steps.py"] == steps.replace("shop", "sync_shop")
    assert "async def shop():" in found.texts["tests/conftest.py"]
    assert "\ndef sync_shop():" in found.texts["tests/conftest.py"]


def test_outside_the_tests_nothing_changes(project: Project) -> None:
    """A helper of the application that is given the client is left, and so is the test."""
    helper = "def seed(client):\n    client.post('/users')\n"
    text = HEAD + "from app import seed\n\n\ndef test_it():\n    seed(client)\n"
    found = convert(project, {"app/__init__.py": f"app = 1\n\n\n{helper}", "tests/test_it.py": text})
    assert found.left == {"test_it": "HM828"}
    assert "app/__init__.py" in str(found.why) or "`seed`" in found.why["test_it"]


def test_a_class_of_clients_outside_the_tests_stays(project: Project) -> None:
    """It was one of asynchronous clients then, and the tests that make one of it were not asynchronous."""
    files = {
        "app/__init__.py": "from app.clients import Tokens\n\napp = 1\n",
        "app/clients.py": "from fastapi.testclient import TestClient\n\n\nclass Tokens(TestClient):\n    token = 1\n",
        "tests/test_it.py": "from app import app\nfrom app.clients import Tokens\n\n\n"
        "def test_it():\n    assert Tokens(app).get('/')\n",
    }
    found = convert(project, files)
    assert found.texts == files
    assert not found.converted


def test_what_is_awaited_as_it_is_is_not_awaited_twice(project: Project) -> None:
    """A helper that is given a TestClient by nobody who is run, and an asynchronous client by others."""
    text = "async def ask(client=client):\n    return await client.get('/')\n"
    found = convert(project, {"tests/test_it.py": HEAD + text})
    assert "await (await" not in found.texts["tests/test_it.py"]


def test_a_test_that_fared_worse_stays(project: Project) -> None:
    """Others of the file are converted; it gets the client that it had."""
    text = HEAD + "def test_one():\n    client.get('/')\n\n\ndef test_two():\n    client.get('/')\n"
    keep = {"tests/test_it.py::test_two": ("HM851", "it failed")}
    found = convert(project, {"tests/test_it.py": text}, keep=keep)
    assert found.left == {"test_two": "HM851"}
    assert found.why == {"test_two": "it failed"}
    assert found.converted == {"test_one"}
    assert "def test_two():\n    sync_client.get('/')" in found.texts["tests/test_it.py"]


def test_what_cannot_be_there_twice_keeps_all_that_use_it(project: Project) -> None:
    """An autouse fixture that uses the client of a test that stays; each test says which one that is."""
    text = (
        "import pytest\nfrom fastapi.testclient import TestClient\n\nfrom app import app\n\n\n"
        "@pytest.fixture(autouse=True)\ndef client():\n    return TestClient(app)\n\n\n"
        "def test_one(client):\n    client.get('/')\n\n\ndef test_two(client):\n    Sdk(client)\n"
    )
    found = convert(project, {"tests/test_it.py": text})
    assert found.left == {"test_one": "HM831", "test_two": "HM824"}
    assert "`test_two`, which stays (HM824)" in found.why["test_one"]
    assert found.texts["tests/test_it.py"] == text


def test_a_helper_of_a_file_that_cannot_be_changed_is_there_once(project: Project) -> None:
    """Its copy for what stays would have another name, and that file goes on calling it by the one that it knows."""
    helper = HEAD + "def ask(client):\n    return client.get('/')\n\n\ndef test_one():\n    ask(client)\n"
    user = "from tests.test_it import ask, client\n\n\ndef test_two():\n    ask(client)\n"
    files = {"tests/__init__.py": "", "tests/test_it.py": helper, "tests/test_other.py": user}
    found = convert(project, files, fixed={"tests/test_other.py": "is read-only"})
    assert found.left == {"test_one": "HM831", "test_two": "HM835"}
    assert found.texts == files


def test_a_test_that_cannot_be_changed_keeps_its_fixture(project: Project) -> None:
    """Though none of its lines would be: with anyio's plugin a test must be async itself for an async fixture."""
    files = {
        "tests/conftest.py": HEAD + "@pytest.fixture\ndef ada():\n    return client.get('/').json()\n",
        "tests/test_it.py": "def test_one(ada):\n    assert ada\n",
        "tests/test_own.py": "import pytest\n\n\n@pytest.mark.anyio\nasync def test_own():\n    pass\n",
    }
    found = convert(project, files, "anyio", fixed={"tests/test_it.py": "is read-only"})
    assert found.left == {"test_one": "HM835"}
    assert found.texts["tests/conftest.py"] == files["tests/conftest.py"]


@pytest.mark.parametrize("is_run", [True, False])
def test_what_a_doctest_calls_cannot_be_awaited(project: Project, is_run: bool) -> None:
    """Where pytest runs the examples of docstrings: elsewhere one is only read."""
    helper = (
        'def ask():\n    """Ask.\n\n    >>> ask()\n    200\n    """\n    return client.get("/").status_code\n'
    )
    text = HEAD + helper + "\n\ndef test_it():\n    assert ask() == 200\n"
    settings = {"addopts": "--doctest-modules"} if is_run else {}
    found = convert(project, {"tests/test_it.py": text}, settings=settings)
    assert found.why == ({"test_it": "`ask` is called by a doctest, which cannot await it"} if is_run else {})


def test_the_first_of_several_reasons_is_told(project: Project) -> None:
    """In the order of the text, so that two runs say the same."""
    names = [f"Case{number}" for number in range(9)]
    helpers = [f"def ask_{name}():\n    {name}(client)\n\n\n" for name in names]
    calls = "".join(f"    ask_{name}()\n" for name in reversed(names))
    found = convert(project, {"tests/test_it.py": HEAD + "".join(helpers) + "def test_it():\n" + calls})
    assert found.why == {"test_it": "`client` is given to `Case0`"}
