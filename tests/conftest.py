"""What the whole suite shares: how hard hypothesis searches, and pytest's own harness for plugins.

``HYPOTHESIS_PROFILE=check`` (``make check``) looks at 2,000 sequences where a plain run looks at 50.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.caches import cache_of_this_process

pytest_plugins = ["pytester"]

# A shell has what it runs in the background ignore these, and what that starts as well; tests send them to theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# No deadline: slow examples on a busy machine are no failure.
for name, examples in (("default", 50), ("check", 2_000)):
    settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect no garbage while modules are imported: nearly all that is made then stays, and each worker does so."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leave nothing in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERMETIC_CACHE", str(cache_of_this_process(tmp_path_factory)))
        yield


@pytest.fixture(scope="module", autouse=True)
def collects_quickly() -> None:
    """Keep what is there already out of the garbage collector's way: a collection then takes 5 ms instead of 300."""
    gc.collect()
    gc.freeze()
