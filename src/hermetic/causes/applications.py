"""What an application needs in a test: its start-up, its dependencies, its settings, and a client."""

from __future__ import annotations

from hermetic.causes import Cause

LIFESPAN_NOT_RUN = Cause(
    "HM745",
    "The application's lifespan did not run",
    """
    What an application sets when it starts (`app.state`, a pool, a global) is there only if somebody starts it. A
    server does; httpx's `ASGITransport` does not, and `TestClient` does in a `with` only. Enter the lifespan around the
    client, `async with app.router.lifespan_context(app)`, or use the fixture `async_client`, which runs it.
    """,
)

LIFESPAN_STATE_NOT_PASSED = Cause(
    "HM746",
    "The state of the lifespan did not reach the request",
    """
    What a lifespan yields is given to each request by the server, as `request.state`. `LifespanManager` does so for
    who calls `manager.app`, not for who calls the application itself; `lifespan_context()` alone gives it to nobody.
    Give the client's transport `manager.app`, or use the fixture `async_client`.
    """,
)

LIFESPAN_OF_MOUNTED_APPLICATION = Cause(
    "HM747",
    "A mounted application's lifespan does not run",
    """
    A server starts the outermost application. Starlette does not start what is mounted in it, so that what such an
    application's own lifespan would set is missing, in tests and in production: the outer lifespan has to enter it.
    """,
)

LIFESPAN_RUN_AGAIN = Cause(
    "HM767",
    "The lifespan runs again while what it made is there",
    """
    A server starts an application once. In a test each fixture or block that enters its lifespan starts it, and a
    second start-up finds what the first one has made: its first rows, its tables, a scheduler that runs. Enter the
    lifespan in one fixture, for which the clients ask; `async_client` and `hermetic_lifespan` run it once a test.
    """,
)

STATE_OF_ANOTHER_TEST = Cause(
    "HM748",
    "app.state has what another test had set",
    """
    An application that all tests import is one object, and so is its `app.state`: what a test, or a fixture of some
    tests, sets there is there for those that run after it, and missing where it did not run: alone, in another order,
    on another worker. Set it in the lifespan, or in a fixture that each test which needs it asks for.
    """,
)

STATE_IS_DELETED = Cause(
    "HM749",
    "monkeypatch has deleted an attribute of app.state",
    """
    `app.state` keeps its attributes in a dictionary of its own. pytest 9's `monkeypatch.setattr(app.state, ...)` finds
    no such attribute on the object itself, and so deletes it when the patch is undone: the next test has none. Set it
    in a fixture that puts the old value back.
    """,
)

SESSION_OF_SEVERAL_REQUESTS = Cause(
    "HM760",
    "Several requests at once use one Session",
    """
    An override hands the test's own Session to every request. One Session has one transaction on one connection, which
    can do one thing at a time; requests that run at once disturb each other, as they never would in production, where
    each has its own. Delete the override: with hermetic each request commits by its own Session, and the database is
    put back after the test.
    """,
)

OVERRIDE_MATCHES_NOTHING = Cause(
    "HM761",
    "The override is of another import of the same file",
    """
    `dependency_overrides` knows a dependency by its function. A file that is imported under two names (`src.shop.db`
    and `shop.db`) has two functions for each that it defines: the application depends on one, and the test overrides
    the other. Import it under the name by which the application does, and keep one folder on the path.
    """,
)

OVERRIDE_OF_ANOTHER_APPLICATION = Cause(
    "HM766",
    "The override is set on another application",
    """
    Each application has its own `dependency_overrides`. Where a factory is called once for the override and once for
    the client, or a module with an application is imported under two names, there are two applications, and the one
    that gets the requests has no override. Make it once, in a fixture that both use.
    """,
)

OVERRIDE_OF_NO_DEPENDENCY = Cause(
    "HM773",
    "What is overridden is the dependency of no route",
    """
    FastAPI looks an override up by the very object that a route names in `Depends()`. `Depends(get_user)`, what calling
    it returns, its name, another function of the same factory (`require_role("admin")` makes one at each call) or
    another instance of the same class are other objects. And an application that is mounted in another one has
    overrides of its own, as it has routes of its own. Name the object that the route has, on the application that has
    the route.
    """,
)

OVERRIDE_TAKES_PARAMETERS = Cause(
    "HM762",
    "The parameters of an override are read from the request",
    """
    FastAPI treats an override as any dependency: a parameter that is not `Depends()` is a query parameter, and a
    request without it is answered by 422. A `Mock` has the parameters `args` and `kwargs`. Give it a function without
    any: `lambda: mock`.
    """,
)

ERROR_IS_RAISED_AGAIN = Cause(
    "HM763",
    "The client raises the application's exception instead of answering 500",
    """
    A server answers 500 where an application raises. A client for tests raises the exception, so that the test shows
    where it came from. A test that is about the answer itself says so to its client:
    `ASGITransport(app=app, raise_app_exceptions=False)`, or `raise_server_exceptions=False` of `TestClient` and of
    `AsyncTestClient`.
    """,
)

SETTINGS_READ_BEFORE = Cause(
    "HM764",
    "The settings were read before the variable was set",
    """
    Settings that a module makes, or that a function with `lru_cache` keeps, are read once: mostly when the application
    is imported. A variable that a test or a fixture sets later changes nothing. Clear the cache after setting it, patch
    the settings themselves, or have hermetic set the variable before anything is imported: `hermetic_env`.
    """,
)

OVERRIDE_IS_NOT_RUN = Cause(
    "HM765",
    "An override returns a generator that nobody runs",
    """
    FastAPI runs a dependency that is an async generator function, and gives what it yields. A lambda that calls such a
    function returns the generator itself, and that is what the endpoint gets. Let the function be the override:
    `app.dependency_overrides[get_session] = session_for_tests`.
    """,
)

PATCHED_ELSEWHERE = Cause(
    "HM774",
    "A name is patched that the code under test does not look up",
    """
    A patch changes one name of one module. A module that says `from app.services import send` has a name of its own for
    the function from then on, and looks that up: patch `app.routes.send`, where it is used, and not
    `app.services.send`, where it is defined. `Depends(get_user)` keeps the function itself, whatever its name becomes:
    what stands in for a dependency is set in `app.dependency_overrides`.
    """,
)

REDIRECTED = Cause(
    "HM775",
    "The request is redirected to the path with the other slash",
    """
    A route of `/users/` is not one of `/users`. Starlette answers a request for the other one by a redirect, 307, which
    httpx's clients do not follow unless they are told to. Write the path as the route has it; or give the client
    `follow_redirects=True`.
    """,
)

COOKIE_NOT_SENT = Cause(
    "HM776",
    "A Secure cookie is not sent over http",
    """
    A client gives a cookie that is set with `Secure` back over https only, and tests mostly talk to `http://test`: the
    cookie is kept, and no request has it. Give the client a `base_url` with https, which no transport in the process
    needs a certificate for; or have a setting say whether the cookie is Secure.
    """,
)

COUNTED_BEFORE = Cause(
    "HM777",
    "A limiter counts the requests of earlier tests",
    """
    A limiter keeps its counters in the process, and all tests come from one address: the limit is reached in whatever
    test happens to send one request too many. Hermetic puts the database back, and no counters in memory. Reset the
    limiter in a fixture, or switch it off for tests: slowapi's has `reset()` and `enabled`.
    """,
)

EXCEPTION_IS_AN_ANSWER = Cause(
    "HM791",
    "An exception of the endpoint is an answer",
    """
    FastAPI catches what its handlers are for, HTTPException and RequestValidationError among them, and answers with
    their status. The client gets that answer, in the same process, too, and `pytest.raises(HTTPException)` around a
    request waits for what never comes. Look at `response.status_code`.
    """,
)

FORM_FOR_JSON = Cause(
    "HM792",
    "A form is sent where JSON is read",
    """
    `client.post(url, data={...})` sends a form, as a browser does, `json={...}` sends JSON. An endpoint whose parameter
    is a pydantic model reads JSON and answers a form by 422: "Input should be a valid dictionary". Forms are for
    parameters that are declared by `Form()`, such as those of `OAuth2PasswordRequestForm`.
    """,
)

NONE_IN_A_PATH = Cause(
    "HM793",
    "None stands in the path of a request",
    """
    An f-string writes None as it writes anything else: `/users/None`. An object that is new has no id yet: the database
    gives it one at the INSERT, which `flush()` or `commit()` sends. And an answer that is an error has no "id" either,
    for which `get("id")` gives None.
    """,
)

OVERRIDE_IS_NO_FUNCTION = Cause(
    "HM794",
    "An override that cannot be called",
    """
    What stands in `app.dependency_overrides` for a dependency is called in its place, for each request. A session, a
    fake, or settings are no functions: "... is not a callable object". Give a function that returns it: `lambda: fake`.
    """,
)

STREAM_NEVER_ENDS = Cause(
    "HM797",
    "A stream without an end, and a client that waits for it",
    """
    `ASGITransport` of httpx and Starlette's `TestClient` collect an answer until the application has sent the last
    of it; `client.stream()` and `iter_lines()` get it only then. So a test of server-sent events, or of another
    stream that goes on until somebody hangs up, waits for ever, and no `timeout=` of the client's counts. The
    fixture `async_client` gives each part to the test when it is sent, and has the application see a disconnect at
    the end of the block. Where another client has collected a stream of events for 10 seconds, or another one for
    30, hermetic fails the request.
    """,
)

LOGGER_NOT_HEARD = Cause(
    "HM787",
    "A logger that caplog hears nothing of",
    """
    The fixture `caplog` listens at the root logger. A record does not get there where its logger, or one above it, has
    `propagate = False`, where its level is below the logger's (WARNING unless somebody says otherwise), or where the
    logger is disabled: `logging.config.fileConfig`, which the `env.py` of Alembic calls, and `dictConfig` disable each
    logger that is there and that they do not name, until the process ends. Give them `disable_existing_loggers=False`.
    """,
)

CONTEXT_VARIABLE_NOT_SET = Cause(
    "HM788",
    "A context variable that nobody has set here",
    """
    A ContextVar has a value in the task that sets it, and in those that it starts from then on. What a middleware sets
    is there for the request, and neither for the test that sent it nor for a lifespan, which is another task. Code that
    asks for it needs a value in a test that calls it without a request: set it there, and reset it afterwards.
    """,
)

REFUSED_BY_ANOTHER_DEPENDENCY = Cause(
    "HM782",
    "A dependency refuses that no override stands for",
    """
    An override stands for one dependency. Another one, of the router, of the application (`dependencies=[...]`) or
    of the endpoint, can refuse the request by itself, with 401 or 403, before the overridden one is asked for anything.
    Override that one as well, or send what it asks for. A middleware refuses before any dependency is asked, and no
    override reaches it: send what it asks for, or leave it out in tests.
    """,
)

REQUEST_IN_A_WEBSOCKET = Cause(
    "HM780",
    "A dependency of a websocket wants a request",
    """
    FastAPI gives a `Request` to dependencies of an HTTP endpoint, and a `WebSocket` to those of a websocket. One that
    has a parameter of the other kind, an override above all, fails as "missing 1 required positional argument". What
    both are is an `HTTPConnection`; an override that needs nothing of it has no parameter.
    """,
)

TASK_NOT_FINISHED = Cause(
    "HM805",
    "A test looked for what a task had not done yet",
    """
    A request that starts a task is answered before the task has done its work, and a test that looks for it at once
    looks too early. `await async_client.drain()` waits for all that the test's requests have started. An async test
    that sleeps by `time.sleep` waits in vain: it stops the event loop, and with it the task.
    """,
)

HANDLER_BESIDE_LIFESPAN = Cause(
    "HM809",
    "A start-up handler beside a lifespan",
    """
    An application that is given `lifespan=` runs that alone: what `on_startup=`, `@app.on_event("startup")` or
    `add_event_handler` have added is kept, and never called, in a test as on a server. Do it in the lifespan.
    """,
)

SESSION_MAKER_AS_DEPENDENCY = Cause(
    "HM810",
    "A sessionmaker as a dependency",
    """
    FastAPI reads the parameters of a dependency from the request, and those of a `sessionmaker` are any: `local_kw`
    becomes a parameter of the query, and each request without it is answered by 422. Nobody would close the session,
    either. Depend on a function that enters one and yields it.
    """,
)
