async def test_renamed(http):
    for author_id, name in [(1, "Ursula"), (2, "Octavia"), (1, "Ann")]:
        await http.put(f"/shelf/{author_id}", params={"name": name})
    assert sorted((await http.get("/shelf")).json()) == ["Ann", "Octavia"]
