from unittest.mock import AsyncMock, MagicMock, patch

from httpx import ASGITransport, AsyncClient

from geo import app


async def test_geo():
    with patch("geo.client", new=AsyncMock()) as fake:
        fake.get.return_value = MagicMock(json=lambda: {"city": "Rome"})
        async with AsyncClient(transport=ASGITransport(app), base_url="http://t") as c:
            assert (await c.get("/geo", params={"ip": "1.1.1.1"})).json() == {"city": "Rome"}
