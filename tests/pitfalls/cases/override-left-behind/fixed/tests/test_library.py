import pytest
from fastapi import Depends, HTTPException
from fastapi.testclient import TestClient

from books.api import api

client = TestClient(api)


def is_open():
    return True


@api.get("/door", dependencies=[Depends(is_open)])
def door():
    return "open"


@pytest.fixture
def closed():
    def closed():
        raise HTTPException(503)

    api.dependency_overrides[is_open] = closed
    yield
    api.dependency_overrides.pop(is_open)


def test_closed(closed):
    assert client.get("/door").status_code == 503


def test_open():
    assert client.get("/door").status_code == 200
