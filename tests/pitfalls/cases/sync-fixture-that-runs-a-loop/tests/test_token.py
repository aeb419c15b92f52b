import pytest


@pytest.fixture
async def client_token(request):
    return request.getfixturevalue("token")


async def test_token(client_token):
    assert client_token == 1
