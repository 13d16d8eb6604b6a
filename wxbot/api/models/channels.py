"""Channels and promoters."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from wxbot.api.models.fields import (
    WORDS,
    AccountName,
    AccountQuery,
    Moment,
    Page,
    PageQuery,
    SceneText,
    Sent,
    Whole,
)
from wxbot.api.models.people import ImageMessage, NewsArticle, TextMessage
from wxbot.api.models.qrcodes import SceneNumber

LONGEST_WORD = 64
LONGEST_TAG = 30
LARGEST_TARGET = 2_147_483_647


def _line(value: str) -> str:
    """Refuse what is no line of text, with no spaces around it."""
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be one line that can be printed, with no spaces around it")
    return value


# The name of a channel or promoter: it goes into addresses.
Slug = Annotated[str, Field(strict=True, pattern="^[A-Za-z0-9_-]{1,64}$", examples=["shop-1"])]
Word = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=LONGEST_WORD, pattern=WORDS),
    AfterValidator(_line),
]
TagName = Annotated[
    str,
    Field(strict=True, min_length=1, max_length=LONGEST_TAG, pattern=WORDS),
    AfterValidator(_line),
]
Target = Annotated[int, Field(ge=1, le=LARGEST_TARGET), Whole]
Since = Annotated[Moment | None, Field(description="Count only from the day of this moment on.")]
Until = Annotated[
    Moment | None,
    Field(description="Count only until the day of this moment; at midnight, the day before."),
]


class NewsReply(Sent):
    """One to eight articles."""

    type: Literal["news"]
    articles: list[NewsArticle] = Field(min_length=1, max_length=8)


ChannelReply = Annotated[
    TextMessage | ImageMessage | NewsReply,
    Field(discriminator="type", examples=[{"type": "text", "content": "欢迎光临"}]),
]


class ChannelState(StrEnum):
    """Where a channel stands; only a live one answers and tags. Each is counted."""

    LIVE = "live"
    NOT_BEGUN = "not_begun"
    OVER = "over"
    ARCHIVED = "archived"


class ChangedChannel(Sent):
    """What is to be different about a channel; null takes it away, what is not named stays."""

    title: Word | None = Field(None, description="What people call it; its name unless given.")
    group: Word | None = Field(None, description="Several channels belong to it.")
    owner: Word | None = Field(None, description="Who looks after the place.")
    promoter: Slug | None = Field(None, description="Who is credited with new followers.")
    reply: ChannelReply | None = Field(None, description="What everybody reads who scans.")
    reply_new: ChannelReply | None = Field(
        None, description="What people read instead who follow for the first time with this scan."
    )
    tag: TagName | None = Field(None, description="WeChat's tag for whoever scans.")
    starts_at: Moment | None = Field(None, description="From when it answers and tags; it always counts.")
    ends_at: Moment | None = Field(None, description="From when it does so no more.")


class WantedChannel(ChangedChannel):
    """A channel that is to be made."""

    name: Slug
    scene: SceneNumber | SceneText | None = Field(
        None, description="What its code holds, a text or a number; the name unless given.", examples=["ch:1"]
    )
    takes_number: bool = Field(
        False, strict=True, description="Take the next free permanent number as the scene."
    )
    account: AccountName | None = None


class SlugPath(BaseModel):
    """Which one is meant."""

    name: Slug


class PeriodQuery(AccountQuery):
    """From which day until which is counted, by the calendar of the figures."""

    since: Since = None
    until: Until = None


class ChannelsQuery(PageQuery):
    """Which channels are listed."""

    group: Word | None = None
    promoter: Slug | None = None
    is_archived: bool = Field(False, description="Those that are archived instead of the others.")
    since: Since = None
    until: Until = None


class ShownFigures(BaseModel):
    """Who came through a channel, or through all of a promoter's; counted within a minute or two."""

    scanners: int = Field(description="Who scanned, each once at each channel.")
    new: int = Field(description="Those who followed for the first time, with such a scan.")
    gone: int = Field(description="Those of the new who do not follow any more.")
    scans: int = Field(description="All scans, also several of one person.")


class ShownChannel(BaseModel):
    """A channel. Times are UTC."""

    account: str
    name: str
    scene: str = Field(description="What its code holds, a number as its digits.")
    state: ChannelState
    title: str
    group: str | None
    owner: str | None
    promoter: str | None
    reply: ChannelReply | None
    reply_new: ChannelReply | None
    tag: str | None
    starts_at: AwareDatetime | None
    ends_at: AwareDatetime | None
    created_at: AwareDatetime
    changed_at: AwareDatetime
    archived_at: AwareDatetime | None
    figures: ShownFigures


class ChannelPage(Page):
    """Some channels, by account and name."""

    items: list[ShownChannel]


class WantedChannelCode(Sent):
    """Which code of a channel is wanted."""

    is_permanent: bool = Field(
        False, strict=True, description="One that never expires, to be printed; else one for 30 days."
    )
    living: Slug | None = Field(
        None,
        description="Of a temporary one: show it at /q/ and this name; that of the channel unless given.",
    )


class ShownChannelCode(BaseModel):
    """The code of a channel. Times are UTC."""

    scene: str
    url: str = Field(description="What the picture of the code contains; draw it at any size.")
    ticket: str = Field(description="WeChat's handle of the code.")
    is_permanent: bool
    expires_at: AwareDatetime | None = Field(description="null for a permanent one.")
    image: str | None = Field(
        description="The address of a picture that never expires; null for a permanent code."
    )


class ChangedPromoter(Sent):
    """What is to be different about a promoter; null takes it away, what is not named stays."""

    title: Word | None = Field(None, description="What people call them; their name unless given.")
    target: Target | None = Field(None, description="How many new followers they are to win.")


class WantedPromoter(ChangedPromoter):
    """A promoter who is to be named."""

    name: Slug
    account: AccountName | None = None


class PromotersQuery(PageQuery):
    """Which promoters are listed."""

    is_archived: bool = Field(False, description="Those who are archived instead of the others.")
    since: Since = None
    until: Until = None


class ShownPromoter(BaseModel):
    """A promoter, and how far they have come. Times are UTC."""

    account: str
    name: str
    title: str
    target: int | None
    channels: int = Field(description="How many they have now.")
    figures: ShownFigures
    reached: float | None = Field(
        description="New followers, of the time asked for, as a part of the target; null without one."
    )
    created_at: AwareDatetime
    changed_at: AwareDatetime
    archived_at: AwareDatetime | None


class PromoterPage(Page):
    """Some promoters, by account and name."""

    items: list[ShownPromoter]
