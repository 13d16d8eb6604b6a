"""What Schemathesis is told in test_description.py, which runs it as a process of its own."""

import itertools
import json
import os
import re
import unicodedata
from typing import Any

import schemathesis

# Ids of what there is, by resource: nobody would guess them.
_KNOWN: dict[str, list[str]] = json.loads(os.environ.get("WXBOT_TEST_KNOWN", "{}"))
_COUNT = itertools.count()


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """Leave out what is in the gaps of Unicode: Schemathesis takes them for letters of their block."""
    text = json.dumps(body, ensure_ascii=False, default=str)
    return not any(unicodedata.category(each) == "Cn" for each in text)


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    """Leave out the same in addresses."""
    return filter_body(context, query)


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Let every other request that could be about something be about something that there is."""
    resource = context.operation.path.removeprefix("/api/v1/").partition("/")[0]
    for name, value in dict(path_parameters or {}).items():
        is_id = isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value)
        if is_id and resource in _KNOWN and next(_COUNT) % 2:
            path_parameters[name] = _KNOWN[resource][next(_COUNT) // 2 % len(_KNOWN[resource])]
    return path_parameters
