"""Where a request comes from, and where it may lead to."""

import re
from urllib.parse import quote, urlsplit

from flask import request

# A path of ours and nothing that a browser might take for anything else: no backslash, no control character.
_PATH = re.compile(r"/(?:admin|qrcode)(?:/[A-Za-z0-9._~%!$&'()*+,;=:@/?\[\]-]*)?")
_LONGEST_PATH = 1024


def is_from_here() -> bool:
    """Say whether a POST comes from a page of ours, for all that the browser tells about it.

    Beside the SameSite cookie: whoever sends neither header is no browser of today, and has the cookie only
    if it is theirs.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.host
    except ValueError:  # "http://[" is no address at all
        return False


def path_asked() -> str:
    """Return the path of the request as it was sent: decoded, it may hold a line end, or begin a query."""
    return quote(request.path, safe="/:")


def address_asked() -> str:
    """Return the address of the request, path and query, as it was sent."""
    query = quote(request.query_string, safe="!$&'()*+,;=:@/?%[]")
    return f"{path_asked()}?{query}" if query else path_asked()


def safe_next(asked: str | None, otherwise: str) -> str:
    """Return the path to go on to after a login, if it is one of the guarded pages; else another one."""
    is_ours = asked is not None and len(asked) <= _LONGEST_PATH and _PATH.fullmatch(asked) is not None
    return str(asked) if is_ours else otherwise
