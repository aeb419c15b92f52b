"""Write a diagnosis: as text, as JSON, or as the annotations of a workflow of GitHub's. Every function is pure."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from inspect import cleandoc
from pathlib import Path

from hermetic.doctor.examination import Diagnosis, Finding
from hermetic.doctor.rules import Rule


def text(diagnosis: Diagnosis, start: Path) -> Iterator[str]:
    """Yield a line for each finding, and the change below it, once for each code."""
    told: set[str] = set()
    for each in diagnosis.findings:
        rule = each.rule
        yield f"{_place(each, start)}: {rule.code} {rule.severity}: {each.text}"
        if rule.code not in told:
            told.add(rule.code)
            first, *others = rule.fix.splitlines()
            yield f"    fix: {first}"
            yield from (f"         {line}" for line in others)


def as_json(diagnosis: Diagnosis, start: Path) -> Iterator[str]:
    """Yield one object, with the findings and the notes."""
    found = [
        {
            "code": each.rule.code,
            "severity": each.rule.severity,
            "file": _shown(each.file, start),
            "line": each.line,
            "column": each.column,
            "name": each.rule.cause.name,
            "message": each.text,
            "why": cleandoc(each.rule.cause.text),
            "example": each.rule.example,
            "fix": each.rule.fix,
        }
        for each in diagnosis.findings
    ]
    document = {"mode": diagnosis.mode, "findings": found, "notes": list(diagnosis.notes)}
    yield json.dumps(document, indent=2, ensure_ascii=True)


def github(diagnosis: Diagnosis, start: Path) -> Iterator[str]:
    """Yield workflow commands, which GitHub shows beside the lines."""
    for each in diagnosis.findings:
        rule = each.rule
        title = f"{rule.code} {rule.cause.name}"
        file = _shown(each.file, start)
        yield annotation(rule.severity, each.text, file=file, line=each.line, col=each.column, title=title)


def annotation(severity: str, text: str, **values: str | int) -> str:
    """Return a workflow command that shows a text at a place: ``::error file=a.py,line=3::text``.

    Args:
        severity: ``error``, ``warning`` or ``notice``.
        text: The text.
        values: ``file``, ``line``, ``col`` and ``title``.
    """
    named = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in values.items())
    return f"::{severity} {named}::{_escaped(text)}"


FORMATS: dict[str, Callable[[Diagnosis, Path], Iterator[str]]] = {
    "text": text,
    "json": as_json,
    "github": github,
}


def summary(diagnosis: Diagnosis) -> str:
    """Return what was found in a sentence."""
    errors = sum(each.rule.severity == "error" for each in diagnosis.findings)
    warnings = len(diagnosis.findings) - errors
    counted = f"{_count(errors, 'error')} and {_count(warnings, 'warning')}"
    told = counted if diagnosis.findings else "nothing found"
    return f"{told} (hermetic is {diagnosis.mode} in this project)"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def explanation(rule: Rule) -> str:
    """Return what a rule finds, why that fails, an example and the change."""
    parts = [f"{rule.code}  {rule.cause.name} ({rule.severity})", cleandoc(rule.cause.text)]
    return "\n\n".join([*parts, _block("for example", rule.example), _block("instead", rule.fix)])


def _block(title: str, code: str) -> str:
    return "\n".join([f"{title}:", *(f"    {line}" for line in code.splitlines())])


def _place(finding: Finding, start: Path) -> str:
    return f"{_shown(finding.file, start)}:{finding.line}:{finding.column}"


def _shown(file: Path, start: Path) -> str:
    name = os.path.relpath(file, start) if file.is_relative_to(start) else str(file)
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _escaped(value: str, also: str = "") -> str:
    for mark in f"%\r\n{also}":
        value = value.replace(mark, f"%{ord(mark):02X}")
    return value
