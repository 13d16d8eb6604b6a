"""`/api/v1/channels`: named places with codes, and whom they bring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy import Connection

from wxbot.analytics.figures import Figures, Totals
from wxbot.analytics.shapes import By, Line
from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.channels import (
    ChangedChannel,
    ChannelPage,
    ChannelsQuery,
    PeriodQuery,
    ShownChannel,
    ShownChannelCode,
    SlugPath,
    WantedChannel,
    WantedChannelCode,
)
from wxbot.api.models.fields import AccountQuery
from wxbot.api.paging import place
from wxbot.api.problems import Code, ProblemError, documented
from wxbot.channels.channel import (
    Channel,
    ChannelRefusedError,
    ChannelTakenError,
    ChannelUnknownError,
    Details,
    read_reply,
)
from wxbot.channels.parts import ChannelParts
from wxbot.channels.promoter import Promoter
from wxbot.channels.store import Filter, Wanted
from wxbot.clock import moment, moment_or_none
from wxbot.errors import WxbotError
from wxbot.qrcodes.kinds import LONGEST_SECONDS, value_of
from wxbot.qrcodes.living import LivingCodes, NameTakenError
from wxbot.qrcodes.mint import Minter
from wxbot.web.cursors import cursor, cut
from wxbot.wechat.replies import to_data

REFUSALS: dict[type[WxbotError], tuple[int, Code]] = {
    ChannelRefusedError: (409, "channel_refused"),
    ChannelTakenError: (409, "name_taken"),
    ChannelUnknownError: (404, "not_found"),
    NameTakenError: (409, "name_taken"),
}
_MOMENTS = ("starts_at", "ends_at")
_REPLIES = ("reply", "reply_new")


@dataclass(frozen=True, kw_only=True)
class Codes:
    """What gives channels their codes; `public_url` is where this server is reached."""

    minter: Minter
    living: LivingCodes
    public_url: str


def channels_api(channels: ChannelParts, figures: Figures, codes: Codes, guard: Guard) -> GuardedApi:
    """Return the routes of channels."""
    api = guarded_api("channels", guard, title="Channels", refusals=REFUSALS)
    show = _Show(figures, guard.now)
    _add_making(api, channels, show)
    _add_reading(api, channels, show)
    _add_changing(api, channels, show)
    _add_code(api, channels, codes)
    return api


class _Show:
    """Shows channels as they stand now, with their figures."""

    def __init__(self, figures: Figures, now: Callable[[], datetime]) -> None:
        self._figures = figures
        self._now = now

    def one(self, channel: Channel, totals: Totals) -> dict[str, Any]:
        """Return one."""
        replies = {name: getattr(channel, name) for name in _REPLIES}
        words = ("account", "name", "scene", "title", "group", "owner", "promoter", "tag")
        return {
            **{name: getattr(channel, name) for name in words},
            **{name: None if reply is None else to_data(reply) for name, reply in replies.items()},
            **{name: moment_or_none(getattr(channel, name)) for name in (*_MOMENTS, "archived_at")},
            "state": channel.state(int(self._now().timestamp())),
            "created_at": moment(channel.created_at),
            "changed_at": moment(channel.changed_at),
            "figures": totals.came(),
        }

    def all(
        self, found: Sequence[Channel], since: datetime | None = None, until: datetime | None = None
    ) -> list[dict[str, Any]]:
        """Return several, with who came between two moments."""
        lines = came(self._figures, found, by="channel", since=since, until=until)
        return [self.one(each, line.totals) for each, line in zip(found, lines, strict=True)]


def _add_making(api: GuardedApi, channels: ChannelParts, show: _Show) -> None:
    @api.post("/channels", scope="channels:write", responses={201: ShownChannel, **documented(404)})
    def make(body: WantedChannel) -> Response:
        """Make a channel.

        Neither its name nor its scene can be changed or used again: what is printed goes on being scanned.
        """
        account = caller().account(body.account)
        wanted = Wanted(
            name=body.name,
            scene="" if body.scene is None else str(body.scene),
            takes_number=body.takes_number,
            details=Details(**_details(body)),
        )
        with channels.book.prepared(account, wanted) as prepared:

            def work(connection: Connection) -> dict[str, Any]:
                made = channels.book.create(account, prepared, within=connection)
                return show.one(made, Totals())

            response = api.commit(work, status=201)
        channels.book.changed()
        return response


def _add_reading(api: GuardedApi, channels: ChannelParts, show: _Show) -> None:
    @api.get("/channels", scope="channels:read", responses={200: ChannelPage, **documented(404)})
    def listed(query: ChannelsQuery) -> dict[str, Any]:
        """List channels.

        By account and name, with the figures of each.
        """
        after = place(query.after, str, str)
        found = channels.book.listed(
            caller().accounts_for(query.account),
            Filter(group=query.group, promoter=query.promoter, is_archived=query.is_archived),
            after=None if after is None else (after[0], after[1]),
            limit=query.limit + 1,
        )
        items, last = cut(found, query.limit)
        return {
            "items": show.all(items, query.since, query.until),
            "next": None if last is None else cursor(last.account, last.name),
        }

    @api.get("/channels/<name>", scope="channels:read", responses={200: ShownChannel, **documented(404)})
    def one(path: SlugPath, query: PeriodQuery) -> dict[str, Any]:
        """Find a channel, also one that is archived."""
        channel = channels.book.find(caller().account(query.account), path.name)
        return show.all([channel], query.since, query.until)[0]


def _add_changing(api: GuardedApi, channels: ChannelParts, show: _Show) -> None:
    responses = {200: ShownChannel, **documented(404)}

    def changed(change: Callable[[Connection], Channel]) -> Response:
        response = api.commit(lambda connection: show.all([change(connection)])[0])
        channels.book.changed()
        return response

    @api.patch("/channels/<name>", scope="channels:write", responses=responses)
    def change(path: SlugPath, query: AccountQuery, body: ChangedChannel) -> Response:
        """Change a channel.

        What is not named stays. Every server knows it within five seconds.
        """
        account, changes = caller().account(query.account), _details(body)
        return changed(
            lambda connection: channels.book.change(account, path.name, changes, within=connection)
        )

    @api.post("/channels/<name>/archive", scope="channels:write", responses=responses)
    def archive(path: SlugPath, query: AccountQuery) -> Response:
        """Archive a channel.

        It answers and tags no more. Its figures stay, and scans of its code go on being counted.
        """
        account = caller().account(query.account)
        return changed(lambda connection: channels.book.archive(account, path.name, within=connection))

    @api.post("/channels/<name>/restore", scope="channels:write", responses=responses)
    def restore(path: SlugPath, query: AccountQuery) -> Response:
        """Bring an archived channel back."""
        account = caller().account(query.account)
        return changed(lambda connection: channels.book.restore(account, path.name, within=connection))


def _add_code(api: GuardedApi, channels: ChannelParts, codes: Codes) -> None:
    @api.post(
        "/channels/<name>/code",
        scope="channels:write",
        responses={200: ShownChannelCode, **documented(404, 502)},
    )
    def code(path: SlugPath, query: AccountQuery, body: WantedChannelCode) -> dict[str, Any]:
        """Get the code of a channel.

        A permanent one is for print. Otherwise it is a living code: the picture at `image` never expires.
        """
        channel = channels.book.find(caller().account(query.account), path.name)
        scene, image = value_of(channel.scene), None
        if not body.is_permanent:
            living = body.living or channel.name
            codes.living.put_first(living, scene, account=channel.account)
            image = f"{codes.public_url}/q/{living}.png"
        expires_in = None if body.is_permanent else LONGEST_SECONDS
        minted = codes.minter.mint(scene, account=channel.account, expires_in=expires_in)
        return {
            "scene": minted.scene,
            "url": minted.url,
            "ticket": minted.ticket,
            "is_permanent": minted.is_permanent,
            "expires_at": moment_or_none(minted.expires_at),
            "image": image,
        }


def came(
    figures: Figures,
    found: Sequence[Channel | Promoter],
    *,
    by: By,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Line]:
    """Return the line of each of these channels or promoters, of the days of two moments or of all times."""
    names: dict[str, list[str]] = {}
    for each in found:
        names.setdefault(each.account, []).append(each.name)
    times = {"since": _seconds(since), "until": _seconds(until)}
    lines = {account: figures.came(account, theirs, by=by, **times) for account, theirs in names.items()}
    return [lines[each.account][each.name] for each in found]


def _details(body: ChangedChannel) -> dict[str, Any]:
    """Return those of the details that the request names."""
    data = body.model_dump(include=set(ChangedChannel.model_fields), exclude_unset=True)
    for name in _MOMENTS:
        if name in data:
            data[name] = _seconds(data[name])
    for name in _REPLIES:
        if data.get(name) is not None:
            data[name] = _reply(name, data[name])
    if "title" in data:
        data["title"] = data["title"] or ""
    return data


def _reply(name: str, data: dict[str, Any]) -> object:
    try:
        return read_reply(data)
    except ValueError as error:
        raise ProblemError(409, "channel_refused", f"{name}: {error}") from None


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
