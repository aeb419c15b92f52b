"""What goes wrong with overridden dependencies."""

from __future__ import annotations

from hermetic.causes import Cause

SESSION_OF_SEVERAL_REQUESTS = Cause(
    "HM760",
    "several requests at once use one Session",
    """
    An override hands the test's own Session to every request. One Session has one transaction on one connection, which
    can do one thing at a time; requests that run at once disturb each other, as they never would in production, where
    each has its own. Delete the override: with hermetic each request commits by its own Session, and the database is
    put back after the test.
    """,
)

OVERRIDE_MATCHES_NOTHING = Cause(
    "HM761",
    "the override is of another import of the same file",
    """
    `dependency_overrides` knows a dependency by its function. A file that is imported under two names (`src.shop.db`
    and `shop.db`) has two functions for each that it defines: the application depends on one, and the test overrides
    the other. Import it under the name by which the application does, and keep one folder on the path.
    """,
)

OVERRIDE_TAKES_PARAMETERS = Cause(
    "HM762",
    "the parameters of an override are read from the request",
    """
    FastAPI treats an override as any dependency: a parameter that is not `Depends()` is a query parameter, and a
    request without it is answered by 422. A `Mock` has the parameters `args` and `kwargs`. Give it a function without
    any: `lambda: mock`.
    """,
)

OVERRIDE_IS_NOT_RUN = Cause(
    "HM765",
    "an override returns a generator that nobody runs",
    """
    FastAPI runs a dependency that is an async generator function, and gives what it yields. A lambda that calls such a
    function returns the generator itself, and that is what the endpoint gets. Let the function be the override:
    `app.dependency_overrides[get_session] = session_for_tests`.
    """,
)
