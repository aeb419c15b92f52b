async def test_token(token):
    assert token == 1
