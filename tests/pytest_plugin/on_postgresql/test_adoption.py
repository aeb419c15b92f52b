"""``observe`` and ``off`` start no server, and say where engines would go."""

from __future__ import annotations

from tests.pytest_plugin.project import Project


def test_observe_starts_nothing(project: Project, cache: object) -> None:
    """Where the engine would go is told; no worker database is made, and the application's own error comes through."""
    project.write(
        test_a_py="""
        import pytest
        from fastapi.testclient import TestClient
        from shop import app

        def test_it():
            with pytest.raises(OSError):
                TestClient(app).get("/users")
        """
    )
    project.environment["HERMETIC_CACHE"] = str(project.root / "cache")
    result = project.pytest("--hermetic", "observe")
    assert result.outcomes() == {"passed": 1}, result.output
    assert "postgresql+asyncpg://shop:***@db.example/shop -> the application's database" in result.output
    assert not (project.root / "cache").exists()
