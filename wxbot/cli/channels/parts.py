"""What the commands about channels share: the books, how details are read, and how they are shown."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from wxbot.cli.output import Failure
from wxbot.cli.qr.parts import Parts, opened

if TYPE_CHECKING:
    from wxbot.analytics.figures import Figures
    from wxbot.analytics.shapes import By, Line
    from wxbot.channels.channel import Channel
    from wxbot.channels.promoters import Promoters
    from wxbot.channels.store import Channels, Filter
    from wxbot.wechat.replies import Reply

_File = click.Path(exists=True, dir_okay=False, path_type=Path)
_PAGE = 500

_DETAILS = (
    click.option("--title", help="What people call it, as in 一号店; the name unless given."),
    click.option("--group", help="Several channels belong to it, as in 华东."),
    click.option("--owner", help="Who looks after the place."),
    click.option("--promoter", help="The name of a promoter, to whom new followers are credited."),
    click.option("--reply", help="The text that everybody reads who scans."),
    click.option("--reply-new", help="The text for people who follow for the first time, instead."),
    click.option("--reply-file", type=_File, help="A JSON file with a text, image or news, for everybody."),
    click.option("--reply-new-file", type=_File, help="The same for people who follow for the first time."),
    click.option("--tag", help="WeChat's tag for whoever scans, at most 30 characters."),
    click.option("--starts", help="From when it answers and tags, as in 2026-12-01 or 2026-12-01T09:00."),
    click.option("--ends", help="From when it does so no more."),
)
_PERIOD = (
    click.option("--since", help="Count only from that day on, as in 2026-12-01."),
    click.option("--until", help="Count only what was before that day."),
)


@dataclass(frozen=True, kw_only=True)
class Books:
    """The channels and the promoters of the account that is meant."""

    parts: Parts
    channels: "Channels"
    promoters: "Promoters"
    figures: "Figures"

    @property
    def account(self) -> str:
        """The name of the account."""
        return self.parts.account

    def all(self, wanted: "Filter") -> "list[Channel]":
        """Return all channels that are wanted, by name."""
        found: list[Channel] = []
        while page := self.channels.listed(
            [self.account], wanted, after=(self.account, found[-1].name) if found else None, limit=_PAGE
        ):
            found += page
        return found

    def came(
        self,
        names: Sequence[str],
        *,
        by: "By" = "channel",
        since: str | None = None,
        until: str | None = None,
    ) -> "dict[str, Line]":
        """Return who came through channels or promoters, by name; on the days of `--since` and `--until`."""
        zone = ZoneInfo(self.parts.settings.analytics.timezone)
        times = {
            "since": None if since is None else read_moment(since, "--since", zone),
            "until": None if until is None else read_moment(until, "--until", zone),
        }
        lines: dict[str, Line] = {}
        for start in range(0, len(names), _PAGE):
            some = names[start : start + _PAGE]
            lines |= self.figures.came(self.account, some, by=by, **times)
        return lines


@contextmanager
def opened_books(account: str | None) -> "Iterator[Books]":
    """Open what a command about an account's channels needs, and give it back."""
    from wxbot.analytics.figures import Figures
    from wxbot.channels.promoters import Promoters
    from wxbot.channels.store import Channels
    from wxbot.qrcodes.kinds import check_scene
    from wxbot.qrcodes.numbers import Numbers

    with opened(account) as parts:
        book = Channels(parts.engine, check_scene=check_scene, numbers=Numbers(parts.engine))
        yield Books(
            parts=parts,
            channels=book,
            promoters=Promoters(parts.engine),
            figures=Figures(parts.engine, parts.settings.analytics),
        )


def details_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say what a channel is like."""
    return _with(_DETAILS, command)


def period_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--since` and `--until`."""
    return _with(_PERIOD, command)


def read_details(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a channel's details that were given; an empty text becomes None, which removes."""
    changes = {
        name: given[name] or (None if name != "title" else "")
        for name in ("title", "group", "owner", "promoter", "tag")
        if given.get(name) is not None
    }
    for name in ("reply", "reply_new"):
        text, file = given.get(name), given.get(f"{name}_file")
        if text is not None and file is not None:
            option = name.replace("_", "-")
            raise click.UsageError(f"--{option} and --{option}-file: give one of the two")
        if text is not None:
            changes[name] = read_text(text)
        elif file is not None:
            changes[name] = _read_file(file)
    for name, column in (("starts", "starts_at"), ("ends", "ends_at")):
        if given.get(name) is not None:
            changes[column] = read_moment(given[name], f"--{name}") if given[name] else None
    return changes


def read_text(text: str) -> "Reply | None":
    """Return a text as a reply, None for an empty one."""
    from wxbot.wechat.replies import Text

    try:
        return Text(text) if text else None
    except ValueError as error:
        raise Failure(str(error)) from None


def read_moment(text: str, option: str, zone: tzinfo | None = None) -> int:
    """Return the seconds of a date, or of a date and time; in this or the local zone unless it names one."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return int(moment.astimezone().timestamp())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is not a date or time as in 2026-12-01 or 2026-12-01T09:00", param_hint=option
        ) from None


def as_data(channel: "Channel", line: "Line | None" = None) -> dict[str, object]:
    """Return a channel as programs read it; times are seconds since 1970 in UTC."""
    from wxbot.wechat.replies import to_data

    data = {name: getattr(channel, name) for name in channel.__dataclass_fields__}
    for name in ("reply", "reply_new"):
        data[name] = None if data[name] is None else to_data(data[name])
    return data | ({} if line is None else {"figures": line.totals.came()})


def state_words(channel: "Channel") -> str:
    """Return where a channel stands now."""
    return channel.state(int(datetime.now(UTC).timestamp())).replace("_", " ")


def reply_words(reply: "Reply | None") -> str:
    """Return a reply in a few words."""
    from wxbot.wechat.replies import Image, News, Text

    if isinstance(reply, Text):
        return reply.content
    if isinstance(reply, Image):
        return f"image {reply.media_id}"
    if isinstance(reply, News):
        return "news: " + ", ".join(each.title for each in reply.articles)
    return ""


def _read_file(file: Path) -> "Reply":
    from wxbot.channels.channel import read_reply

    try:
        data = json.loads(file.read_text(encoding="utf-8-sig"))
        if not isinstance(data, dict):
            raise ValueError("it must hold one JSON object")
        return read_reply(data)
    except ValueError as error:
        raise Failure(
            f'{file}: {error}. A reply is written as {{"type": "text", "content": "…"}}, '
            '{"type": "image", "media_id": "…"} or {"type": "news", "articles": [{"title": "…", '
            '"description": "…", "image_url": "…", "url": "…"}]}'
        ) from None


def _with(options: tuple[Callable[[Any], Any], ...], command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(options):
        command = option(command)
    return command
