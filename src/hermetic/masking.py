"""What is never shown: values whose name says that they are secret, wherever they stand.

Reports of failed tests reach JUnit files and public logs. One rule serves all of them: of parameters of statements, of
JSON, of query strings, of headers and of the texts of drivers, in which URLs and settings stand. A name is compared
without its case and its separators, so that ``X-API-Key``, ``api_key`` and ``apiKey`` are one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from sqlalchemy import URL

MASK = "***"

WORDS = (
    *("password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "authorization", "cookie"),
    *(
        "credential",
        "apikey",
        "accesskey",
        "privatekey",
        "secretkey",
        "sessionid",
        "sessionkey",
        "bearer",
        "jwt",
    ),
    *("signature", "cardnumber", "creditcard", "securitycode"),
)
"""A name that has one of these in it is secret."""

WHOLE = ("auth", "pass", "pin", "otp", "ssn", "cvv", "cvc", "sid", "salt", "xauth")
"""So is one that is one of these."""

VALUES = ("input", "value", "given", "received", "rejected", "rejectedValue", "ctx", "context")
"""What refused input is called beside the name of its field: ``{"loc": ["body", "password"], "input": ...}``."""

NAME = 100
"""Characters of a field's name at the most."""

SHORT = 3
"""So many characters of a secret may stand in a sentence by chance."""


def _pattern(text: str, flags: int = 0) -> Callable[[], re.Pattern[str]]:
    """Return what compiles a pattern once it is needed: a run that masks nothing starts without two dozen of them."""
    return cache(lambda: re.compile(text, flags))


_SEPARATORS = _pattern(r"[\W_]+")
_URL_TOKEN = _pattern(r"\b(https?://)[^\s/:@'\"]+@")
_URL_PASSWORD = _pattern(r"(?<![\w+.-])([+.-]*\w[\w+.-]*://[^\s/:@'\"]*):[^\s'\"]*@(?=[^\s@]*)")
_SCHEME = _pattern(r"\b(Bearer|Basic|Digest|Token|ApiKey)(\s+)[\w+/.~=:-]{4,}", re.IGNORECASE)
_JWT = _pattern(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_VALUE = _pattern(r"\\\".*?(?:\\\"|$)|\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.|'')*'?|[^\s,;&\"')}\]]+")
_OPENS = _pattern(r"\w*(?=[(\[{])")
_PARTS = _pattern(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?|[()\[\]{}]|[^\"'()\[\]{}]+")
_ENCODED = _pattern(r"(?<![\w.-])([\w.-]+)%3D(?:(?!%26)[^\s&'\"])+", re.IGNORECASE)
_NAME = _pattern(  # from where a word begins: tried from each of its letters, a long one would take seconds
    r"(?:(?<![\w.\[\]-])|(?<=is))(?:(?![A-Za-z_])[\w.\[\]-])*"
    r"([A-Za-z_][\w.\[\]-]*)\\?['\"`\])]{0,2}\s*(?:=>|==|:=|=|:|\bis\b)\s*"
)
_KEY = _pattern(r"(\((?P<names>(?:[^()]|\([^()]*\))*)\)=)\((?P<values>(?:[^()]|\([^()]*\))*)\)?")
_ROW = _pattern(r"(Failing row contains )\(.*", re.DOTALL)
_ARGUMENT = _pattern(r"(invalid input for query argument \$\d+: )(?:.*(?= \([^()]*\)\s*$)|.*)", re.DOTALL)
_DUPLICATE = _pattern(r"(Duplicate entry )'(?:.*'(?= for key '(?P<key>[^']*)')|.*)", re.DOTALL)
_NEAR = _pattern(  # the part of a statement at which a parser stopped, and a value that no type takes
    r"(\b(?:at or near|near) |\bunrecognized token: |\binvalid input (?:syntax for type [\w ]+|value for enum \S+): |"
    r"\bvalue out of range: |\bIncorrect \w+ value: )"
    r"(?:\"(.*?)(?:\"(?=\s*[;:.\n<(,]|$| at )|$)|'(.*?)(?:'(?=\s*[;:.\n)]|$| for | at )|$))",
    re.DOTALL,
)
_SYNTAX = _pattern(
    r"and|as|asc|begin|between|by|case|commit|create|cross|delete|desc|distinct|drop|else|end|except|"
    r"exists|from|full|group|having|in|index|inner|insert|intersect|into|is|join|left|like|limit|not|null|"
    r"offset|on|or|order|outer|returning|right|select|set|table|then|union|unique|update|using|values|"
    r"when|where|with",
    re.IGNORECASE,
)
"""Words that say where a statement is wrong, and are no value."""

_FORM = _pattern(  # a part of a multipart body; line ends may be escaped
    r"(\bname=(?:\\?\")?(?P<name>[^\"\\;\r\n]{1,100})(?:\\?\")?(?:(?!\r?\n\r?\n|\\r\\n\\r\\n).){0,300}?"
    r"(?:\r?\n\r?\n|\\r\\n\\r\\n))(?:.*?)(?=(?:\r?\n|\\r\\n)--|$)",
    re.DOTALL,
)
_SETTING = _pattern(r"(\b(?:password|identified(?: with \S+)? by)\s+)'(?:[^'\\]|\\.|'')*'?", re.IGNORECASE)
_PARAMETERS = _pattern(r"(\[SQL: (?P<sql>.*?)\]\s*\[parameters: )(?:.*(?=\])|.*)", re.DOTALL)
_REFUSED = _pattern(
    r"^(?P<names>[\w.]+)(?P<why>\s*\n.*?\binput_value=)(?:.*?(?=, input_type=)|.*)", re.MULTILINE
)
_HEADER = _pattern(
    r"\b((?:set-)?cookie|(?:proxy-)?authorization)(\s*[:=]\s*)(?=[^\s'\"])[^\r\n]+", re.IGNORECASE
)
_ITEM = _pattern(
    r"(?P<quote>['\"])(?P<name>[\w-]+)(?P=quote)(?P<between>\s*,\s*b?)(?P<value>'[^']*'?|\"[^\"]*\"?)"
)
_ELEMENT = _pattern(r"<(?P<name>[\w:-]+)(?P<rest>[^<>]*)>[^<>]+(?=</)")
_LITERAL = _pattern(
    r"\bE'(?:[^'\\]|\\.|'')*'?|'(?:[^']|'')*'?|\$(\w*)\$.*?(?:\$\1\$|$)|(?<==)\s*\"[^\"]*\"?",
    re.DOTALL | re.IGNORECASE,
)
_CRYPT = _pattern(r"crypt\w*\s*\(|\bidentified\b", re.IGNORECASE)


@dataclass(frozen=True)
class Masking:
    """What is shown of values.

    Args:
        names: Further words that make a name secret, beside the known ones.
        parameters: Of which parameters of statements the value is shown: ``columns``, of those whose column is known;
            ``all``; or ``types``, of none.
    """

    names: tuple[str, ...] = ()
    parameters: str = "columns"

    def hides(self, name: str) -> bool:
        """Whether what has this name is secret."""
        return _hides(name, self.names)

    def text(self, text: str) -> str:
        """Return a text, such as a driver's message, with what stands beside a secret name masked."""
        text = _URL_PASSWORD().sub(rf"\1:{MASK}@", text)
        text = _URL_TOKEN().sub(rf"\1{MASK}@", text)
        text = self._without_values_of_drivers(text)
        text = _FORM().sub(lambda found: found[1] + MASK if self.hides(found["name"]) else found[0], text)
        text = _JWT().sub(MASK, text)
        text = _HEADER().sub(rf"\1\2{MASK}", text)
        text = _SCHEME().sub(rf"\1\2{MASK}", text)
        text = _KEY().sub(self._without_key, text)
        text = _ELEMENT().sub(self._without_element, text)
        text = _ITEM().sub(self._without_item, text)
        text = _ENCODED().sub(self._without_encoded, text)
        return self._without_pairs(text)

    def statement(self, text: str) -> str:
        """Return SQL, whose literals are masked where it names something secret."""
        if _CRYPT().search(text) or self._names_a_secret(text):
            return _LITERAL().sub(f"'{MASK}'", text)
        return text

    def json(self, value: Any) -> Any:
        """Return what JSON holds, masked by its keys, and its texts as ``text`` does."""
        if isinstance(value, Mapping):
            names = [each for each in _texts_of(value.values()) if len(each) < NAME and self.hides(each)]
            hidden = VALUES if names else ()
            hides = {key for key in value if key in hidden or self.hides(str(key))}
            said = [each for key in hides if isinstance(each := value[key], str) and len(each) > SHORT]
            return {
                key: MASK if key in hides else self.json(_without(said, each)) for key, each in value.items()
            }
        if isinstance(value, list):
            if (
                len(value) == 2
                and isinstance(value[0], str)
                and isinstance(value[1], str)
                and self.hides(value[0])
            ):
                return [value[0], MASK]
            return [self.json(each) for each in value]
        return self.text(value) if isinstance(value, str) else value

    def query(self, text: str) -> str:
        """Return a query string, or a form's body, masked by its names."""
        return "&".join(self._without_value(each) for each in text.split("&"))

    def body(self, text: str) -> str:
        """Return the text of a body, JSON or not; of JSON that was cut nothing behind a secret name."""
        stripped = text.lstrip()
        if not stripped.startswith(("{", "[", '"')):
            return self.text(text)
        try:
            return json.dumps(self.json(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return self.text(self._up_to_a_secret(text))

    def _up_to_a_secret(self, text: str) -> str:
        secret = (found.end() for found in re.finditer(r"[\w-]+", text) if self.hides(found.group()))
        end = next(secret, None)
        return text if end is None else f"{text[:end]} {MASK}"

    def _without_value(self, pair: str) -> str:
        name, separator, value = pair.partition("=")
        if separator and self.hides(unquote_plus(name)):
            return f"{name}={MASK}"
        return f"{name}{separator}{self.text(value)}"

    def _names_a_secret(self, text: str) -> bool:
        return any(self.hides(name) for name in set(re.findall(r"\w+", text)))

    def _without_values_of_drivers(self, text: str) -> str:
        """Mask what drivers and pydantic say of a value: all of it where they do not name its column."""
        text = _ROW().sub(rf"\1({MASK})", text)
        text = _ARGUMENT().sub(rf"\1{MASK}", text)
        text = _SETTING().sub(rf"\1'{MASK}'", text)
        text = _NEAR().sub(_without_value_near, text)
        text = _DUPLICATE().sub(self._without_duplicate, text)
        text = _PARAMETERS().sub(
            lambda found: found[1] + MASK if self._names_a_secret(found["sql"]) else found[0], text
        )
        return _REFUSED().sub(self._without_input, text)

    def _without_duplicate(self, found: re.Match[str]) -> str:
        """Its key may have been cut off."""
        is_secret = found["key"] is None or self._names_a_secret(found["key"])
        return f"{found[1]}'{MASK}'" if is_secret else found[0]

    def _without_input(self, found: re.Match[str]) -> str:
        return f"{found['names']}{found['why']}{MASK}" if self._names_a_secret(found["names"]) else found[0]

    def _without_encoded(self, found: re.Match[str]) -> str:
        return f"{found[1]}%3D{MASK}" if self.hides(found[1]) else found[0]

    def _without_pairs(self, text: str) -> str:
        """Mask what follows a secret name; what follows another one may begin with a name itself."""
        masked, end = "", 0
        for found in _NAME().finditer(text):
            if found.start(1) >= end and self.hides(found[1]) and (value := _value_at(text, found.end())):
                masked += text[end : found.end()] + _quoted(value)
                end = found.end() + len(value)
        return masked + text[end:]

    def _without_item(self, found: re.Match[str]) -> str:
        """A header, as ASGI's lists of pairs are shown."""
        if not self.hides(found["name"]):
            return found[0]
        quote = found["quote"]
        return f"{quote}{found['name']}{quote}{found['between']}{_quoted(found['value'])}"

    def _without_key(self, found: re.Match[str]) -> str:
        """PostgreSQL's ``Key (email, token)=(a@b, x)``."""
        return f"{found[1]}({MASK})" if self._names_a_secret(found["names"]) else found[0]

    def _without_element(self, found: re.Match[str]) -> str:
        return f"<{found['name']}{found['rest']}>{MASK}" if self.hides(found["name"]) else found[0]


def _without_value_near(found: re.Match[str]) -> str:
    """Leave what is SQL's own: a word, or a sign."""
    value = found[2] if found[2] is not None else found[3]
    is_syntax = _SYNTAX().fullmatch(value) is not None or re.fullmatch(r"[^\w'\"]{1,3}", value) is not None
    quote = '"' if found[2] is not None else "'"
    return found[0] if is_syntax else f"{found[1]}{quote}{MASK}{quote}"


def _texts_of(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, str))


def _value_at(text: str, start: int) -> str:
    """Return the value that begins there: up to the bracket that closes it, where one opens it."""
    opened = _OPENS().match(text, start)
    if opened is None:
        found = _VALUE().match(text, start)
        return "" if found is None else found[0]
    depth = 0
    for part in _PARTS().finditer(text, opened.end()):
        depth += (part[0] in "([{") - (part[0] in ")]}")
        if depth == 0:
            return text[start : part.end()]
    return text[start:]


def _without(said: Iterable[str], value: Any) -> Any:
    """Return a text without what is masked beside it: a sentence on a value may repeat it."""
    for secret in said if isinstance(value, str) else ():
        value = value.replace(secret, MASK)
    return value


def _quoted(value: str) -> str:
    return f"{value[0]}{MASK}{value[0]}" if value[0] in "\"'" else MASK


@cache
def _hides(name: str, names: tuple[str, ...]) -> bool:
    plain = _plain(name)
    return plain in WHOLE or _has(plain, WORDS) or _has(plain, map(_plain, names))


def _has(name: str, words: Iterable[str]) -> bool:
    return any(word and word in name for word in words)


_plain: Callable[[str], str] = cache(lambda name: _SEPARATORS().sub("", name).lower())


QUERY = ("password", "sslpassword")
"""What libpq takes in a URL's query, and nobody should read."""


def masked(url: URL) -> str:
    """Return the URL as text, its password hidden, wherever it stands."""
    hidden = {key: MASK for key in QUERY if key in url.query}
    text = url.update_query_dict(hidden).render_as_string(hide_password=True)
    return text.replace("%2A%2A%2A", MASK) if hidden else text
