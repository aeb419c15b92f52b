from books.mail import sent


async def test_mail(http):
    await http.post("/authors", json={"name": "Woolf"})
    assert (await http.post("/mail/1")).status_code == 202
    assert sent == [[]]
