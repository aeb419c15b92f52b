"""Async tests in classes of unittest's."""

from __future__ import annotations

import pytest

from tests.doctor.examined import found, told
from tests.source.projects import Project

BODY = "    async def test_users(self): ..."


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"import unittest\nclass TestA(unittest.TestCase):\n{BODY}", 3),
        (f"from unittest import TestCase as Case\nclass TestA(Case):\n{BODY}", 3),
        (f"import unittest\nclass Base(unittest.TestCase): ...\nclass TestA(Base):\n{BODY}", 4),
        (f"import unittest\nclass Mixin: ...\nclass TestA(Mixin, unittest.TestCase):\n{BODY}", 4),
        ("import unittest\nclass TestA(unittest.TestCase):\n    @unittest.skipIf(False, '')\n" + BODY, 4),
        ("import pytest, unittest\n@pytest.mark.asyncio\nclass TestA(unittest.TestCase):\n" + BODY, 4),
    ],
)
def test_a_plain_testcase_awaits_nothing(project: Project, text: str, line: int) -> None:
    """Whatever it is called, and whoever is between."""
    assert found(project, {"tests/test_users.py": text}) == [f"tests/test_users.py:{line}:5 HM781"]


@pytest.mark.parametrize(
    "text",
    [
        f"import unittest\nclass TestA(unittest.IsolatedAsyncioTestCase):\n{BODY}",
        f"import unittest\nclass B(unittest.IsolatedAsyncioTestCase): ...\nclass TestA(B, unittest.TestCase):\n{BODY}",
        f"from django.test import TestCase\nclass TestA(TestCase):\n{BODY}",
        f"from unittest import TestCase\nfrom other import Mixin\nclass TestA(Mixin, TestCase):\n{BODY}",
        f"from unittest import TestCase\nclass TestA(TestCase):\n    @async_to_sync\n{BODY}",
        f"from unittest import TestCase\nclass TestA(TestCase):\n    def run(self, result): ...\n{BODY}",
        f"from unittest import TestCase\n@converted\nclass TestA(TestCase):\n{BODY}",
        f"from unittest import TestCase\nclass TestA(TestCase, metaclass=Looping):\n{BODY}",
        "from unittest import TestCase\nclass TestA(TestCase):\n    async def helper(self): ...",
        "from unittest import TestCase\nclass Base(TestCase):\n    def run(self, result): ...\n"
        f"class TestA(Base):\n{BODY}",
        f"from unittest import TestCase\nclass TestA(TestA, TestCase):\n{BODY}",
        f"class TestA:\n{BODY}",
    ],
)
def test_others_may_await(project: Project, text: str) -> None:
    """A base or a wrapper that is not known may run coroutines."""
    assert found(project, {"tests/test_users.py": text}) == []


def test_the_tests_of_a_class_are_told_together(project: Project) -> None:
    """At the first of them."""
    text = f"import unittest\nclass TestA(unittest.TestCase):\n{BODY}\n{BODY.replace('users', 'notes')}"
    assert "so does one more of TestA" in told(project, {"tests/test_users.py": text})
    text += "\n" + BODY.replace("users", "more")
    assert "so do 2 more of TestA" in told(project, {"tests/test_users.py": text})
