"""Modules in odd formatting come out equal but for the rewrite, and parse: a property, over what hypothesis draws.

A module is drawn with marks: ``«`` is a name that a step replaces, ``‹`` and ``›`` are around a call that it awaits,
and ``%`` is text that takes several bytes. So what must come out is known without asking the code under test.
"""

from __future__ import annotations

import ast
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hermetic.migrate.migration import migrate
from hermetic.migrate.step import Outcome, Project, Step
from hermetic.migrate.text import Edit, SourceText

DECLARATIONS = {
    "utf-8": "",
    "utf-8-sig": "",
    "latin-1": "# -*- coding: latin-1 -*-\n",
    "cp1252": "#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\n",
    "koi8-r": "# coding=koi8-r\n",
    "shift_jis": "# coding: shift_jis\n",
}
WORDS = {
    "utf-8": "aé→𝒳",
    "utf-8-sig": "ß漢",
    "latin-1": "éÿ",
    "cp1252": "€œ",
    "koi8-r": "жЯ",
    "shift_jis": "漢ソ",  # whose second byte is that of a backslash
}
EXPRESSIONS = (
    "‹«(1)›",
    "‹« ( 1 )›",
    "‹(«\\\n    )(1)›",
    "[ each for each in ‹«(1)› ]",
    'f"% {‹«(1)›!r:>{‹«(2)›}} %"',
    "f'''%\n\t{ ‹«(1)› } {{old}} %'''",
    "('%' f\"{‹«('1')›}\"\n  '%')",
    "{'%': ‹«(1)›, # % old(1)\n }",
    "(lambda old_: ‹«(1)›)(old=2)",
    "'''%\nold(1) %'''  + ‹«(1)›",
    "(‹«(1)›if ‹«(2)›else(‹«(3)›))",
    "(‹« (1)›, # old\n\f\n )",
    "‹«(‹«('%')›)› . old",
    "« [ « : «.old(1) ]",
)
SIMPLE = (
    "x = *",
    "x = '%' ; y = * ; z = '%'",
    "x = * # type: int  # %",
    "assert * , '%' ;",
    "x: 'old' = *",
    "x = [] ; x += *",
    "pass;x=*",
    "x \\\n = *",
)
COMPOUND = (
    "if *: pass",
    "if *:\n>",
    "for x in *: x = *",
    "@mark('%')\n@ mark(*)\ndef test_a( a , b = * , c = * ) : # %\n>",
    "def test_b(a, # type: int\n         b): # %\n\t\t# type: (...) -> None\n>",
    "class TestA ( * ) :\n>",
    "with * as x , * as y :\n>\n>",
    "try:\n>\nexcept * : x = *\nfinally:\n>",
    "while *:\n>\nelse:\n>",
    "async def test_c():\n>\n>",
)


@dataclass(frozen=True)
class Drawn:
    """A module with marks, and how it is written."""

    text: str
    encoding: str
    newline: str

    @property
    def before(self) -> bytes:
        """What is in the file."""
        return self._written("old", "", "")

    @property
    def after(self) -> bytes:
        """What is to be in it then."""
        return self._written("new_name", "(await ", ")")

    def _written(self, name: str, start: str, end: str) -> bytes:
        text = self.text.replace("«", name).replace("‹", start).replace("›", end)
        return text.replace("%", WORDS[self.encoding]).replace("\n", self.newline).encode(self.encoding)


@st.composite
def modules(draw: st.DrawFn) -> Drawn:
    """Draw a module, of one to five statements with blocks in them."""
    encoding = draw(st.sampled_from(sorted(DECLARATIONS)))
    indent = draw(st.sampled_from(["\t", " ", "    ", " \t"]))
    lines = [line for _ in range(draw(st.integers(1, 5))) for line in _statement(draw, indent, 0)]
    feed = draw(st.sampled_from(["", "\f", "\f\n"]))
    ending = draw(st.sampled_from(["\n", "", "\n\n\f\n", "\n# %", "\n    # %\n"]))
    text = DECLARATIONS[encoding] + feed + "\n".join(lines) + ending
    return Drawn(text, encoding, draw(st.sampled_from(["\n", "\r\n", "\r"])))


def _statement(draw: st.DrawFn, indent: str, depth: int) -> list[str]:
    lines: list[str] = []
    for line in draw(st.sampled_from(SIMPLE if depth > 1 else SIMPLE + COMPOUND)).split("\n"):
        if line == ">":
            lines += [indent + each for each in _statement(draw, indent, depth + 1)]
            continue
        for _ in range(line.count("*")):
            line = line.replace("*", draw(st.sampled_from(EXPRESSIONS)), 1)
        lines += line.split("\n")
    return lines


def rewrite(project: Project) -> Outcome:
    """Return the edits that replace each ``old``, and await each call of it."""
    edits: dict[Path, tuple[Edit, ...]] = {}
    for module in project.symbols.sources.tests:
        source, found = SourceText(module.text), list[Edit]()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "old":
                found += [Edit(source.start(node), source.start(node), "(await ")]
                found += [Edit(source.end(node), source.end(node), ")")]
            if isinstance(node, ast.Name) and node.id == "old":
                found.append(source.replace(node, "new_name"))
        edits[module.path] = tuple(found)
    return Outcome(edits)


@given(modules())
def test_modules_come_out_equal_but_for_the_rewrite(drawn: Drawn) -> None:
    """To the byte; nothing is found to be done in what came out."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test_odd.py")
        for text in (drawn.before, drawn.after):
            file.write_bytes(text)
            migration = migrate(Path(folder), steps=[Step("rewrite", "", True, ("", ""), rewrite)])
            assert (migration.notes, migration.defects) == ((), ())
            assert [change.after for change in migration.changes] == [drawn.after] * (text == drawn.before)
