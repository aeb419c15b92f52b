from httpx import ASGITransport, AsyncClient

from app import app


async def test_predict():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://ml") as c:
        assert (await c.get("/predict", params={"x": 2})).json() == {"result": 84}
