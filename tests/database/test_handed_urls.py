"""A process that the tests start is given hermetic's URL of a database that they have made, and all else as it is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import URL, make_url

from hermetic.database.handed_urls import HandedUrls
from hermetic.database.lazy import LazyDatabase

MADE = "postgresql+psycopg://me:secret@db.example:6000/made?application_name=x&sslmode=require"
OURS = "postgresql+psycopg://{}@/made?host=%2Frun&port=5432"
LED = OURS.format("me").replace("?", "?application_name=x&")
OTHER = "postgresql://me@db.example/other"
PRINT = [sys.executable, "-c", "import os, sys; print(sys.argv[1:], os.environ.get('URL'))"]


class Made:
    """Stands for a database, on a server that listens on a socket."""

    def reach(self, user: str | None) -> URL:
        """Return where a driver connects that logs in as a user."""
        return make_url(OURS.format(user)).set(drivername="postgresql")


def find(url: URL) -> LazyDatabase | None:
    """Know one database."""
    return cast(LazyDatabase, Made()) if url.database == "made" else None


@pytest.fixture
def handed() -> Iterator[HandedUrls]:
    """What is installed for a test."""
    urls = HandedUrls(find)
    urls.install()
    yield urls
    urls.uninstall()


@pytest.mark.parametrize(
    ("given", "led"),
    [
        (MADE, LED),
        (f"--url={MADE}", f"--url={LED}"),
        (f"A=1 URL='{MADE}' fill; echo {OTHER}", f"A=1 URL='{LED}' fill; echo {OTHER}"),
        ("postgresql://me@h/made", OURS.format("me").replace("+psycopg", "")),
        ("postgresql+asyncpg://you@h/made", OURS.format("you").replace("psycopg", "asyncpg")),
        *(
            (each, each)
            for each in (OTHER, "made", "https://h/made", "postgresql://h:port/made", "redis://h/made")
        ),
    ],
)
def test_where_a_text_leads(handed: HandedUrls, given: str, led: str) -> None:
    """With the driver, the user and the options of the one that stood there; another text is left alone."""
    assert handed.led(given) == led


def printed(**how: Any) -> str:
    """Return what a process was given."""
    return str(subprocess.run(stdout=subprocess.PIPE, text=True, check=True, **how).stdout).strip()


def test_arguments_and_variables(handed: HandedUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a list, a tuple and a shell's line; variables that are handed over, or inherited."""
    assert printed(args=[*PRINT, MADE], env={"URL": MADE}) == f"{[LED]} {LED}"
    assert printed(args=(*PRINT, b"x"), env={b"URL": b"y"}) == "['x'] y"
    monkeypatch.setenv("URL", MADE)
    assert printed(args=f"echo {OTHER} '{MADE}'", shell=True) == f"{OTHER} {LED}"
    assert printed(args=PRINT) == f"[] {LED}"


def test_what_a_process_remembers(handed: HandedUrls) -> None:
    """The very arguments that it was given, where none of them names a database of the tests' making."""
    given: tuple[str | Path, ...] = (*PRINT, OTHER, Path("x"))
    assert subprocess.run(given, env={}, capture_output=True, check=True).args is given


def test_another_one_s_wrapper_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which does not say what it takes: a process starts as if nothing stood on it."""
    original = vars(subprocess.Popen)["__init__"]

    def start(process: object, *args: object, **kwargs: object) -> None:
        original(process, *args, **kwargs)

    monkeypatch.setattr(subprocess.Popen, "__init__", start)
    urls = HandedUrls(find)
    urls.install()
    try:
        assert printed(args=[*PRINT, OTHER], env={}) == f"{[OTHER]} None"
        process = subprocess.Popen([*PRINT, OTHER], stdout=subprocess.PIPE)
        assert OTHER in process.communicate()[0].decode()
    finally:
        urls.uninstall()


def test_a_process_of_an_event_loop(handed: HandedUrls) -> None:
    """It is started in the same way."""

    async def start() -> bytes:
        process = await asyncio.create_subprocess_exec(*PRINT, MADE, stdout=subprocess.PIPE)
        return (await process.communicate())[0]

    assert asyncio.run(start()).decode().startswith(f"{[LED]}")


def test_it_ends(handed: HandedUrls) -> None:
    """What was installed goes, and asks nobody any more where another one stands on it."""
    there = vars(subprocess.Popen)["__init__"]
    handed.uninstall()
    assert vars(subprocess.Popen)["__init__"] is not there
    there(process := subprocess.Popen.__new__(subprocess.Popen), [*PRINT, MADE], stdout=subprocess.PIPE)
    assert LED not in process.communicate()[0].decode()
