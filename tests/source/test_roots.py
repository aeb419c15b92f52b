"""From which directory the application is imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hermetic.source.roots import ImportRoot, find_root, is_installed
from hermetic.source.sources import read_sources
from tests.source.projects import APP, Project


def dotted(project: Project, file: str, *configured: str) -> str | None:
    """Return the name under which a file of the project is imported."""
    path = project.root / file
    root = find_root(path, read_sources(project.root), [project.root / name for name in configured])
    return root.dotted(path) if root else None


def test_without_other_evidence_the_top_package_decides(project: Project) -> None:
    """The directory above the last ``__init__.py`` is where imports start."""
    project.write({"backend/app/__init__.py": "", "backend/app/main.py": APP})
    assert dotted(project, "backend/app/main.py") == "app.main"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("from db import engine", "main"),
        ("from app.db import engine", "app.main"),
        ("import backend.app.db", "backend.app.main"),
    ],
)
def test_the_applications_own_imports_decide(project: Project, statement: str, expected: str) -> None:
    """The same files are imported under the name by which they import each other."""
    project.write({"backend/app/main.py": f"{statement}\n{APP}", "backend/app/db.py": "engine = None"})
    assert dotted(project, "backend/app/main.py") == expected


def test_an_accidental_init_file_in_src_does_not_decide(project: Project) -> None:
    """``src/__init__.py`` makes ``src`` a package by name only; the tests' ``src.shop`` does not outweigh the code."""
    project.write(
        {
            "src/__init__.py": "",
            "src/shop/__init__.py": "",
            "src/shop/main.py": f"from shop.db import x\n{APP}",
            "src/shop/db.py": "x = 1",
            "tests/test_a.py": "from src.shop.main import app\nfrom src.shop.db import x\nimport src.shop.db",
        }
    )
    assert dotted(project, "src/shop/main.py") == "shop.main"


def test_the_tests_imports_decide_where_the_code_says_nothing(project: Project) -> None:
    """A module that imports nothing of its own is imported as the tests import it."""
    project.write({"app/main.py": APP, "tests/test_a.py": "from app.main import app"})
    assert dotted(project, "app/main.py") == "app.main"


def test_an_existing_pythonpath_breaks_a_tie(project: Project) -> None:
    """What is configured already is right when nothing says otherwise."""
    project.write({"src/app/main.py": APP})
    assert dotted(project, "src/app/main.py", "src") == "app.main"
    assert dotted(project, "src/app/main.py") == "main"


def test_a_module_named_like_one_of_the_standard_library_is_no_evidence(project: Project) -> None:
    """``import email`` is Python's own module, although app/email.py exists."""
    project.write({"app/__init__.py": "", "app/main.py": f"import email\n{APP}", "app/email.py": ""})
    assert dotted(project, "app/main.py") == "app.main"


def test_a_directory_whose_name_is_no_identifier_can_only_be_a_root(project: Project) -> None:
    """``my app/main.py`` is ``main``."""
    project.write({"my app/main.py": APP})
    assert dotted(project, "my app/main.py") == "main"


def test_a_file_whose_name_is_no_identifier_cannot_be_imported(project: Project) -> None:
    """There is no root for it."""
    project.write({"my-app.py": APP})
    assert dotted(project, "my-app.py") is None


def test_a_package_is_named_by_its_directory(tmp_path: Path) -> None:
    """``__init__`` is no part of the name; outside the root there is no name."""
    root = ImportRoot(tmp_path)
    assert root.dotted(tmp_path / "app" / "__init__.py") == "app"
    assert root.dotted(tmp_path / "__init__.py") is None
    assert root.dotted(Path("/elsewhere/app.py")) is None


@pytest.mark.parametrize("layout", ["pkg_under_test/__init__.py", "pkg_under_test.py"])
def test_an_importable_package_is_installed(
    project: Project, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    """A root on the path of this environment needs no pythonpath; nothing of it is executed to find out."""
    file = project.write({layout: "raise SystemExit"}).root / layout
    root = ImportRoot(project.root)
    assert not is_installed(root, file)
    monkeypatch.syspath_prepend(str(project.root))
    assert is_installed(root, file)


def test_the_current_directory_does_not_count_as_installed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``python -m`` puts it on the path; ``pytest`` does not."""
    file = project.write({"pkg_here/__init__.py": ""}).root / "pkg_here/__init__.py"
    monkeypatch.syspath_prepend(str(project.root))
    monkeypatch.chdir(project.root)
    assert not is_installed(ImportRoot(project.root), file)


def test_an_installed_root_counts_from_within_itself(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where ``hermetic init`` is typed; an editable install adds it behind the folder of the command."""
    file = project.write({"pkg_here/__init__.py": ""}).root / "pkg_here/__init__.py"
    monkeypatch.syspath_prepend(str(project.root))
    monkeypatch.syspath_prepend(sys.prefix)
    monkeypatch.chdir(project.root)
    assert is_installed(ImportRoot(project.root), file)


def test_another_package_of_that_name_is_not_the_application(project: Project) -> None:
    """A ``json`` of the project is not the ``json`` that this environment has."""
    file = project.write({"json/__init__.py": ""}).root / "json/__init__.py"
    assert not is_installed(ImportRoot(project.root), file)


def test_a_module_without_a_spec_is_not_installed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is bound to an object without a spec is nobody's installed package."""
    monkeypatch.setitem(sys.modules, "specless", type(sys)("specless"))
    file = project.write({"specless.py": ""}).root / "specless.py"
    assert not is_installed(ImportRoot(project.root), file)


def test_what_has_no_name_is_not_installed(project: Project) -> None:
    """A file outside the root is not looked for."""
    assert not is_installed(ImportRoot(project.root), Path("/elsewhere/app.py"))
