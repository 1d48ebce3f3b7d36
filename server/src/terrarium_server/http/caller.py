"""From the Authorization header to a key."""

from starlette.requests import Request

from terrarium_server.problems import Unauthorized


def bearer_token(request: Request) -> str:
    """Return the key a request carries. Raises Unauthorized without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized
    return token
