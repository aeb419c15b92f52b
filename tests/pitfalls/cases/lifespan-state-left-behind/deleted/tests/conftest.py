import pytest


@pytest.fixture
def api(async_client):
    return async_client
