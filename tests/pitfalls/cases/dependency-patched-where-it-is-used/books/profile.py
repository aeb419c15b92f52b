from typing import Annotated

from fastapi import Depends

from books.api import api
from books.readers import current_reader


@api.get("/profile")
async def profile(reader: Annotated[str, Depends(current_reader)]):
    return {"name": reader}
