import pytest
from fastapi.testclient import TestClient

from books.api import api


@pytest.fixture
def client():
    return TestClient(api)
