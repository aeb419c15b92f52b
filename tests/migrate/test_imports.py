"""Import statements changed."""

from __future__ import annotations

import ast

import pytest

from hermetic.migrate.imports import added_imports, replaced_imports
from hermetic.migrate.text import SourceText

NEW = ("hermetic", "AsyncTestClient")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from a import Old\n", "from hermetic import AsyncTestClient\n"),
        ("from a import Old, b\n", "from a import b\nfrom hermetic import AsyncTestClient\n"),
        ("from a import b, Old\n", "from a import b\nfrom hermetic import AsyncTestClient\n"),
        (
            "from a import (\n    b,\n    Old,  # the old one\n    c,\n)\n",
            "from a import (\n    b,\n    c,\n)\nfrom hermetic import AsyncTestClient\n",
        ),
        ("from a import (b,\n    Old,\n)\n", "from a import (b,\n)\nfrom hermetic import AsyncTestClient\n"),
        ("import x; from a import Old; y = 1\n", "import x; from hermetic import AsyncTestClient; y = 1\n"),
        ("from a import Old, b; y = 1\n", "from a import b; from hermetic import AsyncTestClient; y = 1\n"),
        ("from a import Old\nfrom b import Old\n", "from hermetic import AsyncTestClient\n"),
        ("from hermetic import AsyncTestClient\nfrom a import Old", "from hermetic import AsyncTestClient\n"),
        (
            "def f():\n    from a import Old\n    Old()\n",
            "def f():\n    from hermetic import AsyncTestClient\n    Old()\n",
        ),
        (
            "from hermetic import AsyncTestClient\ndef f():\n    from a import Old\n",
            "from hermetic import AsyncTestClient\ndef f():\n    pass\n",
        ),
        (
            "if TYPE_CHECKING:\n    from a import Old\nelse:\n    from b import Old\n",
            "if TYPE_CHECKING:\n    from hermetic import AsyncTestClient\n"
            "else:\n    from hermetic import AsyncTestClient\n",
        ),
        (
            "try: from a import Old\nexcept E: pass\n",
            "try: from hermetic import AsyncTestClient\nexcept E: pass\n",
        ),
    ],
)
def test_another_name_stands_where_the_old_one_stood(before: str, after: str) -> None:
    """What is imported instead has its place and its block, and is there once."""
    text, tree = SourceText(before.encode()), ast.parse(before)
    old = [node for node in ast.walk(tree) if isinstance(node, ast.alias) and node.name == "Old"]
    assert text.edited(replaced_imports(text, tree, {alias: [NEW] for alias in old})).decode() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import x\n\ny = 1\n", "import x\nimport asyncio\n\ny = 1\n"),
        ('"""Docstring."""\n\ny = 1\n', '"""Docstring."""\nimport asyncio\n\ny = 1\n'),
        ("@decorated\ndef f(): ...\n", "import asyncio\n@decorated\ndef f(): ...\n"),
        ("# empty\n", "# empty\nimport asyncio\n"),
        ("import asyncio, x\n", "import asyncio, x\n"),
        ("from . import asyncio\n", "from . import asyncio\nimport asyncio\n"),
    ],
)
def test_a_name_is_added_behind_the_imports_at_the_top(before: str, after: str) -> None:
    """It is not where it is imported already."""
    text, tree = SourceText(before.encode()), ast.parse(before)
    assert text.edited(added_imports(text, tree, [("asyncio", "")])).decode() == after
