"""Asynchronous clients that a suite makes itself; what comes of the usual ones is in ``census/cases/recipes.txt``."""

from __future__ import annotations

import pytest

from hermetic.migrate.migration import Migration, migrate
from hermetic.migrate.step import TestName
from hermetic.migrate.steps.recipes import RECIPES
from tests.source.projects import Project

HEAD = "from httpx import ASGITransport, AsyncClient\nfrom app import app\n\n\n"
APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"
MADE = 'AsyncClient(transport=ASGITransport(app=app), base_url="http://test")'
NEW = 'AsyncTestClient(app, base_url="http://test", follow_redirects=False)'


def migrated(project: Project, body: str, **files: str) -> Migration:
    """Return what the step makes of a suite with one test file."""
    others = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    project.write({"app.py": APP, "tests/test_it.py": body, **others})
    found = migrate(project.root, steps=[RECIPES])
    assert not found.defects
    return found


def after(migration: Migration, name: str = "test_it.py") -> str:
    """Return what becomes of a file; empty where it stays."""
    return next((each.after.decode() for each in migration.changes if each.file.name == name), "")


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        ("AsyncClient(**options)", ""),
        ('AsyncClient(base_url="http://localhost:8000")', ""),
        ("AsyncClient(transport=transport_of(app))", ""),
        ("AsyncClient(transport=ASGITransport(app=app), **options)", "some of its arguments are computed"),
        ("AsyncClient(transport=ASGITransport(**options))", ""),
        ("AsyncClient(transport=unknown)", ""),
        (
            "AsyncClient(transport=ASGITransport(app=app), mounts={})",
            "AsyncTestClient has no argument mounts",
        ),
        ("AsyncClient(transport=ASGITransport(app, False))", "it is given arguments by position"),
    ],
)
def test_what_has_no_equal_is_left(client: str, reason: str, project: Project) -> None:
    """A client of a real server is nothing that was left; one of the application is, with a reason."""
    body = f"{HEAD}async def test_it():\n    async with {client} as client:\n        await client.get('/')\n"
    found = migrated(project, body)
    assert not found.changes
    assert [(each.code, each.text, each.line) for each in found.left] == (
        [("HM841", reason, 6)] if reason else []
    )


@pytest.mark.parametrize(
    "body",
    [
        f"{HEAD}async def test_it():\n    with {MADE} as client:\n        pass\n",
        "from async_asgi_testclient import TestClient\nclient = TestClient()\n",
    ],
)
def test_what_cannot_run_is_left(body: str, project: Project) -> None:
    """Whatever its author meant."""
    assert not migrated(project, body).changes


@pytest.mark.parametrize(
    "body",
    [
        f"async def test_it():\n    client = {MADE}\n    assert client._transport.app is app\n",
        f"async def test_it():\n    assert {MADE}._transport.app is app\n",
        f"def ask(client):\n    client._transport\n\nasync def test_it():\n    ask({MADE})\n",
    ],
)
def test_a_private_attribute_keeps_the_client(body: str, project: Project) -> None:
    """Nobody knows what is done with httpx's transport, wherever a client comes to."""
    found = migrated(project, f"{HEAD}{body}")
    assert not found.changes
    assert [each.text for each in found.left] == ["_transport is used in test_it.py"]


@pytest.mark.parametrize("word", ["stream=True", "scheme='https'"])
def test_a_request_without_an_equal_keeps_the_client(word: str, project: Project) -> None:
    """async-asgi-testclient has keywords that httpx2 has not: the request would be a TypeError."""
    head = "from async_asgi_testclient import TestClient\nfrom app import app\n\n\n"
    body = f"async def test_it():\n    client = TestClient(app)\n    await client.get('/', {word})\n"
    found = migrated(project, head + body)
    assert not found.changes
    assert [each.text for each in found.left] == [
        f"{word.partition('=')[0]}= is given to a request in test_it.py"
    ]


@pytest.mark.parametrize(
    "fixture", ["", "import pytest\n\n@pytest.fixture\ndef mock():\n    return Mock()\n"]
)
def test_such_an_attribute_of_something_else_keeps_none(fixture: str, project: Project) -> None:
    """A mock that is entered has a method of that name, in a file of its own or as a fixture."""
    given = "mock" if fixture else ""
    made = "" if fixture else "    mock = Mock()\n"
    other = (
        f"from unittest.mock import AsyncMock, Mock\n{fixture}\n"
        f"def test_mock({given}):\n{made}    mock.__aenter__ = AsyncMock()\n"
    )
    body = f"{HEAD}async def test_it():\n    async with {MADE} as client:\n        await client.get('/')\n"
    found = migrated(project, body, tests__test_mock=other)
    assert not found.left and NEW in after(found)


def test_a_suite_on_trio_keeps_its_clients(project: Project) -> None:
    """hermetic's client runs on asyncio only."""
    backend = "def anyio_backend(request): return request.param\n"
    conftest = f'import pytest\n@pytest.fixture(params=["asyncio", "trio"])\n{backend}'
    body = f"import pytest\n{HEAD}@pytest.mark.anyio\nasync def test_it():\n    client = {MADE}\n"
    found = migrated(project, body, tests__conftest=conftest)
    assert not found.changes
    assert [each.code for each in found.left] == ["HM842"]


def test_a_backend_of_one_file_is_not_that_of_another(project: Project) -> None:
    """Where trio is required and nobody says which backend it is, anyio's plugin runs the tests on both."""
    (project.root / "requirements.txt").write_text("anyio[trio]\n")
    test = f"import pytest\n{HEAD}@pytest.mark.anyio\nasync def test_it():\n    client = {MADE}\n"
    backend = "@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"
    found = migrated(project, test, tests__test_other=f"{test}{backend}")
    assert [(each.code, each.test.file.name) for each in found.left] == [("HM842", "test_it.py")]
    assert [each.file.name for each in found.changes] == ["test_other.py"]


def test_a_request_that_is_cancelled_keeps_its_client(project: Project) -> None:
    """httpx's transport runs the application in the task that is cancelled, hermetic's client in one of its own."""
    body = f"async def test_it(scope):\n    client = {MADE}\n    scope.cancel()\n"
    found = migrated(project, f"{HEAD}{body}")
    assert [(each.code, each.text.partition(",")[0]) for each in found.left] == [
        ("HM841", "a test cancels what it asks")
    ]


def test_a_test_that_fared_worse_keeps_its_client(project: Project) -> None:
    """And so does the fixture that it has; others of the file are converted."""
    fixture = (
        f"import pytest\n@pytest.fixture\nasync def client():\n    async with {MADE} as c:\n        yield c\n"
    )
    body = f"{HEAD}{fixture}async def test_a(client): ...\nasync def test_b():\n    client = {MADE}\n"
    project.write({"app.py": APP, "tests/test_it.py": body})
    kept = {TestName(project.root / "tests/test_it.py", "test_a"): ("HM814", "it failed")}
    found = migrate(project.root, steps=[RECIPES], keep=kept)
    assert [(each.test.path, each.code, each.text) for each in found.left] == [
        ("test_a", "HM814", "it failed")
    ]
    assert [test.path for test in found.converted] == ["test_b"]
    assert after(found).count("AsyncTestClient(") == 1


def test_an_application_that_sees_addresses_sees_the_same(project: Project) -> None:
    """httpx's transport says 127.0.0.1, hermetic's client testclient."""
    limited = "async def limited(request):\n    return request.client.host\n"
    body = f"{HEAD}async def test_it():\n    client = {MADE}\n"
    found = migrated(project, body, limits=limited)
    assert 'follow_redirects=False, client=("127.0.0.1", 123))' in after(found)


def test_errors_of_httpx_are_shown(project: Project) -> None:
    """What a response raises is httpx2's then; which of them are meant a person must say."""
    body = (
        f"import httpx\nimport pytest\n{HEAD}async def test_it():\n    client = {MADE}\n"
        "    with pytest.raises(httpx.HTTPStatusError):\n        (await client.get('/x')).raise_for_status()\n"
    )
    (review,) = migrated(project, body).review
    assert (review.line, review.text) == (
        9,
        "AsyncTestClient is httpx2's: what a response raises is httpx2.HTTPStatusError",
    )


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (f"    async with {MADE} as c: await c.get('/')", f"    c = {NEW}; await c.get('/')"),
        (
            f"    async with {MADE} as c:  # why\n        # first\n        await c.get('/')\n\n        x = 1",
            f"    c = {NEW}  # why\n    # first\n    await c.get('/')\n\n    x = 1",
        ),
        (
            f"    async with (\n        {MADE} as c,\n    ):\n        await c.get('/')",
            f"    c = {NEW}\n    await c.get('/')",
        ),
        (
            f"\tasync with {MADE} as c:\n\t\tif c:\n\t\t\tawait c.get('''\n\t\t''')",
            f"\tc = {NEW}\n\tif c:\n\t\tawait c.get('''\n\t\t''')",
        ),
        (
            f"    async with {MADE} as a:\n        async with {MADE} as b:\n            await a.get('/')",
            f"    a = {NEW}\n    b = {NEW}\n    await a.get('/')",
        ),
        (
            f"    async with (\n        {MADE} as c,  # who: us\n    ):\n        await c.get('/')",
            f"    c = {NEW}\n    await c.get('/')",
        ),
        (
            f"    async with sessions() as s, {MADE} as c: await c.get('/')",
            f"    async with sessions() as s: c = {NEW}; await c.get('/')",
        ),
        (
            "    t = ASGITransport(app=app)\n    a = AsyncClient(transport=t)\n    b = AsyncClient(transport=t)",
            "    a = AsyncTestClient(app, follow_redirects=False)\n"
            "    b = AsyncTestClient(app, follow_redirects=False)",
        ),
        (
            "    t = ASGITransport(app=app)\n    c = AsyncClient(transport=t)\n    print(t)",
            "    t = ASGITransport(app=app)\n    c = AsyncTestClient(app, follow_redirects=False)\n    print(t)",
        ),
        (f"    both = tuple({MADE} for _ in range(2))", f"    both = tuple({NEW} for _ in range(2))"),
        (f"    use({MADE})", f"    use({NEW})"),
        (f"    if c := {MADE}:\n        pass", f"    if c := {NEW}:\n        pass"),
        (f"    response = await {MADE}.get('/')", f"    response = await {NEW}.get('/')"),
        (f"    async with {MADE}:\n        pass", "    pass"),
    ],
)
def test_what_stood_in_a_block_stands_before_it(before: str, wanted: str, project: Project) -> None:
    """Comments, tabs and texts of many lines stay as they are; the lifespan still does not run."""
    found = migrated(project, f"{HEAD}async def test_it():\n{before}\n")
    assert after(found).partition("async def test_it():\n")[2] == f"{wanted}\n"


def test_a_client_goes_through_variables_and_fixtures(project: Project) -> None:
    """Wherever it is entered, it would run the lifespan."""
    body = (
        f"import pytest\n{HEAD}shared: AsyncClient = {MADE}\n@pytest.fixture\nasync def one():\n"
        "    async with shared as same:\n        mine = same\n        yield mine\n"
        "class TestOfOne:\n    async def test_it(self, one):\n        async with one as c:\n            pass\n"
        "async def helper():\n    return shared\nasync def test_other():\n    await helper()\ndef test_none(): ...\n"
    )
    found = migrated(project, body)
    assert "async with" not in after(found)
    assert sorted(test.path for test in found.converted) == ["TestOfOne::test_it", "test_other"]


def test_what_a_context_manager_gives_is_still_entered(project: Project) -> None:
    """The function that makes a client, and yields it, has to run on."""
    helper = f"@asynccontextmanager\nasync def made():\n    async with {MADE} as c:\n        yield c\n"
    test = "async def test_it():\n    async with made() as client:\n        pass\n"
    found = after(migrated(project, f"{HEAD}{helper}{test}"))
    assert found.endswith(f"    c = {NEW}\n    yield c\n{test}")


def test_two_transports_of_one_name_are_left(project: Project) -> None:
    """Which of them it is depends on what runs."""
    body = "async def test_it(x):\n    if x:\n        t = ASGITransport(app)\n    t = ASGITransport(app)\n"
    assert not migrated(project, f"{HEAD}{body}    client = AsyncClient(transport=t)\n").changes


def test_lines_of_a_call_move_with_it(project: Project) -> None:
    """As many as there were."""
    made = 'AsyncClient(\n            transport=ASGITransport(app), base_url="http://test"\n        )'
    lifespan = "async with app.router.lifespan_context(app):"
    body = f"async def test_it():\n    {lifespan}\n        async with {made} as c:\n            await c.get('/')\n"
    wanted = 'AsyncTestClient(\n        app, base_url="http://test", follow_redirects=False\n    )'
    assert after(migrated(project, f"{HEAD}{body}")).endswith(
        f"    async with {wanted} as c:\n        await c.get('/')\n"
    )


def test_a_client_that_a_stack_enters_is_entered_no_longer(project: Project) -> None:
    """Entered, it would run the lifespan."""
    helper = f"def made():\n    return {MADE}\n"
    stack = "async def test_it(stack):\n    client = await stack.enter_async_context(made())\n"
    assert after(migrated(project, f"{HEAD}{helper}{stack}")).endswith("    client = made()\n")


@pytest.mark.parametrize(
    ("imports", "wanted"),
    [
        (
            "import httpx\nif TYPE_CHECKING:\n    from httpx import AsyncClient\n",
            "from hermetic import AsyncTestClient\nif TYPE_CHECKING:\n    pass\n",
        ),
        (
            "import httpx\nfrom httpx import AsyncClient\n",
            "from hermetic import AsyncTestClient\n",
        ),
        (
            "import httpx as x\nimport httpx\nfrom httpx import AsyncClient\nx.URL\n",
            "import httpx as x\nfrom hermetic import AsyncTestClient\nx.URL\n",
        ),
    ],
)
def test_the_client_is_imported_where_it_is_made(imports: str, wanted: str, project: Project) -> None:
    """What is imported for type checkers alone is not there when the test runs."""
    made = MADE.replace("AsyncClient(", "httpx.AsyncClient(").replace("ASGITransport", "httpx.ASGITransport")
    body = f"{imports}from app import app\ndef made() -> AsyncClient:\n    return {made}\n"
    assert after(migrated(project, body)).startswith(f"{wanted}from app import app\n")


def test_an_import_in_a_function_stays_there(project: Project) -> None:
    """Another function's client is imported at the top."""
    inner = "    from httpx import ASGITransport, AsyncClient\n"
    body = f"import httpx\nfrom app import app\ndef one():\n{inner}    return {MADE}\n"
    assert "    from hermetic import AsyncTestClient\n" in after(migrated(project, body))
    assert after(migrated(project, body)).startswith("import httpx\nfrom app import app\n")


def test_line_ends_stay(project: Project) -> None:
    """Those of Windows too."""
    body = f"{HEAD}async def test_it():\n    async with {MADE} as c:\n        await c.get('/')\n"
    project.write({"app.py": APP})
    file = project.root / "tests" / "test_it.py"
    file.parent.mkdir()
    file.write_bytes(body.replace("\n", "\r\n").encode())
    (change,) = migrate(project.root, steps=[RECIPES]).changes
    assert change.after.count(b"\n") == change.after.count(b"\r\n") == body.count("\n")
    assert b"\r\n    await c.get('/')\r\n" in change.after


@pytest.mark.parametrize(
    "user",
    [
        "def test_it(event_loop): ...",
        'def test_it(request):\n    request.getfixturevalue("event_loop")',
    ],
)
def test_a_loop_that_something_asks_for_stays(user: str, project: Project) -> None:
    """It is the suite's own then."""
    body = f"import asyncio, pytest\n@pytest.fixture\ndef event_loop():\n    yield asyncio.new_event_loop()\n{user}\n"
    assert not migrated(project, body).changes


def test_a_loop_that_does_more_stays(project: Project) -> None:
    """What it does beside making a loop may be what it is for."""
    making = "    yield watched(asyncio.new_event_loop())\n"
    body = f"import asyncio, pytest\n@pytest.fixture\ndef event_loop():\n{making}def test_it(): ...\n"
    assert not migrated(project, body).changes


def test_a_loop_that_was_shared_is_shown(project: Project) -> None:
    """A setting says since pytest-asyncio 1 what the fixture said; where it is there, nothing is to be done."""
    making = "loop = asyncio.new_event_loop()\n    yield loop\n    loop.close()\n"
    fixture = f'@pytest.fixture(scope="session")\ndef event_loop():\n    {making}'
    body = f"import asyncio\nimport pytest\n\n\n{fixture}\n\nasync def test_it(): ...\n"
    found = migrated(project, body)
    assert after(found) == "import pytest\n\n\nasync def test_it(): ...\n"
    assert [(each.line, each.text.partition(";")[0]) for each in found.review] == [
        (6, "the fixture event_loop meant one event loop for each session")
    ]
    (project.root / "pytest.ini").write_text("[pytest]\nasyncio_default_test_loop_scope = session\n")
    assert not migrate(project.root, steps=[RECIPES]).review


def test_a_second_run_changes_nothing(project: Project) -> None:
    """What it has made is nothing that it looks for."""
    body = f"{HEAD}async def test_it():\n    async with {MADE} as c:\n        await c.get('/')\n"
    (change,) = migrated(project, body).changes
    change.file.write_bytes(change.after)
    assert not migrate(project.root, steps=[RECIPES]).changes


def test_the_example_is_true(project: Project) -> None:
    """What ``--explain`` shows comes of what it shows."""
    before, wanted = RECIPES.example
    assert after(migrated(project, before)) == wanted
