"""What was sent as JSON, read with care: what gets into the world must be told again, as JSON and in XML."""

import json
from typing import Any

# No call of WeChat's needs ten.
DEEPEST = 64


def parsed(body: bytes) -> Any:
    """Return what a JSON text in UTF-8 says; ValueError for everything else, and for what only Python reads.

    That is NaN, numbers beyond all bounds, halves of characters (`\\ud800`), and what is nested very deep.
    """
    try:
        value = json.loads(body.decode("utf-8"))
    except RecursionError:
        raise ValueError("this is nested too deep") from None
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise ValueError("this is nested too deep")
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
