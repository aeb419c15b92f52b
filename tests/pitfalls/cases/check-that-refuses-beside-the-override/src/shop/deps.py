from typing import Annotated

from fastapi import Depends, HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

bearer = HTTPBearer()


def decode(token):
    if token != "t":
        raise HTTPException(status_code=401, detail="bad token")
    return {"name": "ann", "roles": []}


async def current_user(creds: Annotated[HTTPAuthorizationCredentials, Security(bearer)]):
    return decode(creds.credentials)


class RoleChecker:
    def __init__(self, role):
        self.role = role

    def __call__(self, user: Annotated[dict, Depends(current_user)]):
        if self.role not in user["roles"]:
            raise HTTPException(status_code=403, detail="not permitted")


async def require_admin(user: Annotated[dict, Depends(current_user)]):
    if "admin" not in user["roles"]:
        raise HTTPException(status_code=403, detail="admins only")
