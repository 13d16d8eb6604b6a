"""Codes."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from wxbot.api.models.fields import AccountName, AccountQuery, Page, PageQuery, SceneText, Sent, Whole
from wxbot.qrcodes.kinds import LARGEST_NUMBER, LARGEST_PERMANENT_NUMBER, LONGEST_SECONDS, SHORTEST_SECONDS

WEEK_SECONDS = 604_800
# Bounds come before the check, or they would be missing in the description.
SceneNumber = Annotated[int, Field(ge=1, le=LARGEST_NUMBER), Whole]
Lifetime = Annotated[int, Field(ge=SHORTEST_SECONDS, le=LONGEST_SECONDS), Whole]


# What the minter says as well: the number of a permanent code is a small one.
_PERMANENT: JsonDict = {
    "anyOf": [{"type": "integer", "maximum": LARGEST_PERMANENT_NUMBER}, {"type": "string"}]
}
_EITHER: JsonDict = {
    "anyOf": [{"properties": {"expires_in": {"type": "integer"}}}, {"properties": {"scene": _PERMANENT}}]
}


class WantedCode(Sent):
    """What is to be minted."""

    model_config = ConfigDict(json_schema_extra=_EITHER)

    scene: SceneNumber | SceneText = Field(
        description="What a scan brings to the handler: a number makes a number code, a text a text code.",
        examples=["order:42"],
    )
    expires_in: Lifetime | None = Field(
        WEEK_SECONDS,
        description="How many seconds the code is to work; null for a permanent one, of which there are few.",
    )
    account: AccountName | None = None


class ScenePath(BaseModel):
    """Which code is asked for."""

    scene: str = Field(description="The scene, a number as its digits.")


class CodeQuery(AccountQuery):
    """Which of the codes of a scene is asked for."""

    is_permanent: bool | None = Field(
        None, description="Only the permanent code, or only the temporary one; else the permanent one first."
    )


class CodesQuery(PageQuery):
    """Which codes are listed."""

    is_permanent: bool | None = Field(None, description="Only permanent codes, or only temporary ones.")


class ShownCode(BaseModel):
    """A code. Times are UTC."""

    account: str
    scene: str = Field(description="The scene as an event brings it, a number as its digits.")
    is_integer: bool = Field(description="Whether it is a number code.")
    is_permanent: bool
    ticket: str = Field(description="WeChat's handle of the code.")
    url: str = Field(description="What the picture of the code contains.")
    created_at: datetime = Field(description="When it was minted first; a renewal does not change it.")
    expires_at: datetime | None = Field(description="null for a permanent code.")


class CodePage(Page):
    """Some codes, the newest first."""

    items: list[ShownCode]
