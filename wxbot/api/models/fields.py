"""The fields and pages that the models share."""

import re
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

LARGEST_PAGE = 200
LONGEST_NAME = 128


def _whole(value: object) -> object:
    """Let JSON's numbers through that are whole, however they are written, and nothing that is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _visible(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("must consist of characters that can be seen, with no spaces around them")
    return value


def _dated(value: object) -> object:
    """Refuse a number, which would pass for the seconds since 1970."""
    if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d[Tt ]", value):
        raise ValueError("must be a time as in 2026-05-01T12:00:00Z")
    return value


Whole = BeforeValidator(_whole)
Moment = Annotated[AwareDatetime, BeforeValidator(_dated)]
AccountName = Annotated[str, Field(strict=True, description="The name of the account, if there are several.")]
# Letters, marks, numbers, punctuation and symbols: what can be seen.
_VISIBLE = r"[\p{L}\p{M}\p{N}\p{P}\p{S}]"
WORDS = rf"^{_VISIBLE}(?:[\p{{L}}\p{{M}}\p{{N}}\p{{P}}\p{{S}} ]*{_VISIBLE})?$"
LINE = r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$"
SHOWN = r"[\p{L}\p{N}\p{P}\p{S}]"
# Of the deployer's own: an order's number, a user. Checked again, as Unicode grows.
Name = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=LONGEST_NAME, pattern=WORDS),
    AfterValidator(_visible),
]
SceneText = Annotated[str, Field(strict=True, pattern="^[A-Za-z0-9_.:=-]{1,64}$")]
# Of claims, bindings, events and jobs.
Id = Annotated[str, Field(strict=True, pattern="^[0-9a-f]{32}$")]
Person = Annotated[
    str,
    Field(
        strict=True,
        pattern="^[0-9a-f]{32}$",
        description="Stands for one person of one account, always the same.",
        examples=["0f3a9c5d7e1b2a4c6d8e0f1a2b3c4d5e"],
    ),
]


class Sent(BaseModel):
    """What a caller sends: nothing is in it that is not described."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the schema. The plain one is made once: flask-openapi looks into it at each request."""
        if args or options:
            return super().model_json_schema(*args, **options)
        return _plain_schema(cls)


@cache
def _plain_schema(model: type[Sent]) -> dict[str, Any]:
    return super(Sent, model).model_json_schema()


class PageQuery(Sent):
    """Which page of a list is asked for."""

    account: AccountName | None = None
    limit: int = Field(50, ge=1, le=LARGEST_PAGE, description="How many at most.")
    after: str | None = Field(None, max_length=512, description="`next` of the page before.")


class AccountQuery(Sent):
    """Whose thing is meant."""

    account: AccountName | None = None


class IdPath(BaseModel):
    """Which one is meant."""

    id: Id


class PersonPath(BaseModel):
    """Who is meant."""

    person: Person


class Page(BaseModel):
    """Some of a list."""

    next: str | None = Field(description="What to send as `after` for the next page; null on the last one.")
