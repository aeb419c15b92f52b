"""Links between pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, pages

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", [*pages(), ROOT / "ARCHITECTURE.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A link to a file names one that is there, and a fragment names one of its headings."""
    for match in _LINK.finditer(_FENCED.sub("", page.read_text(encoding="utf-8"))):
        target = match["target"]
        if target.startswith("http"):
            continue
        name, _, fragment = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name} links to {target}"
        assert not fragment or fragment in anchors(path), f"{page.name} links to {target}: no such heading"


def test_every_page_can_be_reached() -> None:
    """Each page of docs/ is linked from docs/README.md, and that one from the README."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"]({page.name}" in index, (
            f"docs/README.md does not link {page.name}"
        )
    assert "](docs/README.md" in (ROOT / "README.md").read_text(encoding="utf-8")
