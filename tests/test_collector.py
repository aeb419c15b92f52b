"""The garbage collector, paused."""

from __future__ import annotations

import gc
import threading

import pytest

from hermetic import collector


def test_a_pause_in_a_pause() -> None:
    """It goes on when the first one ends, not before."""
    with collector.paused():
        with collector.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_whoever_ends_last() -> None:
    """Pauses of two threads need not lie in each other."""
    begun, over = threading.Event(), threading.Event()

    def pause() -> None:
        with collector.paused():
            begun.set()
            over.wait()

    thread = threading.Thread(target=pause)
    with collector.paused():
        thread.start()
        begun.wait()
    assert not gc.isenabled()
    over.set()
    thread.join()
    assert gc.isenabled()


def test_what_raises() -> None:
    """The pause ends with it."""
    with pytest.raises(ZeroDivisionError), collector.paused():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_who_has_it_off_keeps_it_off() -> None:
    """A suite that collects by hand is left as it is."""
    gc.disable()
    try:
        with collector.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
