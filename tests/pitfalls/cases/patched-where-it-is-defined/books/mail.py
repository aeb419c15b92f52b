async def send(to, text):
    raise ConnectionError(f"no mail server for {to}: {text}")
