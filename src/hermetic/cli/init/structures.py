"""What an entry of a dictionary, list or tuple can come from."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from hermetic.cli.init.conditions import UNKNOWN
from hermetic.cli.init.origins import Origin, Place, Structure, as_ingredient
from hermetic.cli.init.variables import literal

if TYPE_CHECKING:
    from hermetic.cli.init.dataflow import Dataflow


class Structures:
    """Look entries up.

    Args:
        dataflow: Asked for the values.
    """

    def __init__(self, dataflow: Dataflow) -> None:
        self._dataflow = dataflow

    def entry(self, place: Place, name: str) -> tuple[Origin, ...] | None:
        """Return the origins of an entry of a dictionary; None where it has none of that name, or is none."""
        for origin in self._dataflow.origins(place):
            for key, item in items(origin.place) if isinstance(origin, Structure) else ():
                if key == name:
                    return self._dataflow.origins(item)
        return None

    def picked(self, origins: Iterable[Origin], key: object) -> Iterator[Origin]:
        """Yield the origins of an entry of dictionaries and lists; of all entries where the key cannot be told."""
        for origin in origins:
            if not isinstance(origin, Structure):
                yield from as_ingredient([origin])
                continue
            entries = list(items(origin.place))
            keys = [self._key(origin.place, index, key) for index in range(len(entries))]
            for (_, item), own in zip(entries, keys, strict=True):
                if key in keys and own != key and UNKNOWN not in (key, own):
                    continue
                yield from self._dataflow.origins(item)

    def _key(self, place: Place, index: int, wanted: object) -> object:
        """Return the key of an entry; its position in a list."""
        node = place.node
        if isinstance(node, ast.Dict):
            own = node.keys[index]
            return UNKNOWN if own is None else self._dataflow.conditions.value(replace(place, node=own))
        return node.keywords[index].arg if isinstance(node, ast.Call) else index


def items(place: Place) -> Iterator[tuple[str | None, Place]]:
    """Yield the entries of a dictionary, list or tuple, each with its key where that is a text."""
    node = place.node
    if isinstance(node, ast.Dict):
        pairs = [(literal(key), value) for key, value in zip(node.keys, node.values, strict=True)]
    elif isinstance(node, ast.Call):
        pairs = [(word.arg, word.value) for word in node.keywords]
    else:
        assert isinstance(node, ast.Tuple | ast.List | ast.Set)
        pairs = [(None, value) for value in node.elts]
    yield from ((key, replace(place, node=value)) for key, value in pairs)
