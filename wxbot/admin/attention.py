"""What needs somebody's attention, in words: shown on the overview, the most urgent first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wxbot.admin.moments import moment_of
from wxbot.admin.visit import Visit
from wxbot.analytics.shapes import Gap, Overview, Suspect
from wxbot.channels.channel import Channel
from wxbot.clock import DAY_SECONDS
from wxbot.qrcodes.meter import WARNING_SHARES, Usage

# The worker counts every few seconds; behind for so long, it is not there.
LATE_SECONDS = 600
SOON_SECONDS = 7 * DAY_SECONDS
RECENT_DAYS = 7  # of which suspects and the gap are told
_MOST_OF_A_KIND = 5


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to look at: a tone of wxbot/admin/visit.py, what it is, and where to look."""

    tone: str
    text: str
    href: str | None = None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is looked through. `latest_event` is the time of the newest event, None without any."""

    now: int
    latest_event: int | None
    overview: Overview
    jobs: Mapping[str, int]
    numbers: Usage
    channels: Sequence[Channel]
    suspects: Sequence[Suspect]
    gap: Gap


def items(visit: Visit, seen: Seen) -> list[Item]:
    """Return what needs attention; empty when all is well."""
    return [
        *_machinery(visit, seen),
        *_suspects(visit, seen.suspects),
        *_gap(visit, seen.gap),
        *_ending(visit, seen),
    ]


def _machinery(visit: Visit, seen: Seen) -> Iterator[Item]:
    t, until = visit.t, seen.overview.counted_until
    if seen.latest_event is not None and (until is None or until < seen.latest_event - LATE_SECONDS):
        told = t.not_counted_yet if until is None else t.counting_stopped.format(moment_of(until))
        yield Item(tone="bad", text=told, href=visit.url("health.index"))
    dead = seen.jobs.get("dead", 0) + seen.jobs.get("unknown", 0)
    if dead:
        yield Item(tone="bad", text=t.dead_jobs.format(f"{dead:,}"), href=visit.url("jobs.index"))
    if seen.numbers.share >= WARNING_SHARES[0]:
        text = t.few_numbers.format(f"{seen.numbers.free:,}")
        yield Item(tone="warn", text=text, href=visit.url("numbers.index"))


def _suspects(visit: Visit, suspects: Sequence[Suspect]) -> Iterator[Item]:
    """Yield the largest of each channel and reason: an opening has bursts by the dozen."""
    largest: dict[tuple[str, str], Suspect] = {}
    for each in suspects:
        largest.setdefault((each.of.name, each.reason), each)
    for each in [*largest.values()][:_MOST_OF_A_KIND]:
        yield _suspect(visit, each)
    if len(largest) > _MOST_OF_A_KIND:
        command = f"wxbot stats suspects --days {RECENT_DAYS}"
        if len(visit.accounts) > 1:
            command += f" --account {visit.account}"
        text = visit.t.more_suspects.format(len(largest) - _MOST_OF_A_KIND, command)
        yield Item(tone="warn", text=text)


def _suspect(visit: Visit, each: Suspect) -> Item:
    t = visit.t
    if each.reason == "burst":
        minute = each.minute or 0
        at = f"{each.on} {minute // 60:02}:{minute % 60:02}"
        text = t.suspect_burst.format(each.title, at, f"{each.count:,}", f"{each.out_of:,}")
    else:
        text = t[f"suspect_{each.reason}"].format(each.title, f"{each.count:,}", f"{each.out_of:,}")
    return Item(tone="warn", text=text, href=visit.url("channel.one", name=each.of.name))


def _gap(visit: Visit, gap: Gap) -> Iterator[Item]:
    # By other days than WeChat's, both would differ with nothing missed.
    if gap.days_match and gap.missed_follows > 0:
        text = visit.t.gap_follows.format(f"{gap.missed_follows:,}")
        yield Item(tone="warn", text=text, href=visit.url("definitions.definitions", _anchor="gap"))


def _ending(visit: Visit, seen: Seen) -> Iterator[Item]:
    ending = [
        (each.ends_at, each)
        for each in seen.channels
        if each.ends_at is not None and seen.now < each.ends_at <= seen.now + SOON_SECONDS
    ]
    for ends_at, each in sorted(ending, key=lambda pair: pair[0])[:_MOST_OF_A_KIND]:
        text = visit.t.ends_soon.format(each.title, moment_of(ends_at))
        yield Item(tone="info", text=text, href=visit.url("channel.one", name=each.name))
