from fastapi import Depends, HTTPException
from fastapi.testclient import TestClient

from books.api import api

client = TestClient(api)


def is_open():
    return True


@api.get("/door", dependencies=[Depends(is_open)])
def door():
    return "open"


def closed():
    raise HTTPException(503)


def test_closed():
    api.dependency_overrides[is_open] = closed
    assert client.get("/door").status_code == 503


def test_open():
    assert client.get("/door").status_code == 200
