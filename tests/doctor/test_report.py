"""How a diagnosis is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hermetic.doctor.examination import Diagnosis, Finding
from hermetic.doctor.report import as_json, explanation, github, summary, text
from hermetic.doctor.rules import BY_CODE, RULES, Rule

HERE = Path("/project")
FOUND = Diagnosis(
    (
        Finding(
            BY_CODE["HM720"],
            HERE / "tests/conftest.py",
            3,
            22,
            "httpx 0.28.1 has no argument app: 100 %,\nno",
        ),
        Finding(BY_CODE["HM720"], HERE / "tests/conftest.py", 9, 1, "again"),
        Finding(BY_CODE["HM715"], Path("/elsewhere/a,b.py"), 1, 1, "wide"),
    ),
    ("a note",),
    "on",
)


def test_text_has_a_line_for_each_finding_and_the_change_once() -> None:
    """The change is the same for each finding of a code."""
    assert list(text(FOUND, HERE)) == [
        "tests/conftest.py:3:22: HM720 error: httpx 0.28.1 has no argument app: 100 %,\nno",
        '    fix: AsyncClient(transport=ASGITransport(app=app), base_url="http://test")',
        "tests/conftest.py:9:1: HM720 error: again",
        "/elsewhere/a,b.py:1:1: HM715 error: wide",
        '    fix: @pytest.fixture(scope="session")',
        "         def anyio_backend():",
        '             return "asyncio"',
    ]


def test_json_is_one_object() -> None:
    """With what a program needs."""
    document = json.loads("\n".join(as_json(FOUND, HERE)))
    assert (document["mode"], document["notes"], len(document["findings"])) == ("on", ["a note"], 3)
    assert document["findings"][1].pop("why").startswith("httpx 0.28 took the argument")
    assert document["findings"][1] == {
        "code": "HM720",
        "severity": "error",
        "file": "tests/conftest.py",
        "line": 9,
        "column": 1,
        "name": "AsyncClient(app=...) is gone",
        "message": "again",
        "example": 'AsyncClient(app=app, base_url="http://test")',
        "fix": 'AsyncClient(transport=ASGITransport(app=app), base_url="http://test")',
    }


def test_workflow_commands_are_escaped() -> None:
    """A comma, a percent sign or a line end would cut them."""
    first, _, last = github(FOUND, HERE)
    assert first == (
        "::error file=tests/conftest.py,line=3,col=22,title=HM720 AsyncClient(app=...) is gone::"
        "httpx 0.28.1 has no argument app: 100 %25,%0Ano"
    )
    assert "file=/elsewhere/a%2Cb.py," in last


def test_the_summary_counts() -> None:
    """And says which mode was assumed."""
    assert summary(FOUND) == "3 errors and 0 warnings (hermetic is on in this project)"
    assert summary(Diagnosis((), (), "off")) == "nothing found (hermetic is off in this project)"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_explains_itself(rule: Rule) -> None:
    """Its cause, an example, and the change."""
    told = explanation(rule)
    assert told.startswith(f"{rule.code}  {rule.cause.name} ({rule.severity})\n\n")
    assert "for example:\n    " in told and "instead:\n    " in told


def test_the_hook_for_pre_commit_reads_the_whole_project() -> None:
    """It is given no file names: what one file says depends on others."""
    hook = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert "entry: hermetic doctor\n" in hook and "pass_filenames: false\n" in hook
