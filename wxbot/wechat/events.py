"""What WeChat tells us, as frozen values; `parse` makes them from a verified document."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from wxbot.wechat import wechatpy_bridge
from wxbot.wechat.document import Field, read_fields

MESSAGE_KINDS = ("text", "image", "voice", "video", "shortvideo", "location", "link")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened at an account.

    `openid` is the person, `to_user` the account's own id (`gh_…`), `created_at` aware and in UTC. `msg_type`
    and `name` (the Event field, empty for messages) are as received. `digest` tells events apart and is equal
    for WeChat's repeats of one event; `body` is the document it was read from. What identifies a person or is
    theirs does not appear in the repr.
    """

    account: str
    to_user: str
    openid: str = field(repr=False)
    created_at: datetime
    msg_type: str
    name: str = ""
    msg_id: str = ""
    digest: bytes = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """Text that stays the same over repeats: for idempotent calls to other systems."""
        return self.digest.hex()

    @property
    def is_message(self) -> bool:
        """Whether a person wrote this, in contrast to something that happened."""
        return isinstance(self, Message)

    @property
    def wire_name(self) -> str:
        """The name to compare with: Event, or MsgType for messages, in lower case where it is ASCII."""
        return lowered(self.name or self.msg_type)

    @cached_property
    def message(self) -> Any:
        """The wechatpy message, built from `body` when first asked for.

        Raises WxbotError when wechatpy cannot read a document that we can.
        """
        return wechatpy_bridge.message_from(self.body)

    @cached_property
    def fields(self) -> dict[str, Field]:
        """All elements of the document, also those that no attribute stands for."""
        return read_fields(self.body)


@dataclass(frozen=True, kw_only=True)
class Scan(Event):
    """A person scanned one of our codes, following the account with it or already following.

    `scene` is empty only if WeChat named none. `when` says which of WeChat's two events it was; whether the
    person is new or has come back is refined by the record of followers.
    """

    scene: str
    when: Literal["follow", "scan"]
    ticket: str | None = field(default=None, repr=False)
    is_new_follower: bool = False
    is_returning: bool = False


@dataclass(frozen=True, kw_only=True)
class Follow(Event):
    """A person followed without one of our codes; `trade_no` is set after a payment with WeChat."""

    trade_no: str | None = field(default=None, repr=False)
    is_new_follower: bool = True
    is_returning: bool = False


@dataclass(frozen=True, kw_only=True)
class Unfollow(Event):
    """A person no longer follows; their personal data has to go, and no message reaches them."""


@dataclass(frozen=True, kw_only=True)
class Click(Event):
    """A person tapped a menu item of the kind `click`."""

    event_key: str


@dataclass(frozen=True, kw_only=True)
class View(Event):
    """A person opened a web page from the menu."""

    url: str
    menu_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ViewMiniprogram(Event):
    """A person opened a mini program from the menu."""

    path: str
    menu_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ScanCode(Event):
    """A person scanned any code with a menu item; with `waitmsg` WeChat shows a message as the result."""

    event_key: str
    kind: Literal["push", "waitmsg"]
    scan_type: str = ""
    scan_result: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class PhotoSent(Event):
    """A person is sending photos with a menu item; the photos follow as image messages."""

    event_key: str
    source: Literal["sysphoto", "photo_or_album", "weixin"]
    count: int = 0
    md5s: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class LocationSelected(Event):
    """A person picked a place with a menu item. Degrees; `scale` is the zoom of the map."""

    event_key: str
    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    scale: float = 0.0
    label: str = field(default="", repr=False)
    poi: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class LocationReport(Event):
    """Where a person is who agreed to tell the account. Degrees; `precision` as WeChat gives it."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    precision: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TemplateSent(Event):
    """What became of a template message; `msg_id` is the one that sending it returned."""

    status: str


@dataclass(frozen=True, kw_only=True)
class MassSent(Event):
    """What became of a message to many; the numbers count people."""

    status: str
    total: int = 0
    filtered: int = 0
    sent: int = 0
    errors: int = 0


@dataclass(frozen=True, kw_only=True)
class SubscriptionItem:
    """One template of a SubscriptionAnswered; a field that its kind does not have is empty."""

    template_id: str
    status: str = ""
    popup_scene: str = ""
    msg_id: str = ""
    error_code: str = ""
    error_status: str = ""


@dataclass(frozen=True, kw_only=True)
class SubscriptionAnswered(Event):
    """A person agreed to notices or refused them (popup), changed that later, or one was sent."""

    kind: Literal["popup", "change", "sent"]
    items: tuple[SubscriptionItem, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ServiceSession(Event):
    """A person's talk with customer service began, ended or was handed on (to `agent`)."""

    kind: Literal["create", "close", "switch"]
    agent: str = ""
    from_agent: str = ""


@dataclass(frozen=True, kw_only=True)
class Verification(Event):
    """News of the account's own verification; `kind` is WeChat's name of it."""

    kind: str
    expired_at: datetime | None = None
    failed_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class PrivacyRequest(Event):
    """A person changed or withdrew what they had granted; `kind` is WeChat's name of it."""

    kind: str
    subject_openid: str = field(default="", repr=False)
    appid: str = ""
    revoke_info: str = ""


@dataclass(frozen=True, kw_only=True)
class Unknown(Event):
    """Anything that has no class of its own; read `fields` or `message`."""


@dataclass(frozen=True, kw_only=True)
class Message(Event):
    """Something that a person sent to the account."""


@dataclass(frozen=True, kw_only=True)
class TextMessage(Message):
    """A text; `menu_item_id` is set when it came from tapping an item of a menu message."""

    content: str = field(repr=False)
    menu_item_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImageMessage(Message):
    """A picture."""

    picture_url: str = field(repr=False)
    media_id: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class VoiceMessage(Message):
    """A recording; `recognition` is its text where WeChat offers that."""

    media_id: str = field(repr=False)
    format: str = ""
    recognition: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class VideoMessage(Message):
    """A video, from a file or (short) recorded in the chat."""

    media_id: str = field(repr=False)
    thumb_media_id: str = field(default="", repr=False)
    is_short: bool = False


@dataclass(frozen=True, kw_only=True)
class LocationMessage(Message):
    """A place. Degrees; `scale` is the zoom of the map."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    scale: float = 0.0
    label: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class LinkMessage(Message):
    """A shared web page."""

    title: str = field(repr=False)
    description: str = field(default="", repr=False)
    url: str = field(default="", repr=False)


def always_visible(event: Event) -> bool:
    """Tell whether the person waits for a message, so that a bare acknowledgement will not do."""
    if isinstance(event, ScanCode):
        return event.kind == "waitmsg"
    return isinstance(event, Scan | Follow | Click | Message)


def lowered(name: str) -> str:
    """Return a wire name in lower case; names beyond ASCII stay, as some letters lower into ASCII ones."""
    return name.lower() if name.isascii() else name
