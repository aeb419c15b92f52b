"""Below the traceback of a failed test stands what the failure means here, whatever the flags of the output."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import said


def test_a_message_of_a_library_is_explained_by_the_line_of_the_project(project: Project) -> None:
    """The cause, its code, the line that it is about, and what to change."""
    project.write(
        test_a_py="""
        import httpx2

        def test_client():
            httpx2.AsyncClient(app=object())

        def test_other():
            raise TypeError("AsyncClient has no app")
        """
    )
    result = project.pytest("--show-capture=no")
    said(result, "hermetic: why this failed", "test_a.py:4 makes AsyncClient(app=...)", "[HM720]", "change: ")
    assert result.output.count("HM720]") == 1
