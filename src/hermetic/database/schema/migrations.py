"""Tables from Alembic: the project's real migrations, run once.

``env.py`` may be sync or async (it calls ``asyncio.run``, so it gets a thread without a loop), and usually calls
``logging.config.fileConfig``, which disables every logger that exists and so breaks ``caplog`` for the rest of the run:
logging is put back as it was.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hermetic.database.drivers.libpq import dsn
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema.call import async_url, sync_url
from hermetic.database.schema.fingerprint import of_files
from hermetic.errors import ConfigurationError
from hermetic.threads import in_thread


def builder(ini: Path) -> Callable[[WorkerDatabase], None]:
    """Return a function that upgrades a worker database to every head of the migrations of ``ini``.

    Raises:
        ConfigurationError: Alembic is not installed.
    """
    try:
        from alembic import command
        from alembic.config import Config
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"hermetic_schema = {ini.name} needs Alembic, which is not installed.",
            hints=("pip install alembic",),
        ) from None

    def build(database: WorkerDatabase) -> None:
        config = Config(str(ini))
        url = async_url(database.url) if _is_async(ini, config) else sync_url(database.url)
        config.set_main_option("sqlalchemy.url", dsn(url).replace("%", "%%"))
        _make_absolute(config, "script_location", ini.parent)
        _make_absolute(config, "prepend_sys_path", ini.parent)
        with logging_kept(), outer_migration_kept(), warnings.catch_warnings():
            in_thread(lambda: command.upgrade(config, "heads"))

    def _is_async(path: Path, config: Config) -> bool:
        location = config.get_main_option("script_location") or "alembic"
        env = path.parent / location.replace("%(here)s", str(path.parent)) / "env.py"
        return env.is_file() and "async_engine" in env.read_text(encoding="utf-8")

    def _make_absolute(config: Config, option: str, root: Path) -> None:
        value = config.get_main_option(option)
        if value and ":" not in value and not Path(value).is_absolute():
            config.set_main_option(option, str(root / value).replace("%", "%%"))

    return build


def fingerprint(ini: Path) -> Iterator[str]:
    """Tell what the migrations of ``ini`` depend on: every file of theirs, wherever its versions lie."""
    from alembic.config import Config

    config = Config(str(ini))
    here = {"here": str(ini.parent)}
    folders = [config.get_main_option("script_location") or "alembic"]
    folders += (config.get_main_option("version_locations") or "").replace(",", " ").replace(";", " ").split()
    places = [
        ini.parent / (folder.replace("%(here)s", here["here"])) for folder in folders if ":" not in folder
    ]
    yield from of_files([ini, *(file for place in places for file in place.rglob("*") if file.is_file())])


@contextmanager
def outer_migration_kept() -> Iterator[None]:
    """Let a migration go on inside whose first connection the database is built.

    The functions of ``alembic.context`` and ``alembic.op`` are those of the migration that began last, and gone when
    it ends.
    """
    from alembic import context, op

    outer = [getattr(module, "_proxy", None) for module in (context, op)]
    try:
        yield
    finally:
        for proxy in outer:
            if proxy is not None:
                proxy._install_proxy()


@contextmanager
def logging_kept() -> Iterator[None]:
    """Put every logger's handlers, level and state back at the end of the block."""
    root = logging.getLogger()
    loggers = [
        root,
        *(lg for lg in logging.root.manager.loggerDict.values() if isinstance(lg, logging.Logger)),
    ]
    before = [(lg, lg.handlers[:], lg.level, lg.propagate, lg.disabled) for lg in loggers]
    try:
        yield
    finally:
        for logger, handlers, level, propagate, disabled in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate
            logger.disabled = disabled
