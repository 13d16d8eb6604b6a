"""Figures as plain data, for JSON: what is kept of them, and what follows from it."""

from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any


def plain(value: object) -> Any:
    """Return a value of wxbot/analytics/shapes.py as numbers, texts, lists and objects; dates as texts."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in fields(value)] + _derived(type(value))
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    return value


def _derived(kind: type) -> list[str]:
    return [name for name, each in vars(kind).items() if isinstance(each, property)]
