import subprocess
import sys


async def test_add(http):
    subprocess.run([sys.executable, "-m", "books.command", "Ursula"], check=True)
    assert (await http.get("/authors")).json() == ["Ursula"]
