"""The steps that there are, on a file in odd formatting: what comes of it, and that this is left alone then."""

from __future__ import annotations

import pytest

from hermetic.migrate.migration import migrate
from tests.source.projects import Project

BEFORE = """\
from fastapi.testclient import TestClient ; import pytest
from app.main import app
client = TestClient(app) ; ü = "é"


def test_a():
\tx = "é" ; r = client.get("/é") ; assert r.status_code == 200 # type: ignore
\tassert client.get(
\t\t"/"
\t) . json ( ) == {} ; y = \\
\t\tclient.get("/b")
\tf"é {client.get('/c').status_code!r:>{client.get('/d').status_code}}"
\twith TestClient(app) as c , TestClient(app) as d :
\t\tpass ; c.get("/") ; d.get("/")
\x0c
class TestX:
  # type: () -> None
  @pytest.mark.parametrize ( "a" , [ "é" , ] )
  def test_b ( self , a , ) : return client.get ( "/" + a )
  def test_c(self): # é
   with client.websocket_connect("/ws") as ws: ws.send_text("é"); assert ws.receive_text() == "é"
  def test_d(self):
    for u in [client.get(u).text for u in ("a","é")]: assert u if client.get("/").text else 1
    return (client
      .get("/") # why
      .json())

def helper(client, *, u="é"): return client.post(u).json()["é"]
def test_e(): assert helper(client)==helper(client,u="x")!=[helper(client) for _ in "é"]
"""
AFTER = """\
from hermetic import AsyncTestClient ; import pytest
from app.main import app
client = AsyncTestClient(app) ; ü = "é"


async def test_a():
\tx = "é" ; r = await client.get("/é") ; assert r.status_code == 200 # type: ignore
\tassert (await client.get(
\t\t"/"
\t)) . json ( ) == {} ; y = \\
\t\tawait client.get("/b")
\tf"é {(await client.get('/c')).status_code!r:>{(await client.get('/d')).status_code}}"
\tasync with AsyncTestClient(app) as c , AsyncTestClient(app) as d :
\t\tpass ; await c.get("/") ; await d.get("/")
\x0c
class TestX:
  # type: () -> None
  @pytest.mark.parametrize ( "a" , [ "é" , ] )
  async def test_b ( self , a , ) : return await client.get ( "/" + a )
  async def test_c(self): # é
   async with client.websocket_connect("/ws") as ws: await ws.send_text("é"); assert await ws.receive_text() == "é"
  async def test_d(self):
    for u in [(await client.get(u)).text for u in ("a","é")]: assert u if (await client.get("/")).text else 1
    return ((await client
      .get("/")) # why
      .json())

async def helper(client, *, u="é"): return (await client.post(u)).json()["é"]
async def test_e(): assert await helper(client)==await helper(client,u="x")!=[await helper(client) for _ in "é"]
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_encodings_and_line_ends_stay(encoding: str, newline: str, project: Project) -> None:
    """Declared ones, and marks of byte order; no line gets a line end that is not the file's."""
    declared = "# -*- coding: latin-1 -*-\n" if encoding == "latin-1" else ""
    before, after = (f"{declared}{text}".replace("\n", newline).encode(encoding) for text in (BEFORE, AFTER))
    project.write(
        {"pytest.ini": "[pytest]\nasyncio_mode = auto\n", "app/main.py": "app = 1\n", ".git/HEAD": ""}
    )
    file = project.root / "tests/test_odd.py"
    file.parent.mkdir()
    file.write_bytes(before)
    migration = migrate(project.root)
    assert (migration.notes, migration.defects, migration.left) == ((), (), ())
    assert [change.after for change in migration.changes] == [after]
    file.write_bytes(after)
    assert migrate(project.root).changes == ()
