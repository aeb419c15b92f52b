from unittest import mock

import books.invitations


async def test_invited(http):
    with mock.patch("books.mail.send") as send:
        await http.post("/invitations", params={"to": "gogol@example.org"})
    send.assert_called_once_with("gogol@example.org", "write a book!")
