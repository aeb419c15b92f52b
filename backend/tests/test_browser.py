"""The service in a real browser, over a real connection, on the database of the test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest

from hermetic.client import LiveServer

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=10000",
)


@pytest.fixture(scope="session")
def browser() -> str:
    """A headless Chromium, wherever it is; without one the test is skipped."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(
            f"needs a browser; none of {', '.join(NAMES)} is on the PATH (Debian: apt install chromium)"
        )
    return found


def page(browser: str, url: str, profile: Path) -> str:
    """Return the document at a URL when the browser has run its scripts."""
    command = [browser, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


async def test_a_browser_sees_what_the_test_wrote(
    live_server: LiveServer, browser: str, tmp_path: Path
) -> None:
    """It asks over a real connection, and reads the database of the test."""
    async with httpx2.AsyncClient(base_url=live_server.url) as client:
        assert (await client.post("/api/users", json={"name": "Ada"})).status_code == 201
    assert "Ada" in page(browser, f"{live_server.url}/api/users", tmp_path)


async def test_the_next_test_starts_clean(live_server: LiveServer, browser: str, tmp_path: Path) -> None:
    """The baseline is back, for a browser too."""
    assert "Ada" not in page(browser, f"{live_server.url}/api/users", tmp_path)
    assert live_server.errors == []
