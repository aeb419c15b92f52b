"""The one harness of the plugin's tests: a small example project in a folder of its own, run by a real pytest."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.caches import with_initdb
from tests.pytest_plugin.forkserver import Ended, forkserver

APP = """
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///./production.db")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)
events: list[str] = []


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


async def get_session():
    async with SessionLocal() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@asynccontextmanager
async def lifespan(app):
    events.append("startup")
    yield {"ready": True}
    events.append("shutdown")


app = FastAPI(lifespan=lifespan)


@app.post("/users", status_code=201)
async def create_user(body: dict, session: Session):
    user = User(name=body["name"])
    session.add(user)
    try:
        await session.commit()
    except IntegrityError:
        await session.rollback()
        raise HTTPException(409) from None
    return {"id": user.id, "name": user.name}


@app.get("/users")
async def list_users(session: Session):
    return [user.name for user in await session.scalars(select(User).order_by(User.id))]
"""

INI = """
[pytest]
hermetic_app = shop:app
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
"""


@dataclass(frozen=True)
class Result:
    """What a run of pytest gave."""

    status: int
    output: str

    def outcomes(self) -> dict[str, int]:
        """Return the counts of the closing line, such as ``{"passed": 2, "errors": 1}``."""
        closing = [line for line in self.output.splitlines() if re.search(r" in [\d.]+s", line)]
        found = re.findall(
            r"(\d+) (passed|failed|errors?|warnings?|skipped|rerun)", closing[-1] if closing else ""
        )
        return {
            word if word in ("passed", "failed", "skipped", "rerun") else word.rstrip("s") + "s": int(n)
            for n, word in found
        }


PLUGINS = ("hermetic", "asyncio", "anyio")
"""What a run loads, in this order."""

FOREIGN = ("PYTEST", "HERMETIC", "PYTHONDONTWRITEBYTECODE", "CI", "BUILD_NUMBER")
"""How the names of variables begin that would change a run; on CI pytest shows each message twice, and whole."""


class Project:
    """A project in ``root``: write files, run pytest in it."""

    def __init__(self, root: Path, *, real_start: bool = False) -> None:
        self.root = root
        self.real_start = real_start
        self.environment: dict[str, str] = {}
        self.plugins: tuple[str, ...] = PLUGINS
        self.every_plugin = False

    def write(self, **files: str) -> Project:
        """Write files by name; ``__`` is a slash and the last ``_`` before a known ending the dot."""
        for name, text in files.items():
            stem, _, ending = name.replace("__", "/").rpartition("_")
            self.write_path(f"{stem}.{ending}", text)
        return self

    def write_path(self, path: str, text: str) -> Project:
        """Write one file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return self

    def change(self, path: str, old: str, new: str) -> None:
        """Change a text of a file, everywhere that it stands in it."""
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {path}"
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")

    def pytest(self, *arguments: str, timeout: float = 600) -> Result:
        """Run pytest in the project, in a process of its own, with every warning an error.

        Args:
            arguments: More arguments for pytest.
            timeout: Seconds after which the run counts as hung.
        """
        usual = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        usual |= {"COLUMNS": "200", "PYTHONFAULTHANDLER": "1"}
        if not self.every_plugin:
            usual["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the flag for it is younger than pytest 8.2
        # The project lies in the outer run's temporary folder, whose database files would be left alone.
        with tempfile.TemporaryDirectory(prefix="hermetic-basetemp-") as temporary:
            cache = str(with_initdb(Path(temporary, "cache")))
            environment = {**usual, "HERMETIC_CACHE": cache, **self.environment}
            command = [*self._own_arguments(), "--basetemp", f"{temporary}/basetemp", *arguments]
            server = None if self._starts_anew() else forkserver(usual, environment)
            if server is None:
                status, output, hung = _run(command, self.root, environment, timeout)
            else:
                status, output, hung = server.run(command, self.root, environment, timeout)
        if hung:
            raise AssertionError(f"the run hung for {timeout} seconds:\n{output}")
        return Result(status, output)

    def _starts_anew(self) -> bool:
        """Return whether what is asked is about the start itself, as plugins in another order are."""
        usual = [name for name in PLUGINS if name in self.plugins]
        ordered = [name for name in self.plugins if name in PLUGINS]
        return self.real_start or self.every_plugin or self.plugins[0] not in PLUGINS or ordered != usual

    def _own_arguments(self) -> list[str]:
        """Plugins by name, because importing all that is installed takes longer than most of these runs."""
        if self.every_plugin:
            return ["-p", "no:cacheprovider", "-W", "error"]
        named = [part for name in self.plugins for part in ("-p", name)]
        return [*named, "-p", "no:cacheprovider", "-W", "error"]


def _run(command: list[str], folder: Path, environment: dict[str, str], timeout: float) -> Ended:
    """Start pytest and wait for its end; one that hangs says where each of its threads stands."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            output = "".join(process.communicate(timeout=timeout))
            return Ended(process.returncode, output, hung=False)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            killer = threading.Timer(10, process.kill)
            killer.start()
            output = "".join(process.communicate())
            killer.cancel()
            return Ended(process.returncode, output, hung=True)
        finally:
            process.kill()
