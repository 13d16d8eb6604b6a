"""From a verified document to an event: known wire names only, everything converted here and not later."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from wxbot.errors import MalformedError
from wxbot.wechat import events
from wxbot.wechat.document import Field, cleaned, read_fields
from wxbot.wechat.events import Event, lowered

__all__ = ["Field", "parse_event", "read_fields"]

# WeChat's ids have 15 to 28 characters.
MAX_ID = 128

_CREATE_TIME = re.compile("[0-9]{1,12}")
_MESSAGE_ID = re.compile("[0-9]{1,20}")
_INTEGER = re.compile("[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,10}(?:\.[0-9]{0,20})?")
_LAST_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z

_SCENE_PREFIX = "qrscene_"
_PAYMENT_PREFIX = "last_trade_no_"

_Fields: TypeAlias = Mapping[str, Field]
_Parser: TypeAlias = Callable[[_Fields, dict[str, Any]], Event]


def parse_event(body: bytes, *, account: str) -> Event:
    """Return the event that a verified document describes; its body has no characters that XML forbids.

    Raises MalformedError, ambiguous when a field that matters is missing, doubled, nested or of another form.
    """
    body = cleaned(body)
    fields = read_fields(body)
    created = _text(fields, "CreateTime")
    msg_type = _id(fields, "MsgType")
    is_event = lowered(msg_type) == "event"
    name = _id(fields, "Event") if is_event else ""
    openid = _id(fields, "FromUserName")
    msg_id = _message_id(fields)
    # No text of a document has a NUL: nothing in one of them can look like two.
    about = "\0".join((msg_id, *_told_apart_by(lowered(name), fields)))
    identity = (account, openid, created, msg_type, lowered(name), _text(fields, "EventKey"), about)
    known = _EVENTS if is_event else _MESSAGES
    common = {
        "account": account,
        "to_user": _id(fields, "ToUserName"),
        "openid": openid,
        "created_at": _created_at(created),
        "msg_type": msg_type,
        "name": name,
        "msg_id": msg_id,
        "digest": digest_of(*identity),
        "body": body,
    }
    return known.get(lowered(name or msg_type), _unknown)(fields, common)


def digest_of(*parts: str) -> bytes:
    """Condense what makes an event this one; lengths keep neighbours from lending to each other.

    The parts: account, openid, CreateTime, MsgType, Event in lower case, EventKey, and MsgId with what else
    tells events of one sender and second apart; empty if missing.
    """
    encoded = [part.encode("utf-8") for part in parts]
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in encoded)).digest()[:16]


def _told_apart_by(name: str, fields: _Fields) -> list[str]:
    """Return what an event is about where the sender may be one of WeChat's, or one event tell of several."""
    if name in _PRIVACY_REQUESTS:
        return [_text(fields, "OpenID"), _text(fields, "RevokeInfo")]
    if name in _SUBSCRIPTIONS:
        items = _each(_inside(fields, _SUBSCRIPTIONS[name][1]), "List")
        # A notice has an id; how somebody chose for a template has none.
        choice = "TemplateId", "SubscribeStatusString"
        return [_text(item, each) for item in items for each in (("MsgID",) if item.get("MsgID") else choice)]
    return []


def _text(fields: _Fields, name: str) -> str:
    """Return a field's text, empty if there is none; a doubled or nested one has no single meaning."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise MalformedError(f"not-plain:{name}", ambiguous=True)
    return value


def _id(fields: _Fields, name: str) -> str:
    """Return a field that every event needs."""
    value = _text(fields, name)
    if not value or len(value) > MAX_ID:
        raise MalformedError(f"missing-or-too-long:{name}", ambiguous=True)
    return value


def _formed(fields: _Fields, name: str, form: re.Pattern[str]) -> str:
    """Return a field's text if it is empty or has the form."""
    value = _text(fields, name)
    if value and form.fullmatch(value) is None:
        raise MalformedError(f"bad-form:{name}", ambiguous=True)
    return value


def _message_id(fields: _Fields) -> str:
    """Return MsgId, or what reports about sent messages call MsgID."""
    return _formed(fields, "MsgId", _MESSAGE_ID) or _formed(fields, "MsgID", _MESSAGE_ID)


def _created_at(created: str) -> datetime:
    """Convert CreateTime."""
    if _CREATE_TIME.fullmatch(created) is None or int(created) > _LAST_TIME:
        raise MalformedError("bad-form:CreateTime", ambiguous=True)
    return datetime.fromtimestamp(int(created), UTC)


def _time(fields: _Fields, name: str) -> datetime | None:
    """Convert an optional time."""
    value = _text(fields, name)
    return _created_at(value) if value else None


def _count(fields: _Fields, name: str) -> int:
    """Convert an optional number of things."""
    return int(_formed(fields, name, _INTEGER) or 0)


def _number(fields: _Fields, name: str) -> float:
    """Convert an optional decimal number."""
    return float(_formed(fields, name, _DECIMAL) or 0)


def _degrees(fields: _Fields, name: str) -> float:
    """Convert one half of a position; without it the other half means nothing."""
    if not _text(fields, name):
        raise MalformedError(f"missing-or-too-long:{name}", ambiguous=True)
    return _number(fields, name)


def _inside(fields: _Fields, name: str) -> _Fields:
    """Return the fields inside a wrapper; none if it is missing or empty."""
    value = fields.get(name, "")
    if isinstance(value, str):
        return {}
    if isinstance(value, list):
        raise MalformedError(f"not-single:{name}", ambiguous=True)
    return value


def _each(fields: _Fields, name: str) -> list[_Fields]:
    """Return the fields of each occurrence of an element that WeChat repeats."""
    value = fields.get(name, [])
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def _subscribe(fields: _Fields, common: dict[str, Any]) -> Event:
    key = _text(fields, "EventKey")
    # Stripped again, so that the scene is the one that SCAN would name; the prefix goes only once.
    scene = key.removeprefix(_SCENE_PREFIX).strip(" \t\r\n")
    if scene and key.startswith(_SCENE_PREFIX):
        ticket = _text(fields, "Ticket") or None
        return events.Scan(**common, scene=scene, when="follow", ticket=ticket, is_new_follower=True)
    trade_no = key.removeprefix(_PAYMENT_PREFIX) if key.startswith(_PAYMENT_PREFIX) else ""
    return events.Follow(**common, trade_no=trade_no or None)


def _scan(fields: _Fields, common: dict[str, Any]) -> Event:
    ticket = _text(fields, "Ticket") or None
    return events.Scan(**common, scene=_text(fields, "EventKey"), when="scan", ticket=ticket)


def _unsubscribe(_: _Fields, common: dict[str, Any]) -> Event:
    return events.Unfollow(**common)


def _click(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.Click(**common, event_key=_text(fields, "EventKey"))


def _view(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.View(**common, url=_text(fields, "EventKey"), menu_id=_text(fields, "MenuId"))


def _view_miniprogram(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.ViewMiniprogram(**common, path=_text(fields, "EventKey"), menu_id=_text(fields, "MenuId"))


def _scan_code(fields: _Fields, common: dict[str, Any]) -> Event:
    code = _inside(fields, "ScanCodeInfo")
    return events.ScanCode(
        **common,
        event_key=_text(fields, "EventKey"),
        kind="waitmsg" if lowered(common["name"]) == "scancode_waitmsg" else "push",
        scan_type=_text(code, "ScanType"),
        scan_result=_text(code, "ScanResult"),
    )


def _photo_sent(fields: _Fields, common: dict[str, Any]) -> Event:
    photos = _inside(fields, "SendPicsInfo")
    items = _each(_inside(photos, "PicList"), "item")
    return events.PhotoSent(
        **common,
        event_key=_text(fields, "EventKey"),
        source=_PHOTO_SOURCES[lowered(common["name"])],
        count=_count(photos, "Count"),
        md5s=tuple(_text(item, "PicMd5Sum") for item in items),
    )


def _location_selected(fields: _Fields, common: dict[str, Any]) -> Event:
    key, place = _text(fields, "EventKey"), _inside(fields, "SendLocationInfo")
    return events.LocationSelected(**common, event_key=key, **_place(place), poi=_text(place, "Poiname"))


def _place(fields: _Fields) -> dict[str, Any]:
    """Read a place on the map; X is the latitude."""
    return {
        "latitude": _degrees(fields, "Location_X"),
        "longitude": _degrees(fields, "Location_Y"),
        "scale": _number(fields, "Scale"),
        "label": _text(fields, "Label"),
    }


def _location_report(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.LocationReport(
        **common,
        latitude=_degrees(fields, "Latitude"),
        longitude=_degrees(fields, "Longitude"),
        precision=_number(fields, "Precision"),
    )


def _template_sent(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.TemplateSent(**common, status=_text(fields, "Status"))


def _mass_sent(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.MassSent(
        **common,
        status=_text(fields, "Status"),
        total=_count(fields, "TotalCount"),
        filtered=_count(fields, "FilterCount"),
        sent=_count(fields, "SentCount"),
        errors=_count(fields, "ErrorCount"),
    )


def _subscription_answered(fields: _Fields, common: dict[str, Any]) -> Event:
    kind, wrapper = _SUBSCRIPTIONS[lowered(common["name"])]
    items = tuple(
        events.SubscriptionItem(
            template_id=_text(item, "TemplateId"),
            status=_text(item, "SubscribeStatusString"),
            popup_scene=_text(item, "PopupScene"),
            msg_id=_text(item, "MsgID"),
            error_code=_text(item, "ErrorCode"),
            error_status=_text(item, "ErrorStatus"),
        )
        for item in _each(_inside(fields, wrapper), "List")
    )
    return events.SubscriptionAnswered(**common, kind=kind, items=items)


def _service_session(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.ServiceSession(
        **common,
        kind=_SESSIONS[lowered(common["name"])],
        agent=_text(fields, "ToKfAccount") or _text(fields, "KfAccount"),
        from_agent=_text(fields, "FromKfAccount"),
    )


def _verification(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.Verification(
        **common,
        kind=lowered(common["name"]),
        expired_at=_time(fields, "ExpiredTime"),
        failed_at=_time(fields, "FailTime"),
        reason=_text(fields, "FailReason"),
    )


def _privacy_request(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.PrivacyRequest(
        **common,
        kind=lowered(common["name"]),
        subject_openid=_text(fields, "OpenID"),
        appid=_text(fields, "AppID"),
        revoke_info=_text(fields, "RevokeInfo"),
    )


def _text_message(fields: _Fields, common: dict[str, Any]) -> Event:
    item = _text(fields, "bizmsgmenuid") or None
    return events.TextMessage(**common, content=_text(fields, "Content"), menu_item_id=item)


def _image_message(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.ImageMessage(
        **common, picture_url=_text(fields, "PicUrl"), media_id=_text(fields, "MediaId")
    )


def _voice_message(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.VoiceMessage(
        **common,
        media_id=_text(fields, "MediaId"),
        format=_text(fields, "Format"),
        recognition=_text(fields, "Recognition"),
    )


def _video_message(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.VideoMessage(
        **common,
        media_id=_text(fields, "MediaId"),
        thumb_media_id=_text(fields, "ThumbMediaId"),
        is_short=lowered(common["msg_type"]) == "shortvideo",
    )


def _location_message(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.LocationMessage(**common, **_place(fields))


def _link_message(fields: _Fields, common: dict[str, Any]) -> Event:
    return events.LinkMessage(
        **common,
        title=_text(fields, "Title"),
        description=_text(fields, "Description"),
        url=_text(fields, "Url"),
    )


def _unknown(_: _Fields, common: dict[str, Any]) -> Event:
    return events.Unknown(**common)


_PHOTO_SOURCES: dict[str, Any] = {
    "pic_sysphoto": "sysphoto",
    "pic_photo_or_album": "photo_or_album",
    "pic_weixin": "weixin",
}
_SUBSCRIPTIONS: dict[str, tuple[Any, str]] = {
    "subscribe_msg_popup_event": ("popup", "SubscribeMsgPopupEvent"),
    "subscribe_msg_change_event": ("change", "SubscribeMsgChangeEvent"),
    "subscribe_msg_sent_event": ("sent", "SubscribeMsgSentEvent"),
}
_SESSIONS: dict[str, Any] = {
    "kf_create_session": "create",
    "kf_close_session": "close",
    "kf_switch_session": "switch",
}
_VERIFICATIONS = (
    "qualification_verify_success",
    "qualification_verify_fail",
    "naming_verify_success",
    "naming_verify_fail",
    "annual_renew",
    "verify_expired",
)
_PRIVACY_REQUESTS = ("user_info_modified", "user_authorization_revoke", "user_authorization_cancellation")

# Names that WeChat puts on the wire, in lower case. Names that only a library uses inside, such as
# subscribe_scan, must not be here: they would be a second way to forge a scan.
_EVENTS: dict[str, _Parser] = {
    "subscribe": _subscribe,
    "scan": _scan,
    "unsubscribe": _unsubscribe,
    "click": _click,
    "view": _view,
    "view_miniprogram": _view_miniprogram,
    "scancode_push": _scan_code,
    "scancode_waitmsg": _scan_code,
    "location_select": _location_selected,
    "location": _location_report,
    "templatesendjobfinish": _template_sent,
    "masssendjobfinish": _mass_sent,
    **dict.fromkeys(_PHOTO_SOURCES, _photo_sent),
    **dict.fromkeys(_SUBSCRIPTIONS, _subscription_answered),
    **dict.fromkeys(_SESSIONS, _service_session),
    **dict.fromkeys(_VERIFICATIONS, _verification),
    **dict.fromkeys(_PRIVACY_REQUESTS, _privacy_request),
}
_MESSAGES: dict[str, _Parser] = {
    "text": _text_message,
    "image": _image_message,
    "voice": _voice_message,
    "video": _video_message,
    "shortvideo": _video_message,
    "location": _location_message,
    "link": _link_message,
}
