"""The pytest plugin: translates pytest's objects into calls of ``hermetic.run.Run``, and holds no logic of its own.

Loaded by every pytest run of an environment that has hermetic installed, so it imports nothing heavy and, unless the
project configured hermetic, does nothing. Containment starts before the first conftest is imported: conftests import
applications, applications read settings and make engines.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from getpass import getuser
from pathlib import Path

import pytest

from hermetic.pytest_plugin.fixtures import (
    Asked,
    async_client,
    async_db_session,
    async_test_db,
    hermetic_app,
    hermetic_auth,
    hermetic_database,
    hermetic_empty_database,
    hermetic_engine,
    hermetic_lifespan,
    hermetic_url,
    live_server,
    plugin_of,
    setup_test_env,
)
from hermetic.pytest_plugin.options import MARK, add_options, read_settings, refuse_unset_loop_scope
from hermetic.pytest_plugin.state import HISTORY, RECORDER, RUN, SETTINGS
from hermetic.pytest_plugin.tracebacks import errors_as_usage_errors
from hermetic.steps import every_step

__all__ = [
    "async_client",
    "async_db_session",
    "async_test_db",
    "hermetic_app",
    "hermetic_auth",
    "hermetic_database",
    "hermetic_empty_database",
    "hermetic_engine",
    "hermetic_lifespan",
    "hermetic_url",
    "live_server",
    "setup_test_env",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the ini keys and the flags."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start before any conftest is imported."""
    _start(early_config)


@pytest.hookimpl(specname="pytest_load_initial_conftests", wrapper=True)
def pytest_load_initial_conftests_explained(early_config: pytest.Config) -> Generator[None, None, None]:
    """Say why a conftest does not import: pytest ends the run with that error alone, and asks no other hook."""
    try:
        return (yield)
    except (Exception, pytest.fail.Exception) as error:
        if HISTORY in early_config.stash and early_config.stash[SETTINGS].failures != "off":
            from hermetic.pytest_plugin.explaining import explain_import

            explain_import(error, early_config.stash[HISTORY])
        raise


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, and the hooks of an active run."""
    config.addinivalue_line(
        "markers",
        f"hermetic(*, {', '.join(f'{name}=None' for name in MARK)}): how often the baseline comes back for this"
        " test (test, class, module or none), what becomes of tasks that it left running (wait or cancel), and"
        " what each guard's finding is (error, warn or off).",
    )
    if SETTINGS not in config.stash:  # loaded by -p or from a conftest
        _start(config)
    asked = Asked(config)
    config.pluginmanager.register(plugin_of(asked), "hermetic-asked")
    if RUN in config.stash:
        from hermetic.pytest_plugin.active import Active
        from hermetic.pytest_plugin.reporting import Reporting

        with errors_as_usage_errors():
            refuse_unset_loop_scope(config)
        run, recorder = config.stash[RUN], config.stash[RECORDER]
        config.pluginmanager.register(Active(run, recorder, config.stash[HISTORY], asked), "hermetic-active")
        config.pluginmanager.register(Reporting(run, recorder), "hermetic-reporting")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    run = config.stash.get(RUN, None)
    if run is not None:
        del config.stash[RUN]
        with every_step() as step:
            with step:
                run.stop()
            config.stash[RECORDER].stop()
            config.stash[HISTORY].stop()


def _start(config: pytest.Config) -> None:
    with errors_as_usage_errors():
        settings = read_settings(config)
        config.stash[SETTINGS] = settings
        if settings.mode == "off":
            return
        from hermetic.explain.history import History
        from hermetic.report.recorder import Recorder
        from hermetic.run import Run

        run = Run(
            settings,
            root=config.rootpath,
            temporary=_temporary_folders(config),
            worker=os.environ.get("PYTEST_XDIST_WORKER", "main"),
        )
        run.start()
        config.stash[RUN] = run
        config.stash[RECORDER] = Recorder(settings.mode)
        config.stash[RECORDER].start()
        config.stash[HISTORY] = History(lambda number: run.containment.installation.latest_checkout(number))
        if settings.failures != "off":
            config.stash[HISTORY].start()


def _temporary_folders(config: pytest.Config) -> tuple[Path, ...]:
    """Where ``tmp_path`` lies: as pytest documents it (``--basetemp``, ``PYTEST_DEBUG_TEMPROOT``)."""
    given = getattr(getattr(config, "known_args_namespace", config.option), "basetemp", None)
    if given:
        return (Path(given).resolve(),)
    root = Path(os.environ.get("PYTEST_DEBUG_TEMPROOT") or tempfile.gettempdir()).resolve()
    try:
        return (root / f"pytest-of-{getuser()}", root / "pytest-of-unknown")
    except (ImportError, OSError, KeyError):
        return (root / "pytest-of-unknown",)
