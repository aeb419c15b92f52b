"""How a run ended: with the fault gone, with its cause named, or as obscure as ever. Pure functions of its output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.pitfalls.corpus import Case
from tests.pitfalls.projects import Run

IMPOSSIBLE = "impossible"
EXPLAINED = "explained"
UNSEEN = "unseen"
OBSCURE = "obscure"
WORSE = "worse"
PASSES = "passes"
FALSE_ALARM = "false alarm"

GOOD = (IMPOSSIBLE, EXPLAINED, PASSES)

_RANKS = {IMPOSSIBLE: 0, EXPLAINED: 0, PASSES: 0, UNSEEN: 1, OBSCURE: 1, WORSE: 2, FALSE_ALARM: 2}

_CODE = re.compile(r"\[HM\d{3}\]")

_MARK = re.compile(r"\[HM\d{3}\]|^(E\s+)?(hint|change): ", re.MULTILINE)

_MORE = re.compile(r"^.*more: hermetic explain HM\d{3}$", re.MULTILINE)

_SEPARATOR = re.compile(r"^(?:=+|_+|-+) .*[=_-]{3}$|^(?:_ )+_?$", re.MULTILINE)
"""A title of pytest's, or the line between two entries of a traceback."""

_SHOWN_CODE = re.compile(r"^(>|\s{4}|  File \"|.*:\d+: in |\s+\S.*:\d+: (?!Hermetic)\w+Warning: )")
"""What is no text of hermetic's: code, the entries of a traceback, and warnings of others."""


def of_broken(case: Case, run: Run) -> str:
    """Tell how a broken project ends.

    - ``impossible``: it passes unedited, and the fault cannot happen; or its tests miss the damage that they expect.
    - ``explained``: the output names the case's own cause and the change.
    - ``obscure``: the same error as without hermetic, and nothing that explains it.
    - ``unseen``: it passes, and the fault is still there.
    - ``worse``: a failure that it has not without hermetic, and nothing that explains it.
    """
    if case.says and not run.hung and not missing(case, run.output) and not untrue(case, run.output):
        return EXPLAINED
    if run.passed:
        return case.passes
    if case.undone and re.search(case.undone, run.output, _FLAGS):
        return IMPOSSIBLE
    if run.hung:
        return OBSCURE if case.plain == "hangs" else WORSE
    return OBSCURE if case.plain == "fails" and re.search(case.symptom, run.output, _FLAGS) else WORSE


def of_healthy(run: Run) -> str:
    """Tell how a project ends that has no fault: it passes, and hermetic reports nothing."""
    return PASSES if run.passed and not _CODE.search(run.output) else FALSE_ALARM


def missing(case: Case, output: str) -> Sequence[str]:
    """Return what an explanation should say and that one which says most of it does not."""
    wanted = (case.code, *case.says) if case.code else case.says
    lacking = [_lacking(wanted, text) for text in explanations(output)]
    return min(lacking, key=len, default=wanted)


def untrue(case: Case, output: str) -> Sequence[str]:
    """Return what explanations say though it is not so."""
    return [words for text in explanations(output) for words in case.never if re.search(words, text, _FLAGS)]


def explanations(output: str) -> Iterator[str]:
    """Yield what hermetic says of failures: from each text that has a code or a hint, without the test's own code.

    A traceback shows the lines that are at fault, so words found anywhere would prove nothing.
    """
    for part in _SEPARATOR.split(output):
        before = 0
        for end in (*(match.end() for match in _MORE.finditer(part)), len(part)):
            text, before = part[before:end], end
            if _MARK.search(text):
                yield "\n".join(line for line in text.splitlines() if not _SHOWN_CODE.match(line))


def _lacking(wanted: Sequence[str], text: str) -> Sequence[str]:
    return [words for words in wanted if not re.search(words, text, _FLAGS)]


def is_worse(now: str, before: str) -> bool:
    """Whether an ending is a change for the worse."""
    return _RANKS[now] > _RANKS[before]


_FLAGS = re.MULTILINE | re.DOTALL
