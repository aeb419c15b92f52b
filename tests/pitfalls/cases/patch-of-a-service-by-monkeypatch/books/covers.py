async def fetch(title):
    raise TimeoutError(title)
