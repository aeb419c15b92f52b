"""Replace a suite's own handling of its database by hermetic's.

Three passes: what hermetic makes unnecessary goes (``planning``), a fixture that is left with nothing but a session on
hermetic's engine hands out hermetic's (``sessions``), and what nothing uses any more goes with it (``unused``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from hermetic.migrate.step import Left, Outcome, Project, Review, Step, TestName, name_of
from hermetic.migrate.steps.database.planning import Planning
from hermetic.migrate.steps.database.sessions import handed_out
from hermetic.migrate.steps.database.staying import Reason
from hermetic.migrate.steps.database.unused import Unused, with_texts
from hermetic.migrate.steps.database.writing import difference, written
from hermetic.source.fixtures import Fixture, Suite
from hermetic.source.symbols import Symbols

CONFIGURE = (
    "hermetic makes the tables, and puts the database back: it needs hermetic_schema, and hermetic = on; "
    "`hermetic init` writes the first"
)
SHARED = (
    "requests used this session, too, and have one of their own now: they see what it commits, and an object of it has "
    "what they changed after refresh(), or once it is read with populate_existing"
)
WORDS = (
    *("sqlalchemy", "sqlalchemy_utils", "sqlmodel", "alembic", "create_all", "drop_all"),
    *("connect", "execute", "dependency_overrides", "engine", "session"),
)
"""One of these is in each suite that does anything to its database; one that asks through a client alone has none."""

ROUNDS = 30
"""How often what nothing uses any more is looked for; each round finds what the last has left alone."""

BEFORE = """\
@pytest.fixture
async def session():
    engine = create_async_engine(URL)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with async_sessionmaker(engine, expire_on_commit=False)() as session:
        yield session
    await engine.dispose()
"""
AFTER = """\
@pytest.fixture
def session(async_db_session):
    return async_db_session
"""


def run(project: Project) -> Outcome:
    """Return what goes of the recipes of a suite, and what comes in its place."""
    if not any(module.mentions(*WORDS) for module in project.symbols.sources.tests):
        return Outcome({})
    suite = Suite(project.symbols, project.configuration)
    kept = list(_kept(suite, project))
    planning = Planning(
        suite, kept, [each for each in project.fixed if project.symbols.sources.modules[each].is_test]
    )
    texts = {
        path: written(project.symbols.sources.modules[path], changes)
        for path, changes in planning.changes.items()
        if changes
    }
    before = {path: module.text for path, module in project.symbols.sources.modules.items()}
    texts = {path: text for path, text in texts.items() if text != before[path]}
    left = tuple(_left(suite, planning))
    if not texts:
        return Outcome({}, left=left)
    now = _settled(suite, with_texts(project.symbols, texts), project)
    after = handed_out(Suite(now, project.configuration))
    if after:
        now = _settled(suite, with_texts(now, after), project)
    changed = [path for path, module in now.sources.modules.items() if module.text != before[path]]
    edits = {path: difference(before[path], now.sources.modules[path].text) for path in changed}
    return Outcome(edits, frozenset(_converted(suite, changed)), left, tuple(_review(now, edits, planning)))


def _settled(before: Suite, now: Symbols, project: Project) -> Symbols:
    """Return the project without what nothing uses any more."""
    for _ in range(ROUNDS):
        texts = Unused(before, now, project.configuration).texts()
        if not texts:
            break
        now = with_texts(now, texts)
    return now


def _kept(suite: Suite, project: Project) -> Iterator[tuple[Fixture, Reason]]:
    """Yield the fixtures of tests that must stay as they are."""
    for test in suite.tests if project.keep else ():
        told = project.keep.get(name_of(test))
        if told is not None:
            reason = Reason(told[0], test.file, test.function.lineno, told[1])
            for fixture in suite.closure(test).values():
                yield fixture, reason


def _converted(suite: Suite, changed: list[Path]) -> Iterator[TestName]:
    """Yield the tests of which a fixture lies in a file that changes, or which lie there themselves."""
    files = set(changed)
    for test in suite.tests:
        if test.file in files or any(each.file in files for each in suite.closure(test).values()):
            yield name_of(test)


def _left(suite: Suite, planning: Planning) -> Iterator[Left]:
    """Yield the tests whose recipe stays, with the first reason in each file that they have to do with."""
    first: dict[Path, Reason] = {}
    for reason in planning.reasons.values():
        first.setdefault(reason.file, reason)
    for test in suite.tests if first else ():
        files = [test.file, *(each.file for each in suite.closure(test).values())]
        found = next((first[file] for file in files if file in first), None)
        if found is not None:
            yield Left(name_of(test), found.code, found.file, found.line, found.text)


def _review(now: Symbols, edits: Mapping[Path, object], planning: Planning) -> Iterator[Review]:
    for index, path in enumerate(edits):
        if not index:
            yield Review(path, 1, CONFIGURE)
        module = now.sources.modules[path]
        if not module.tree.body and path.name != "__init__.py":
            yield Review(path, 1, "nothing is left in this file: delete it")
    for (path, line), text in planning.lent.items():
        yield Review(path, line, text)
    for made in planning.shared.values():
        if planning.changes[made.file]:
            yield Review(made.file, made.node.lineno, SHARED)


DATABASE = Step(
    "database",
    "takes out what the suite does by hand to its database, and puts hermetic's fixtures under the old names",
    False,
    (BEFORE, AFTER),
    run,
)
