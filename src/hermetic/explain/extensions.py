"""A function, a type or an operator class of an extension that nobody has made in the database of the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hermetic.causes.databases import EXTENSION_NOT_MADE
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History

_MISSING = re.compile(r'(function|type|operator class) (?:[\w"]+\.)?"?(\w+)"?(?:\(.*?\))? does not exist')

_OF_UUIDS = "uuid-ossp"
_EXTENSIONS = {
    _OF_UUIDS: r"uuid_generate_v\w+|uuid_nil|uuid_ns_\w+",
    "pgcrypto": "crypt|gen_salt|gen_random_bytes|digest|hmac|pgp_\\w+",
    "pg_trgm": r"similarity|word_similarity|show_trgm|gi[ns]t?_trgm_ops",
    "unaccent": "unaccent",
    "citext": "citext",
    "hstore": "hstore",
    "ltree": "ltree|lquery",
    "vector": r"vector|halfvec|sparsevec|vector_\w+_ops",
    "postgis": r"geometry|geography|st_\w+",
    "fuzzystrmatch": r"levenshtein\w*|soundex|metaphone|dmetaphone",
}
"""What each of the extensions that applications use most has, by a regular expression of the names."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the extension, and the setting that makes it."""
    del history
    for error in failure.chain():
        found = _MISSING.search(str(error))
        extension = None if found is None else _extension_of(found[2])
        if found is not None and extension is not None:
            yield Explanation(
                EXTENSION_NOT_MADE,
                (
                    f"The {found[1]} {found[2]} is of the extension {extension}, and nobody has made that in the"
                    " database of the tests: it has what hermetic_schema makes, and no more.",
                ),
                (
                    *(
                        ["gen_random_uuid() in its place, which needs no extension"]
                        if extension == _OF_UUIDS
                        else []
                    ),
                    f"hermetic_extensions = {extension} in the ini file",
                    f'or have the metadata make it: event.listen(Base.metadata, "before_create", DDL(\'CREATE EXTENSION'
                    f' IF NOT EXISTS "{extension}"\'))',
                ),
            )
            return


def _extension_of(name: str) -> str | None:
    return next((each for each, names in _EXTENSIONS.items() if re.fullmatch(names, name.lower())), None)
