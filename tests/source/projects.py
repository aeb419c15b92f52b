"""Small projects to set up, written to a temporary directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.setup_plan import Plan, make_plan
from hermetic.source.configuration import Configuration
from hermetic.source.sources import read_sources
from hermetic.source.symbols import Symbols

APP = """\
from fastapi import FastAPI

app = FastAPI()
"""
MODELS = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
"""


def versions(*installed: str) -> Callable[[str], str]:
    """Return what tells the version of a distribution where only ``installed`` are there."""
    known = {name: version or "99" for name, _, version in (each.partition("==") for each in installed)}
    return lambda name: known.get(name, "")


@dataclass(frozen=True)
class Project:
    """A project below ``root``."""

    root: Path

    def write(self, files: dict[str, str]) -> Project:
        """Write files, exactly as given."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return self

    def read(self, name: str) -> str:
        """Return a file's text, line endings as they are."""
        return (self.root / name).read_bytes().decode()

    def plan(self, *installed: str) -> Plan:
        """Plan the set-up, as if only ``installed`` were there, each a name or ``name==version``."""
        return make_plan(self.root, versions(*installed))

    def settings(self, *installed: str) -> dict[str, str | tuple[str, ...]]:
        """Return the settings that would be added."""
        return {setting.key: setting.value for setting in self.plan(*installed).settings}

    def symbols(self) -> Symbols:
        """Return the project's names."""
        return Symbols(read_sources(self.root))

    def configuration(self, **values: object) -> Configuration:
        """Return a configuration that says what is given."""
        return Configuration(self.root / "pytest.ini", ("pytest",), "", values)
