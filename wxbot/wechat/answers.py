"""How a call to WeChat's API is written, and its answer read: JSON in WeChat's way, whichever call it is."""

import json
from collections.abc import Mapping
from typing import Any

from wxbot.wechat.errcodes import UnreachableError
from wxbot.wechat.http import Http

Data = dict[str, Any]


def to_json(body: Mapping[str, object]) -> bytes:
    """Return JSON as WeChat wants it: raw UTF-8, since it shows `\\u` escapes as they are or refuses them."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def read_answer(
    http: Http,
    method: str,
    url: str,
    *,
    call: str,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Data:
    """Send a call and return the JSON object of the answer, an error code's as well.

    Raises UnreachableError when there is no such answer.
    """
    answer = http.send(method, url, call=call, query=query, body=body)
    if answer.status != 200:
        raise unusable(call, status=answer.status)
    try:
        # In what people typed WeChat leaves control characters as they are, and half a character at a cut.
        data = json.loads(answer.content.decode("utf-8-sig", "replace"), strict=False)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or type(data.get("errcode", 0)) is not int:
        raise unusable(call)
    return data


def unusable(call: str, *, status: int = 200) -> UnreachableError:
    """Return the error for an answer that has not what WeChat's would have."""
    return UnreachableError(f"the answer (HTTP {status}) is not WeChat's", call=call, was_sent=True)
