"""The API key in the Authorization header."""

from starlette.requests import Request

from terrarium_server.problems import Unauthorized


def bearer_token(request: Request) -> str:
    """Return the API key of a request. Raises Unauthorized without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized
    return token
