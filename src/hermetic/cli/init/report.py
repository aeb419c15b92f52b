"""Say what was found, what was written and why. Every function is pure: a plan in, lines out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.cli.init.editing import render
from hermetic.cli.init.setup_plan import Found, Plan
from hermetic.cli.init.superseded import Superseded
from hermetic.cli.lines import count, shown, topic
from hermetic.source.migrations import PROCESSES
from hermetic.source.modules import Module
from hermetic.source.runner import read_async_settings

if TYPE_CHECKING:
    from hermetic.cli.init.trial.outcome import Failure

MOST = 5
"""How many files with lines of a kind are named."""


def talk(plan: Plan) -> Iterator[str]:
    """Yield what was found, a topic a line, candidates and alternatives below."""
    yield from topic("application", list(_application(plan)))
    yield from topic("schema", list(_schema(plan)))
    yield from topic("runner", list(_runner(plan)))
    yield from topic("database", list(_database(plan)))
    yield from topic("environment", list(_environment(plan)))
    yield from topic("skipped", [f"{shown(skip.path)}: {skip.reason}" for skip in plan.sources.skipped])
    yield from topic("configuration", list(_configuration(plan)))
    yield from topic("doctor", list(_faults(plan)))


def findings(plan: Plan) -> Iterator[str]:
    """Yield what existing tests do that hermetic now does, as ``file:line: slug: reason``.

    A file's lines of a kind are told together: a conftest may set forty variables. Of a kind the first few files are
    named, and the others counted.
    """
    kinds: dict[tuple[Path, str, str], list[Superseded]] = {}
    for superseded in plan.superseded:
        kinds.setdefault((superseded.file, superseded.slug, superseded.by), []).append(superseded)
    told: dict[str, list[list[Superseded]]] = {}
    for lines in kinds.values():
        first, *others = lines
        same = told.setdefault(first.slug, [])
        same.append(lines)
        if len(same) <= MOST:
            also = f" (also at {_ranges(each.line for each in others)})" if others else ""
            yield f"{shown(first.file)}:{first.line}: {first.slug}: {first.reason}{also}"
    for slug, same in told.items():
        rest = [each for lines in same[MOST:] for each in lines]
        if rest:
            yield f"{slug}: and {len(rest)} more in {count(len({each.file for each in rest}), 'file')}"


def _ranges(lines: Iterable[int]) -> str:
    """Return lines as a person writes them: ``3, 7-9``."""
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and line == ranges[-1][-1] + 1:
            ranges[-1][1:] = [line]
        else:
            ranges.append([line])
    return ", ".join("-".join(map(str, each)) for each in ranges)


def outcome(plan: Plan, *, written: bool, failure: Failure | None = None) -> Iterator[str]:
    """Yield what was (or would be) done, and the next step.

    Args:
        plan: What was found.
        written: Whether it was done.
        failure: Why the application could not be built, where it was tried.
    """
    for edit in plan.edits:
        made = "create" if edit.before is None else "change"
        yield f"{made}d {shown(edit.path)}" if written else f"would {made} {shown(edit.path)}"
    if not plan.edits:
        yield "nothing to do: hermetic is set up"
    yield from _by_hand(plan)
    if failure is not None and not _may_go_on(failure):
        yield "next: do what is said under tried, then run hermetic init --try again"
    elif plan.observes or plan.edits:
        yield from _next(plan)


def _by_hand(plan: Plan) -> Iterator[str]:
    """Say how many lines can be deleted, or moved."""
    if going := sum(line.goes for line in plan.superseded):
        does, them = ("does", "it") if going == 1 else ("do", "them")
        yield f"{count(going, 'line')} of the tests {does} by hand what hermetic now does; delete {them} when you like"
    if moved := sum(line.moves for line in plan.superseded):
        sets, them = ("sets variables", "it") if moved == 1 else ("set variables", "them")
        yield f"{count(moved, 'line')} of a conftest {sets}; move {them} to hermetic_env when you like"


def _may_go_on(failure: Failure) -> bool:
    """Whether only the trial refuses what a run leads to a database of its own."""
    return failure.refused is not None and bool(failure.refused.destination)


def _next(plan: Plan) -> Iterator[str]:
    """Say what to type now."""
    before = list(_before_the_run(plan))
    yield from (f"{'then' if index else 'next'}: {text}" for index, text in enumerate(before))
    first = "then: " if before else "next: "
    run = f"run {_pytest(plan)}"
    if plan.observes:
        yield f"{first}{run} and read hermetic's summary, then set hermetic = on"
        if plan.environment.needs_a_server and not plan.lacks_server:
            yield f"      {_server(plan)}"
        if plan.environment.lines:
            yield "      hermetic_env is set in mode on alone: where nothing else gives these, pytest --hermetic=on"
    elif not plan.names_an_application:
        yield f"{first}{run} and read hermetic's summary"
    elif any(module.mentions("TestClient") for module in plan.sources.tests):
        yield f"{first}{run}; hermetic migrate shows the tests on TestClient as asynchronous ones"
    elif any(module.mentions("async_client") for module in plan.sources.tests):
        yield f"{first}{run}"
    elif any(map(_has_tests, plan.sources.tests)):
        yield f"{first}{run}; tests that ask for async_client get the application on a database of its own"
    else:
        yield f"{first}write a test that asks for async_client, and {run}"


def _before_the_run(plan: Plan) -> Iterator[str]:
    """Say what a run needs that init does not decide."""
    absent = (*plan.environment.unknown, *plan.environment.elsewhere)
    if absent and "hermetic_env" not in plan.configuration.values:
        names = ", ".join(need.name for need in absent)
        yield f"give {names} a value in hermetic_env of {shown(plan.configuration.path)}"


def _server(plan: Plan) -> str:
    """Say which server the tests need until they are on hermetic's."""
    for line in plan.superseded:
        if line.slug == "own-server":
            place, process = f"{shown(line.file)}:{line.line}", _process(plan.sources.modules[line.file])
            told = f"the tests start a server at {place}: with hermetic = on no engine is led to it"
            if process is None:
                return f"{told}, and it can go"
            started = f"{shown(line.file)}:{process}"
            return (
                f"{told}; the process that is started at {started} is outside, and goes on there,"
                " unless its URL is of a database that the tests make"
            )
    return "the tests' own server must run for that; with none: pytest --hermetic=on, which brings one"


def _process(module: Module) -> int | None:
    """Return the first line of a module that starts a program."""
    if not module.mentions("subprocess"):
        return None
    imports = [each for each in module.of(ast.ImportFrom) if each.module == "subprocess"]
    names = {alias.asname or alias.name for each in imports for alias in each.names}
    names |= {f"subprocess.{name}" for name in PROCESSES}
    return next((call.lineno for call in module.of(ast.Call) if ast.unparse(call.func) in names), None)


def _has_tests(module: Module) -> bool:
    names = [each.name for each in module.of(ast.FunctionDef)]
    names += [each.name for each in module.of(ast.AsyncFunctionDef)]
    return any(name.startswith("test") for name in names)


def _pytest(plan: Plan) -> str:
    """Return how pytest is started so that it reads the configuration: above its folder, that must be named."""
    folder = plan.configuration.path.parent
    is_below = folder.is_relative_to(Path.cwd()) and folder != Path.cwd()
    return f"pytest {shown(folder)}" if is_below else "pytest"


def _application(plan: Plan) -> Iterator[str]:
    value = plan.configuration.values.get("hermetic_app")
    if value is not None:
        yield f"{value} (already set)"
    elif not plan.names_an_application:
        yield from _no_application(plan)
    for index, found in enumerate(plan.choice.found):
        prefix = "also found: " if index or not plan.names_an_application or value is not None else ""
        if found.target is None or found.target != value or found.application.required:
            yield f"{prefix}{_described(found)}"
    for folder in plan.others:
        yield f"{shown(folder)} is a project of its own, and was not looked at: hermetic init {shown(folder)}"
    if plan.missing_root is not None:
        yield f"pythonpath is set and was not changed; the application needs {plan.missing_root} in it"


def _no_application(plan: Plan) -> Iterator[str]:
    """Say why ``hermetic_app`` is left out, and what that means."""
    built = plan.choice.built
    if built is not None:
        yield f"left out: the tests build their applications themselves ({shown(built.file)}:{built.line})"
    else:
        yield "left out: hermetic calls a factory without arguments, and this one needs some"
    yield "for async_client and the like, return one from a fixture named hermetic_app in your conftest"


def _described(found: Found) -> str:
    """Return an application with its place, and what must be given to get it."""
    app = found.application
    needs = f" that needs {', '.join(app.required)}" if app.required else ""
    factory = f", a factory{needs}" if app.is_factory else ""
    return f"{found.target or 'no importable name'} ({shown(app.file)}:{app.line}{factory})"


def _schema(plan: Plan) -> Iterator[str]:
    value = plan.configuration.values.get("hermetic_schema")
    if value is not None:
        yield f"{value} (already set)"
        return
    chosen = next((setting.value for setting in plan.settings if setting.key == "hermetic_schema"), None)
    described = [
        f"{metadata.target} ({count(metadata.tables, 'table')}; {shown(metadata.file)}:{metadata.line})"
        for metadata in plan.tables.metadata
    ]
    text = chosen if isinstance(chosen, str) else ", ".join(chosen or ())
    if plan.tables.migrating and chosen is not None:
        place = f"{shown(plan.tables.migrating.file)}:{plan.tables.migrating.line}"
        yield f"{text} (migrations are run at {place}, too)"
        return
    if len(described) > 1:
        yield f"left out: {len(described)} collections of tables. Name those of the database under test, one a line:"
        yield from (f"  {line}" for line in described)
    elif described:
        yield described[0]
    elif chosen is not None:
        kind = "migrations; " if plan.tables.migrations else ""
        yield f"{text} ({kind}no metadata with tables was found)"
    elif len(plan.tables.sql) > 1 and plan.choice.found:
        yield "left out: several files of SQL make tables. Name those of the database under test, one a line, in order:"
        yield from (f"  {shown(file)}" for file in plan.tables.sql)
    elif not plan.choice.found:
        yield "left out: what the tests make of tables is theirs"
    else:
        yield from _no_tables(plan)
    if plan.tables.migrations and plan.tables.metadata:
        lines = plan.tables.migrations.lines(plan.configuration.path.parent)
        each = ", one line each" if len(lines) > 1 else ""
        yield f"or, to run the migrations instead{each}: hermetic_schema = {' and '.join(lines)}"
    elif plan.tables.startup and not plan.tables.metadata:
        yield f"the application makes tables at {shown(plan.tables.startup.file)}:{plan.tables.startup.line}"
    if plan.tables.needing:
        place = f"{shown(plan.tables.needing.file)}:{plan.tables.needing.line}"
        yield f"the migrations cannot make them: the first works on a table that none makes ({place})"


def _no_tables(plan: Plan) -> Iterator[str]:
    """Say what to write where nothing that makes tables was found: Tortoise's have no MetaData."""
    if any(name.partition(".")[0] == "tortoise" for name in plan.sources.imported_by_production):
        yield "left out: nothing makes Tortoise's tables when the application starts. Name a function that does:"
        yield "hermetic_schema = tests.schema:make, where async def make() awaits Tortoise.init(...) as the application"
        yield "does, then Tortoise.generate_schemas() and Tortoise.close_connections()"
        return
    yield "left out: no tables were found. If there are some, name what makes them:"
    yield "hermetic_schema = package.models:Base.metadata, or lifespan, where the application does when it starts"


def _runner(plan: Plan) -> Iterator[str]:
    runner = plan.runner
    tests = count(runner.async_tests, "async test") if runner.async_tests else "no async tests yet"
    yield f"{runner.description} ({tests})"
    if not runner.asyncio and not runner.anyio:
        yield "async tests need one: pip install 'hermetic[asyncio]', then run this again"
    elif runner.asyncio and runner.anyio and not read_async_settings(plan.configuration).is_auto:
        yield "asyncio_mode = auto would run tests marked anyio on another loop than their fixtures: keep it strict"
    if plan.observes and plan.loops.settings:
        keys = ", ".join(setting.key for setting in plan.loops.settings)
        yield f"left as it is while hermetic observes; run again with hermetic = on, this command adds {keys}"
    for remark in plan.loops.remarks:
        place = f" ({shown(remark.file)}{f':{remark.line}' if remark.line else ''})" if remark.file else ""
        yield f"{remark.text}{place}"


def _database(plan: Plan) -> Iterator[str]:
    backend = plan.environment.backend
    if backend is None:
        yield f"MySQL or MariaDB ({plan.environment.scheme}): hermetic makes none, and in mode on refuses its engines"
    elif plan.environment.needs_a_server:
        yield f"{backend.title} ({plan.environment.scheme})"
    if plan.lacks_server and backend is not None:
        yield f"its server and driver for the tests are not installed: pip install '{backend.extra}'"


def _environment(plan: Plan) -> Iterator[str]:
    environment = plan.environment
    pairs = zip(environment.lines, environment.needs, strict=True)
    kept = "hermetic_env" in plan.configuration.values
    for line, need in pairs:
        place = f"read at {shown(need.file)}:{need.line}"
        file = environment.shown.get(need.name)
        source = f"; value from {shown(file)}" if file is not None else ""
        yield f"{line} ({place}{source}{'; hermetic_env is set and was not changed' if kept else ''})"
    for need in environment.unknown:
        yield f"{need.name} has no default ({shown(need.file)}:{need.line}): give it a value in hermetic_env"
    for need in environment.elsewhere:
        yield f"{need.name} has no default ({shown(need.file)}:{need.line})"
    if environment.elsewhere:
        yield "  only a compose file gives it, or a .env that no code loads: where the tests run without these,"
        yield "  give it a value in hermetic_env"


def _configuration(plan: Plan) -> Iterator[str]:
    section = f"[{'.'.join(plan.configuration.section)}]"
    yield f"{shown(plan.configuration.path)} {section}"
    yield from (f"+ {line}" for line in render(plan.configuration, plan.settings))
    for path in plan.configuration.outranked:
        yield f"{shown(path)} has settings for pytest, too: {_when_read(path, plan.configuration.path)}"
    if plan.configuration.is_toml and (plan.configuration.text or "").startswith("\ufeff"):
        yield "the file starts with a byte order mark, with which pytest cannot read it: save it as plain UTF-8"


def _faults(plan: Plan) -> Iterator[str]:
    """Say what is broken by settings that are kept, and who says more."""
    for fault in plan.faults:
        place = f"{shown(fault.file)}:{fault.line}:{fault.column}"
        yield f"{place}: {fault.rule.code}: {fault.text}"
    if plan.faults:
        yield "settings that exist are not changed; hermetic doctor says what else of the tests is broken"


def _when_read(outranked: Path, configuration: Path) -> str:
    if outranked.parent == configuration.parent:
        return f"they are not read, because {configuration.name} goes first"
    return f"they are read in place of these by a pytest that is started in {shown(outranked.parent)} and given no path"
