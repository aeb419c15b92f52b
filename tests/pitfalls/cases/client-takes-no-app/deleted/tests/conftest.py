import pytest


@pytest.fixture
def ac(async_client):
    return async_client
