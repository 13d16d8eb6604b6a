"""The codes of channels: drawn, minted for print, shown at a living address, and many on one page."""

import re

from flask import Response, abort, request

from wxbot.admin.area import Area, Go
from wxbot.admin.channel_words import WORDS
from wxbot.admin.faults import told
from wxbot.admin.figure_parts import FigureParts
from wxbot.admin.lookups import channel_of
from wxbot.admin.visit import Visit
from wxbot.channels.channel import Channel, ChannelUnknownError
from wxbot.errors import WxbotError
from wxbot.qrcodes.drawing import MEDIA_TYPES, DrawingRefusedError, Kind, draw
from wxbot.qrcodes.kinds import value_of
from wxbot.qrcodes.mint import Code
from wxbot.qrcodes.sheets import Entry, sheet
from wxbot.wechat.errcodes import ApiError

MOST_ON_A_SHEET = 200
_COLUMNS = frozenset("23456")
_MOST_MISSING = 5


def views(parts: FigureParts) -> Area:
    """Return the addresses of images and sheets, and what makes codes."""
    area = Area("codes", words=WORDS)
    _add_images(area, parts)
    _add_making(area, parts)
    _add_sheet(area, parts)
    return area


def permanent_code(parts: FigureParts, channel: Channel) -> Code | None:
    """Return the permanent code of a channel, None if it was not minted yet."""
    return parts.minter.find(channel.scene, account=channel.account, is_permanent=True)


def living_path(parts: FigureParts, channel: Channel) -> str | None:
    """Return the path below which the living code of a channel is shown, None if there is none."""
    try:
        known = parts.living.find(channel.name)
    except WxbotError:
        return None
    is_its_own = (known.account, known.scene) == (channel.account, channel.scene)
    return f"/q/{known.name}" if is_its_own else None


def _add_images(area: Area, parts: FigureParts) -> None:
    @area.get("/channels/<name>/code.<ending>")
    def image(visit: Visit, name: str, ending: str) -> Response:
        channel = channel_of(parts, visit, name)
        code = permanent_code(parts, channel)
        if code is None or ending not in MEDIA_TYPES:
            abort(404)
        kind: Kind = "svg" if ending == "svg" else "png"
        response = Response(_drawn(code.url, kind, channel.title), content_type=MEDIA_TYPES[kind])
        if "save" in request.args:
            response.headers["Content-Disposition"] = f'attachment; filename="{channel.name}.{kind}"'
        return response


def _add_making(area: Area, parts: FigureParts) -> None:
    @area.post("/channels/<name>/permanent", role="operator")
    def mint(visit: Visit, name: str) -> Go:
        channel = channel_of(parts, visit, name)
        try:
            _mint(parts, channel)
        except WxbotError as error:
            visit.tell("minting_failed", error, tone="bad")
        else:
            visit.audit("channel.mint", name)
            visit.tell("code_minted")
        return Go(visit.url("channel.one", name=name, _anchor="code"))

    @area.post("/channels/<name>/living", role="operator")
    def living(visit: Visit, name: str) -> Go:
        channel = channel_of(parts, visit, name)
        try:
            parts.living.put_first(channel.name, value_of(channel.scene), account=channel.account)
        except WxbotError as error:
            visit.tell("minting_failed", told(str(error), visit.language), tone="bad")
        else:
            visit.audit("channel.living", name)
            visit.tell("living_made")
        return Go(visit.url("channel.one", name=name, _anchor="code"))


def _add_sheet(area: Area, parts: FigureParts) -> None:
    @area.post("/channel-sheet", role="operator")
    def printed(visit: Visit) -> Response | Go:
        wanted = request.form.getlist("page" if request.form.get("what") == "page" else "names")
        codes = _codes_of(parts, visit, wanted[:MOST_ON_A_SHEET])
        if not codes:
            if not wanted:
                visit.tell("nothing_checked", tone="warn")
            return Go(visit.url("channels.listed"))
        visit.audit("channel.sheet", codes=len(codes))
        columns = request.form.get("columns", "")
        pieces = sheet(
            [Entry(scene=code.scene, url=code.url, caption=channel.title) for channel, code in codes],
            title=visit.t.sheet_title,
            columns=int(columns) if columns in _COLUMNS else 4,
        )
        response = Response(pieces, content_type="text/html; charset=utf-8")
        # It has a style of its own, which no page here may have: it is saved, and printed from there.
        response.headers["Content-Disposition"] = 'attachment; filename="codes.html"'
        return response


def _codes_of(parts: FigureParts, visit: Visit, names: list[str]) -> list[tuple[Channel, Code]]:
    """Return the permanent codes of channels; those that can have none are named on the next page."""
    codes, missing = [], []
    for name in names:
        try:
            channel = _known(parts, visit, name)
            is_new = permanent_code(parts, channel) is None
            codes.append((channel, _mint(parts, channel)))
            if is_new:
                # At once: it is for ever, whatever becomes of the sheet.
                visit.audit("channel.mint", name)
        except WxbotError as error:
            # What keeps WeChat from answering at all would only be heard again, a wait for each channel.
            if isinstance(error, ApiError) and type(error) is not ApiError:
                visit.tell("minting_failed", error, tone="bad")
                return []
            missing.append(f"{name[:70]}: {told(str(error), visit.language)}")
    for each in missing[:_MOST_MISSING]:
        visit.tell("not_on_the_sheet", each, tone="bad")
    if len(missing) > _MOST_MISSING:
        visit.tell("more_not_on_the_sheet", len(missing) - _MOST_MISSING, tone="bad")
    return codes


def _known(parts: FigureParts, visit: Visit, name: str) -> Channel:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise ChannelUnknownError(f"there is no channel {name[:70]!r}")
    return parts.channels.book.find(visit.account, name)


def _mint(parts: FigureParts, channel: Channel) -> Code:
    return parts.minter.mint(value_of(channel.scene), account=channel.account, expires_in=None)


def _drawn(url: str, kind: Kind, title: str) -> bytes:
    try:
        return draw(url, kind=kind, caption=title)
    except DrawingRefusedError:  # no font here has the characters; the code itself needs none
        return draw(url, kind=kind)
