"""What a change has changed: as the audit log keeps it, and told from there in words."""

from collections.abc import Iterable, Mapping

from wxbot.admin.moments import moment_of
from wxbot.admin.visit import Words

_MOMENTS = ("starts_at", "ends_at")
# Fields and details that are known by another word than their own.
_LABELS = {"owner": "channel_owner"}
# How words begin that say the values of a detail.
_VALUES = {"role": "role_", "before": "role_", "after": "role_", "state": "job_"}


def differences(before: object, after: object, fields: Iterable[str]) -> dict[str, dict[str, object]]:
    """Return the fields that differ, with both values; of a reply, which may be long, only that it does."""
    return {
        name: _pair(name, getattr(before, name), getattr(after, name))
        for name in fields
        if getattr(before, name) != getattr(after, name)
    }


def told(detail: Mapping[str, object], t: Words) -> list[str]:
    """Return the detail of a line of the audit log in words, a piece each."""
    pieces = []
    for name, value in detail.items():
        if name == "changed" and isinstance(value, dict):
            pieces += [_change(field, pair, t) for field, pair in value.items()]
        elif name == "fields" and isinstance(value, list):  # from before both values were kept
            pieces += [_label(str(field), t) for field in value]
        else:
            said = t.get(f"{_VALUES.get(name, '')}{value}", str(value)) if name in _VALUES else value
            pieces.append(t.audit_detail.format(t.get(f"detail_{name}", name), said))
    return pieces


def _pair(name: str, before: object, after: object) -> dict[str, object]:
    if name in _MOMENTS:
        return {"before": moment_of(before), "after": moment_of(after)}  # type: ignore[arg-type]
    if all(each is None or isinstance(each, str | int) for each in (before, after)):
        return {"before": before, "after": after}
    return {}


def _change(field: str, pair: Mapping[str, object], t: Words) -> str:
    if not pair:
        return _label(field, t)
    before, after = (t.none if pair.get(each) in (None, "") else pair[each] for each in ("before", "after"))
    return t.audit_change.format(_label(field, t), before, after)


def _label(field: str, t: Words) -> str:
    return t.get(_LABELS.get(field, field), field)
