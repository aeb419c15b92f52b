from freezegun import freeze_time

import books.late


@freeze_time("2024-01-01")
async def test_late(http):
    assert (await http.get("/late")).json() == {"at": "2024-01-01T00:00:00"}
