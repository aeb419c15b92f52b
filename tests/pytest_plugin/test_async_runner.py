"""Settings of a runner that pytest does not read are found: in other files and sections, and under other names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hermetic.pytest_plugin.async_runner import ignored


def found(folder: Path, file: str, text: str) -> list[tuple[dict[str, str], str]]:
    """Return what is not read of a file that is."""
    (folder / file).write_text(text)

    def getini(key: str) -> str:
        if key == "asyncio_modes":
            return "known"
        raise ValueError(key)

    config: Any = SimpleNamespace(inipath=folder / file, rootpath=folder, getini=getini)
    return [
        ({key: each.value for key, each in one.settings.items()}, one.why) for one in ignored(config, folder)
    ]


@pytest.mark.parametrize("key", ["asyncio-mode", "asynciomode", "asyncio_mod"])
def test_a_key_under_another_name(tmp_path: Path, key: str) -> None:
    """It stands for the key that is spelt most like it."""
    assert found(tmp_path, "pytest.ini", f"[pytest]\n{key} = auto\n") == [
        ({"asyncio_mode": "auto"}, f"spelt {key}, which is no key that anybody reads")
    ]


def test_a_section_of_another_file(tmp_path: Path) -> None:
    """Of what pytest reads nothing is said, nor of keys that are somebody's, nor of other tools' sections."""
    read = "[pytest]\nasyncio_modes = x\nasyncio_mode = strict\n"
    text = f"{read}[tool:pytest]\nasyncio_mode = auto\n[x]\nasyncio-mode = auto"
    assert found(tmp_path, "pytest.ini", text) == [
        ({"asyncio_mode": "auto"}, "under [tool:pytest], where pytest reads [pytest] in a file of this name")
    ]
    assert found(tmp_path, "pyproject.toml", "[tool.pytest.ini-options]\nasyncio_mode = 'auto'\n")[-1][1] == (
        "under [tool.pytest.ini-options], where pytest reads [tool.pytest.ini_options] in a file of this name"
    )
