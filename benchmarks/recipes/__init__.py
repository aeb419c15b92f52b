"""The ways to give each test a clean database, side by side: one file a way, the ``conftest.py`` of its project.

Every one is written as well as its kind allows (session-scoped loops, sessions of their own for each request), so that
what is compared is the kind, not its care.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent

SESSION_LOOPS = """\
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
"""
GUIDE_LOOPS = """\
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = function
"""
HERMETIC = "hermetic_app = shop:app\n"


@dataclass(frozen=True)
class Recipe:
    """A way to give each test a clean database.

    Attributes:
        key: What the raw figures call it.
        title: What the table calls it.
        conftest: The file here that becomes ``conftest.py``; None: the project has none.
        ini: What ``pytest.ini`` says beyond what it says in every project.
        plugins: The pytest plugins that it needs, by entry point.
        cleans: Whether a test finds the database clean.
    """

    key: str
    title: str
    conftest: str | None
    ini: str = SESSION_LOOPS
    plugins: tuple[str, ...] = ("asyncio",)
    cleans: bool = True

    def conftest_text(self) -> str | None:
        """Return the text of its ``conftest.py``."""
        return (FOLDER / self.conftest).read_text(encoding="utf-8") if self.conftest else None


HERMETIC_RECIPE = Recipe("hermetic", "hermetic", None, HERMETIC + SESSION_LOOPS, ("asyncio", "hermetic"))
GUIDE_RECIPE = Recipe("guide", "engine and `create_all` a test, in memory (the guide)", "guide.py")
RECIPES = (
    HERMETIC_RECIPE,
    Recipe(
        "hermetic-function-loops",
        "hermetic, an event loop a test",
        None,
        HERMETIC + GUIDE_LOOPS,
        ("asyncio", "hermetic"),
    ),
    GUIDE_RECIPE,
    Recipe("savepoint", "savepoint on one shared connection, rolled back", "savepoint.py"),
    Recipe("delete", "`DELETE` from every table a test, a file", "delete.py"),
    Recipe("recreate", "`drop_all` and `create_all` a test, a file", "recreate.py"),
    Recipe("nothing", "no clean-up at all, a file: the floor", "nothing.py", cleans=False),
)


def recipe(key: str) -> Recipe:
    """Return the recipe of that key."""
    return next(each for each in RECIPES if each.key == key)
