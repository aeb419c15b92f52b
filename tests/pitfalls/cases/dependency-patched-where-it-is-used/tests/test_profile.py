from unittest.mock import AsyncMock, patch

import books.profile


@patch("books.profile.current_reader", new_callable=AsyncMock, return_value="Gogol")
async def test_profile(reader, http):
    assert (await http.get("/profile")).status_code == 200
