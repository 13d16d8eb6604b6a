"""Which scenes belong to codes for one use, told by nothing but their looks."""

import re
from functools import lru_cache

# Signed ones end in a signature, those of claims in 128 random bits: 16 bytes in base64url, of whose last
# character only two bits are used.
_SECRET = "[A-Za-z0-9_-]{21}[AQgw]"
_ONCE = re.compile(rf"(?P<head>(?:[^:]*:)*)[^:]*\.{_SECRET}|(?P<purpose>[a-z0-9_-]{{1,16}}:){_SECRET}")


@lru_cache(maxsize=16384)
def counted_as(scene: str) -> str:
    """Return the scene under which another is counted: codes for one use stand together, as `ord:*`."""
    match = _ONCE.fullmatch(scene)
    return scene if match is None else f"{match['head'] or match['purpose'] or ''}*"
