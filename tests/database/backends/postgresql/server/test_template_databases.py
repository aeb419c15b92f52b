"""Templates on a server: which there are, which count, and which stay."""

from __future__ import annotations

from hermetic.database.backends.postgresql.server import template_databases
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.instance import TEMPLATE, Instance
from tests.database.backends.postgresql.server.looking import databases, execute, values


def test_a_poller_keeps_a_template_from_being_made(host: PostgresqlHost) -> None:
    """Whoever connects again and again is waited for, by PostgreSQL for 5 seconds; then there is no template."""
    host.create("one", "app")
    before = databases(host)
    with host.instance.connect("one"):
        assert not template_databases.keep(host, "one", "0123", {})
    assert databases(host) == before
    assert template_databases.keep(host, "one", "0123", {})
    assert template_databases.find(host, "0123") == f"{TEMPLATE}0123"


def test_old_templates_go(host: PostgresqlHost, instance: Instance) -> None:
    """The three newest stay beside those of the run, however many databases it has; used is as good as built."""
    host.create("one", "app")
    for fingerprint in "12345":
        assert template_databases.keep(host, "one", fingerprint, {})
    assert {name.removeprefix(TEMPLATE) for name, _ in template_databases.every(host)} == set("12345")
    later = PostgresqlHost(instance, project="/project")
    assert template_databases.find(later, "1") == f"{TEMPLATE}1"
    assert template_databases.keep(later, "one", "6", {})
    left = {name.removeprefix(TEMPLATE) for name, _ in template_databases.every(host)}
    assert {"1", "6"} < left
    assert len(left) == 5
    later.close()


def test_templates_without_a_note(host: PostgresqlHost) -> None:
    """A build that was killed leaves one, and so may somebody else: nobody's, the oldest, and no error."""
    host.create("one", "app")
    for fingerprint in ("1", "2", "3"):
        template_databases.keep(host, "one", fingerprint, {})
    for comment, name in {"": "killed_new", "somebody's words": "strange", "[1]": "odd"}.items():
        execute(host, "postgres", f"CREATE DATABASE {TEMPLATE}{name}")
        execute(host, "postgres", f"COMMENT ON DATABASE {TEMPLATE}{name} IS $${comment}$$")
    template_databases.keep(host, "one", "4", {})
    names = [name.removeprefix(TEMPLATE) for name, _ in template_databases.every(host)]
    assert set(names[:4]) == {"1", "2", "3", "4"}
    assert set(names[4:]) == {"killed_new", "strange", "odd"}
    assert (
        template_databases.note(host, f"{TEMPLATE}odd")
        == template_databases.note(host, "gone meanwhile")
        == {}
    )


def test_somebody_elses_database_of_a_templates_name(host: PostgresqlHost) -> None:
    """It has no mark: it serves as no template, and none takes its place."""
    host.create("one", "app")
    execute(host, "postgres", f"CREATE DATABASE {TEMPLATE}0a")
    execute(host, f"{TEMPLATE}0a", "CREATE TABLE theirs ()")
    assert template_databases.find(host, "0a") is None
    assert not template_databases.keep(host, "one", "0a", {})
    assert values(host, f"{TEMPLATE}0a", "SELECT to_regclass('theirs')::text") == ["theirs"]
