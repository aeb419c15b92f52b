"""What hermetic itself has renamed is renamed wherever a project uses it."""

from __future__ import annotations

import pytest

from hermetic.migrate.migration import Migration, migrate
from hermetic.migrate.steps.names import Renamed, names_step
from tests.source.projects import Project

TABLE = Renamed(
    {"hermetic.OldClient": "NewClient", "pytest.mark.hermetic_old": "hermetic_new"},
    {"old_client": "new_client"},
)


def run(project: Project, files: dict[str, str], table: Renamed = TABLE) -> Migration:
    """Return what the step makes of some files."""
    return migrate(project.write({".git/HEAD": "", **files}).root, steps=[names_step(table)])


def after(migration: Migration) -> dict[str, str]:
    """Return what becomes of the files that change, by name."""
    return {change.file.name: change.after.decode() for change in migration.changes}


@pytest.mark.parametrize(
    "text",
    [
        "from other import OldClient\n\n\nOldClient()\n",
        "import hermetic\n\nhermetic.NewClient(OldClient=1).OldClient\n",
        "OldClient = 1\n\n\ndef test_a():\n    assert OldClient\n",
        "from hermetic import AsyncTestClient as OldClient\n\nOldClient()\n",
        "import pytest\n\n\n@pytest.fixture\ndef old_client(): ...\n\n\ndef test_a(old_client): ...\n",
        "def helper(old_client):\n    return old_client\n",
        "old_client = 'old_client'\n",
    ],
)
def test_what_only_looks_like_it_stays(text: str, project: Project) -> None:
    """A name of another package or of the project's own, and a fixture that takes the place of hermetic's."""
    assert after(run(project, {"tests/test_a.py": text})) == {}


def test_imports_uses_and_exports_are_renamed(project: Project) -> None:
    """Through modules of the project, too; a parameter of that name is another thing."""
    before = {
        "tests/clients.py": "from hermetic import OldClient\n\n__all__ = ['OldClient', \"other\"]\n",
        "tests/test_a.py": "from tests.clients import (\n    OldClient,  # ours\n)\n\n\n"
        "def test_a():\n    assert isinstance(OldClient(), OldClient)\n\n\n"
        "def helper(OldClient):\n    return OldClient\n",
        "tests/test_b.py": "import hermetic as h, tests.clients as c\nfrom hermetic import OldClient as Client\n\n"
        "h . OldClient(); Client(); c.OldClient\n",
        "tests/test_c.py": "import pytest\n\n\n@pytest.mark.hermetic_old(1)\ndef test_c():\n"
        "    from hermetic import OldClient\n    OldClient()\n",
    }
    found = after(run(project, before))
    assert found == {
        "clients.py": "from hermetic import NewClient\n\n__all__ = ['NewClient', \"other\"]\n",
        "test_a.py": before["tests/test_a.py"]
        .replace("OldClient", "NewClient", 3)
        .replace("(), Old", "(), New"),
        "test_b.py": before["tests/test_b.py"].replace("OldClient", "NewClient"),
        "test_c.py": before["tests/test_c.py"].replace("OldClient", "NewClient").replace("_old", "_new"),
    }


def test_fixtures_are_renamed_where_they_are_asked_for(project: Project) -> None:
    """By a parameter or by a string; where the new name is taken, a person is told."""
    before = (
        "import pytest\n\n\n@pytest.mark.usefixtures('old_client')\nasync def test_a(old_client, x=1):\n"
        "    await old_client.get('old_client')\n\n\n@pytest.fixture\ndef user(request):\n"
        "    return request.getfixturevalue('old_client')\n"
    )
    taken = "\n\ndef test_b(old_client):\n    new_client = 1\n"
    migration = run(project, {"tests/test_a.py": before + taken})
    expected = before.replace("'old_client')\nasync", "'new_client')\nasync").replace(
        "(old_client, x", "(new_client, x"
    )
    expected = expected.replace("await old_", "await new_").replace("value('old_", "value('new_")
    assert after(migration) == {"test_a.py": expected + taken}
    assert [(each.line, each.text) for each in migration.review] == [
        (14, "old_client is new_client now, a name that test_b uses already")
    ]


def test_nothing_is_deprecated_today(project: Project) -> None:
    """So that no file is looked at."""
    from hermetic.migrate.steps.names import RENAMED

    assert Renamed() == RENAMED
    assert after(run(project, {"tests/test_a.py": "from hermetic import OldClient\n"}, RENAMED)) == {}
