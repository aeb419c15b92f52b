"""What the tests of messages share: an ini file with more lines, and what a run must have said."""

from __future__ import annotations

from tests.pytest_plugin.project import INI, Project, Result

WHY = "hermetic: why this failed"
"""What stands above explanations."""


def ini(*lines: str, app: str = "shop:app") -> str:
    """An ini file with further lines."""
    return "\n".join([INI.replace("shop:app", app).strip(), *lines, ""])


def said(result: Result, *texts: str, status: int = 1) -> None:
    """The run ended with this status and said all this, with no frame of ours and no internal error."""
    assert result.status == status, result.output
    for text in texts:
        assert text in result.output, f"{text!r} is not in:\n{result.output}"
    assert "INTERNALERROR" not in result.output, result.output
    assert "src/hermetic/pytest_plugin" not in result.output, result.output


def all_pass(project: Project, passed: int) -> None:
    """Every test passes, and nothing is explained."""
    result = project.pytest()
    assert result.outcomes() == {"passed": passed}, result.output
    assert WHY not in result.output, result.output
