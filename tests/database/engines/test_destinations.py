"""What an engine is told."""

from __future__ import annotations

from sqlalchemy import make_url

from hermetic.code import Location
from hermetic.database.engines.destinations import Creation, Itself, LeftAlone, Refusal, refusal
from hermetic.owners import PROCESS, Owner

PRODUCTION = make_url("postgresql+asyncpg://me:secret@db.example/prod")
WHY = "hermetic has no postgresql server to make one on."
TEST = Owner("tests/test_users.py::test_list", "test", "function")


def test_destinations_in_words() -> None:
    """As the events of a run, and so its reports, say where an engine went."""
    assert (str(LeftAlone("why")), str(Itself("why"))) == ("left alone: why", "itself: why")


def test_what_a_refused_engine_is_told() -> None:
    """It names who asked, the masked URL, where the engine was made, and the settings that would allow it."""
    created = Creation(PROCESS, Location("/project/app/db.py", 12, "<module>"), "/project")
    assert str(refusal(PRODUCTION, created, WHY, asked_by=TEST)) == (
        "tests/test_users.py::test_list asked for a connection to "
        "postgresql+asyncpg://me:***@db.example/prod, which is not a database that hermetic made. [HM200]\n"
        "The engine made at /project/app/db.py:12 has no worker database to go to: "
        "hermetic has no postgresql server to make one on.\n"
        "\n"
        "hint: to really open this database in tests: "
        "hermetic_allow = postgresql+asyncpg://me:***@db.example/prod\n"
        "hint: if it stands for another database of the application: "
        "hermetic_targets = postgresql+asyncpg://me:***@db.example/prod -> URL\n"
        "hint: if the application reads its URL from the environment: hermetic_env = DATABASE_URL={url}\n"
        "more: hermetic explain HM200"
    )


def test_a_refused_engine_older_than_the_installation() -> None:
    """Of such an engine nobody knows where it was made."""
    assert "The engine has no worker database" in str(refusal(PRODUCTION, None, WHY, asked_by=TEST))


def test_a_refusal_in_reports() -> None:
    """A report says that, and why, it is refused."""
    assert str(Refusal(PRODUCTION, None, WHY)) == f"refused: {WHY}"
