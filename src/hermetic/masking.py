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
from typing import Any

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

_SEPARATORS = re.compile(r"[\W_]+")
_URL_PASSWORD = re.compile(r"(?<![\w+.-])([+.-]*\w[\w+.-]*://[^\s/:@'\"]*):[^\s'\"]*@(?=[^\s@]*)")
_SCHEME = re.compile(r"\b(Bearer|Basic|Digest|Token|ApiKey)(\s+)[\w+/.~=:-]{4,}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_VALUE = re.compile(r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.|'')*'?|\([^)]*\)|[^\s,;&\"')}\]]+")
_NAME = re.compile(  # from where a word begins: tried from each of its letters, a long one would take seconds
    r"(?:(?<![\w.\[\]-])|(?<=is))(?:(?![A-Za-z_])[\w.\[\]-])*"
    r"([A-Za-z_][\w.\[\]-]*)['\"`\])]{0,2}\s*(?:=>|==|:=|=|:|\bis\b)\s*"
)
_KEY = re.compile(r"(\((?P<names>[^()]*)\)=)\((?P<values>[^()]*)\)")
_HEADER = re.compile(
    r"\b((?:set-)?cookie|(?:proxy-)?authorization)(\s*[:=]\s*)(?=[^\s'\"])[^\r\n]+", re.IGNORECASE
)
_ITEM = re.compile(
    r"(?P<quote>['\"])(?P<name>[\w-]+)(?P=quote)(?P<between>\s*,\s*b?)(?P<value>'[^']*'?|\"[^\"]*\"?)"
)
_ELEMENT = re.compile(r"<(?P<name>[\w:-]+)(?P<rest>[^<>]*)>[^<>]+(?=</)")
_LITERAL = re.compile(r"'(?:[^']|'')*'?|\$(\w*)\$.*?(?:\$\1\$|$)", re.DOTALL)


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
        text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
        text = _JWT.sub(MASK, text)
        text = _HEADER.sub(rf"\1\2{MASK}", text)
        text = _SCHEME.sub(rf"\1\2{MASK}", text)
        text = _KEY.sub(self._without_key, text)
        text = _ELEMENT.sub(self._without_element, text)
        text = _ITEM.sub(self._without_item, text)
        return self._without_pairs(text)

    def statement(self, text: str) -> str:
        """Return SQL, whose literals are masked where it names something secret."""
        if any(self.hides(name) for name in set(re.findall(r"\w+", text))):
            return _LITERAL.sub(f"'{MASK}'", text)
        return text

    def json(self, value: Any) -> Any:
        """Return what JSON holds, masked by its keys, and its texts as ``text`` does."""
        if isinstance(value, Mapping):
            names = [each for each in _texts_of(value.values()) if len(each) < NAME and self.hides(each)]
            hidden = VALUES if names else ()
            return {
                key: MASK if key in hidden or self.hides(str(key)) else self.json(each)
                for key, each in value.items()
            }
        if isinstance(value, list):
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
        return f"{name}={MASK}" if separator and self.hides(name) else f"{name}{separator}{self.text(value)}"

    def _without_pairs(self, text: str) -> str:
        """Mask what follows a secret name; what follows another one may begin with a name itself."""
        masked, end = "", 0
        for found in _NAME.finditer(text):
            value = _VALUE.match(text, found.end())
            if value is not None and found.start(1) >= end and self.hides(found[1]):
                masked += text[end : found.end()] + _quoted(value[0])
                end = value.end()
        return masked + text[end:]

    def _without_item(self, found: re.Match[str]) -> str:
        """A header, as ASGI's lists of pairs are shown."""
        if not self.hides(found["name"]):
            return found[0]
        quote = found["quote"]
        return f"{quote}{found['name']}{quote}{found['between']}{_quoted(found['value'])}"

    def _without_key(self, found: re.Match[str]) -> str:
        """PostgreSQL's ``Key (email, token)=(a@b, x)``."""
        return f"{found[1]}({MASK})" if any(map(self.hides, found["names"].split(","))) else found[0]

    def _without_element(self, found: re.Match[str]) -> str:
        return f"<{found['name']}{found['rest']}>{MASK}" if self.hides(found["name"]) else found[0]


def _texts_of(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, str))


def _quoted(value: str) -> str:
    return f"{value[0]}{MASK}{value[0]}" if value[0] in "\"'" else MASK


@cache
def _hides(name: str, names: tuple[str, ...]) -> bool:
    plain = _plain(name)
    return plain in WHOLE or _has(plain, WORDS) or _has(plain, map(_plain, names))


def _has(name: str, words: Iterable[str]) -> bool:
    return any(word and word in name for word in words)


_plain: Callable[[str], str] = cache(lambda name: _SEPARATORS.sub("", name).lower())
