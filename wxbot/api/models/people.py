"""Followers, what they did, and messages to them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from wxbot.api.models.fields import LINE, SHOWN, AccountName, Id, Moment, Page, PageQuery, Person, Sent

LONGEST_SCENE = 255
# As in wxbot/wechat/replies.py: far beyond any id or address of WeChat's.
_LONGEST_REFERENCE = 2048

# Something to be seen is in it.
Shown = Annotated[str, Field(strict=True, min_length=1, max_length=2048, pattern=SHOWN)]
SeenScene = Annotated[str, Field(max_length=LONGEST_SCENE, pattern=LINE)]
Words = Annotated[str, Field(strict=True, max_length=2048)]
MediaId = Annotated[str, Field(strict=True, pattern="^[!-~]{1,256}$", description="WeChat's, of an upload.")]
Address = Annotated[str, Field(strict=True, pattern=f"^(https?://[!-~]{{1,{_LONGEST_REFERENCE - 8}}})?$")]
OpenId = Annotated[str, Field(strict=True, pattern="^[A-Za-z0-9_-]{1,64}$")]


class FollowerState(StrEnum):
    """Where a person stands with an account."""

    NEW = "new"
    RETURNING = "returning"
    EXISTING = "existing"
    LEFT = "left"


class FollowersQuery(PageQuery):
    """Which followers are listed."""

    state: FollowerState | None = Field(None, description="Only those who stand like this.")


class ShownFollower(BaseModel):
    """A person who follows or followed an account. Times are UTC."""

    person: Person
    account: str
    state: FollowerState = Field(
        description="`new`: follows, for the first time that is known. `returning`: follows again. "
        "`existing`: followed before wxbot was there. `left`: follows no more."
    )
    openid: str | None = Field(
        description="null unless the key has the scope `followers:openid`, and for whoever has left."
    )
    first_seen_at: datetime
    followed_at: datetime | None
    unfollowed_at: datetime | None
    follows: int = Field(description="How often they were seen to follow.")
    first_scene: str | None
    last_scene: str | None
    tags: list[str] = Field(description="The tags that wxbot has put on them.")


class FollowerPage(Page):
    """Some followers, in an order that stays."""

    items: list[ShownFollower]


class EventsQuery(PageQuery):
    """Which events are listed."""

    person: Person | None = None
    kind: Annotated[str, Field(pattern="^[a-z0-9_]{1,64}$")] | None = Field(
        None, description="As in `subscribe`, `scan`, `unsubscribe`, `text`, `click`."
    )
    scene: SeenScene | None = Field(None, description="Scans of this code.")
    since: Moment | None = Field(None, description="Recorded at this time or later.")
    until: Moment | None = Field(None, description="Recorded before this time.")


class ShownEvent(BaseModel):
    """Something that a person did, and what became of it. Times are UTC."""

    id: Id
    account: str
    person: Person
    kind: str = Field(description="WeChat's name of the event, or the message's type; in lower case.")
    scene: str | None = Field(description="What the scanned code brought.")
    created_at: datetime = Field(description="When it happened, by WeChat's clock.")
    recorded_at: datetime
    state: Literal["running", "late", "done"]
    outcome: str | None = Field(description="handled, unmatched, failed or late; null while it runs.")
    handler: str | None
    seconds: float | None


class EventPage(Page):
    """Some events, the newest first."""

    items: list[ShownEvent]


class ToPerson(Sent):
    """Somebody by the digest that all answers have."""

    person: Person


class ToOpenId(Sent):
    """Somebody by WeChat's id."""

    openid: OpenId


class TextMessage(Sent):
    """A text."""

    type: Literal["text"]
    content: Shown


class ImageMessage(Sent):
    """A picture that was uploaded to WeChat."""

    type: Literal["image"]
    media_id: MediaId


class VoiceMessage(Sent):
    """A recording that was uploaded to WeChat."""

    type: Literal["voice"]
    media_id: MediaId


class VideoMessage(Sent):
    """A video that was uploaded to WeChat."""

    type: Literal["video"]
    media_id: MediaId
    title: Words = ""
    description: Words = ""


class NewsArticle(Sent):
    """What is shown, and where it leads."""

    title: Shown
    description: Words = ""
    url: Address = ""
    image_url: Address = ""


class NewsMessage(Sent):
    """One article with a link."""

    type: Literal["news"]
    articles: list[NewsArticle] = Field(min_length=1, max_length=1)


class WantedMessage(Sent):
    """What is to be sent to whom."""

    account: AccountName | None = None
    to: ToPerson | ToOpenId
    message: Annotated[
        TextMessage | ImageMessage | VoiceMessage | VideoMessage | NewsMessage,
        Field(discriminator="type", examples=[{"type": "text", "content": "订单 42 已发货"}]),
    ]


class MessageState(StrEnum):
    """What became of a message.

    waiting: it is the worker's turn. sending: now. kept: WeChat takes no message to this person at the
    moment; it goes out by itself at their next contact. sent. dropped: the person has left, or refuses
    messages. failed. unknown: WeChat's answer was lost, and it is not sent twice.
    """

    WAITING = "waiting"
    SENDING = "sending"
    KEPT = "kept"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ShownMessage(BaseModel):
    """A message on its way. Times are UTC."""

    id: Id
    account: str
    person: Person
    state: MessageState
    detail: str | None = Field(description="Why it is not sent, for people.")
    created_at: datetime
    finished_at: datetime | None
