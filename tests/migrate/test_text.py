"""A file is changed at places of its tree, and nowhere else."""

from __future__ import annotations

import ast

import pytest

from hermetic.migrate.text import Edit, SourceText


def call_in(source: SourceText, data: bytes) -> ast.Call:
    """Return the first call in a file."""
    return next(node for node in ast.walk(ast.parse(data)) if isinstance(node, ast.Call))


@pytest.mark.parametrize(
    "data",
    [
        "x = 'é'; old(1)\r\ny = 2\r\n".encode(),
        "\ufeffx = 'é'; old(1)\ny = 2".encode(),
        "# -*- coding: latin-1 -*-\rx = 'é'; old(1)\r".encode("latin-1"),
        "# coding: cp1251\nif 1:\n\f\tx = 'ж'; \\\n\told(1)".encode("cp1251"),
        b"x = '''\r\n\r\n'''; old(\\\r\n1)",
    ],
)
def test_a_node_is_found_whatever_the_file_is_written_in(data: bytes) -> None:
    """Marks of byte order, encodings and line ends stay; text before the node on its line may take several bytes."""
    source = SourceText(data)
    call = call_in(source, data)
    after = source.edited(
        [Edit(source.start(call), source.start(call), "await "), source.replace(call.func, "new")]
    )
    assert after == data.replace(b"old", b"await new")
    assert source.edited([]) == data


def test_insertions_at_one_place_stand_in_the_order_in_which_they_are_given() -> None:
    """Equal ones are both made."""
    source = SourceText(b"a.b()")
    edits = [Edit(0, 0, "await "), Edit(0, 0, "("), Edit(0, 0, "("), Edit(5, 5, ")"), Edit(5, 5, ")")]
    assert source.edited(edits) == b"await ((a.b()))"


def test_new_lines_end_as_those_of_the_file() -> None:
    """By its first."""
    source = SourceText(b"a\r\nb\n")
    assert source.edited([Edit(3, 3, "x\ny\n")]) == b"a\r\nx\r\ny\r\nb\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_followed_through_edits(newline: str) -> None:
    """A line is where its beginning is."""
    source = SourceText(f"a{newline}b{newline}c{newline}d{newline}".encode())
    second, third = source.position(2, 0), source.position(3, 0)
    assert source.lines_after([Edit(second, second, "x\ny\n")])[:4] == [1, 4, 5, 6]
    assert source.lines_after([Edit(1, 1, "x\ny")])[:4] == [1, 3, 4, 5]
    assert source.lines_after([Edit(second, third, "")])[:4] == [1, 2, 2, 3]
