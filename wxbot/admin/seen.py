"""What a form showed, so that of two who change the same thing at once nobody undoes what the other did.

Such a form carries a mark of each field as it was shown. What comes back like its mark was not touched, and
stays as it is by now.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A form that was sent, beside what it showed and what there is now; fields by their names.

    `touched` are to be changed; `contested` are those of them that somebody else has changed since, and
    `stale` those that somebody else has changed and this visitor has not.
    """

    touched: frozenset[str]
    contested: frozenset[str]
    stale: frozenset[str]


def marks(parts: Mapping[str, object]) -> dict[str, str]:
    """Return the hidden fields of a form that shows this of each field."""
    return {f"was_{name}": _mark(part) for name, part in parts.items()}


def compared(sent: Mapping[str, str], parts: Mapping[str, object], now: Mapping[str, object]) -> Compared:
    """Compare what was sent, of which `parts` are the fields, with its marks and with what there is now.

    A form without marks counts as one that showed what there is now.
    """
    typed, current = marks(parts), marks(now)
    was = {each: sent.get(f"was_{each}", current[f"was_{each}"]) for each in now}
    changed = {each for each in now if was[each] != current[f"was_{each}"]}
    theirs = {each for each in now if typed[f"was_{each}"] not in (was[each], current[f"was_{each}"])}
    left = {each for each in now if typed[f"was_{each}"] == was[each]}
    return Compared(
        touched=frozenset(theirs), contested=frozenset(theirs & changed), stale=frozenset(left & changed)
    )


def faults(contested: Iterable[str], now: Mapping[str, object]) -> dict[str, str]:
    """Return what is said of fields that somebody else has changed too; faults.py has it in Chinese."""
    return {name: _told(now[name]) for name in contested}


def _told(now: object) -> str:
    if not isinstance(now, str):  # a reply, too long to be told
        return "was changed by somebody else just now: look at it, or save again for yours"
    if not now:
        return "was emptied by somebody else just now: save again for yours"
    return f"was changed by somebody else just now, to “{now}”: save again for yours"


def _mark(part: object) -> str:
    return hashlib.sha256(json.dumps(part).encode()).hexdigest()[:16]
