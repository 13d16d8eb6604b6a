"""Delivering one event to a callback URL, as often as asked, and telling what came back."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import click

from wxbot import clock
from wxbot.cli.configuration import DEVELOPMENT, choose_account, is_configured, load_settings
from wxbot.cli.output import Failure, print_json, print_table, progress, warn
from wxbot.emulator import wire
from wxbot.emulator.codes import make_ticket
from wxbot.emulator.judge import Bubble
from wxbot.emulator.push import Exchange, Pusher
from wxbot.emulator.wire import Mode, Push, Sender
from wxbot.emulator.words import words_for
from wxbot.emulator.world import GH_ID, openid_of

Event = Callable[[str, int], Push]
"""Makes the event of an openid at a time in seconds."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the options of `wxbot simulate` ask for."""

    account: str | None
    url: str | None
    as_json: bool
    mode: Mode | None = None
    openid: str | None = None
    repeat: int = 1
    concurrent: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where to deliver, and in whose name."""

    url: str
    sender: Sender


def scanned(scene: str, *, by_somebody_new: bool) -> Event:
    """Return the event of a scan, by a follower or by somebody who follows with it."""

    def event(openid: str, created: int) -> Push:
        ticket = make_ticket(f"02{secrets.token_urlsafe(15)}", created, 0)
        make = wire.follow if by_somebody_new else wire.scan
        return make(openid, created, scene=scene, ticket=ticket)

    return event


def written(content: str) -> Event:
    """Return the event of a text message."""
    msg_id = 10**16 + secrets.randbelow(9 * 10**16)
    return lambda openid, created: wire.text(openid, created, content=content, msg_id=msg_id)


def tapped(key: str) -> Event:
    """Return the event of a tap on a menu item."""
    return lambda openid, created: wire.click(openid, created, key=key)


def send(wanted: Wanted, event: Event, *, is_new_person: bool = False) -> None:
    """Deliver an event and print the answers; Failure when WeChat would not accept one of them."""
    target = _target(wanted)
    name = f"somebody new {secrets.token_hex(8)}" if is_new_person else "somebody"
    openid = wanted.openid or openid_of(target.sender.appid, name)
    push = event(openid, int(clock.now().timestamp()))
    with progress(f"Delivering to {target.url}"):
        exchanges = _deliver(wanted, target, push)
    refused = [each for each in exchanges if each.verdict.outcome in ("failed", "fault")]
    is_same = len({(each.verdict.outcome, each.verdict.bubble) for each in exchanges}) == 1
    if wanted.as_json:
        print_json(
            {
                "url": target.url,
                "openid": openid,
                "deliveries": [_as_data(each) for each in exchanges],
                "is_same": is_same,
                "is_accepted": not refused,
            }
        )
    else:
        _print(exchanges, is_same=is_same)
    if refused:
        raise Failure(_advice(refused[0], target))


def verify(wanted: Wanted) -> None:
    """Verify a callback URL and print the result; Failure when it cannot be verified."""
    target = _target(wanted)
    with progress(f"Verifying {target.url}"):
        answer = Pusher().verify(target.sender, url=target.url)
    if wanted.as_json:
        print_json(
            {
                "url": target.url,
                "is_verified": answer.is_verified,
                "reason": answer.reason,
                "status": answer.status,
                "seconds": round(answer.seconds, 3),
            }
        )
    if not answer.is_verified:
        raise Failure(_advice_for(answer.reason, str(answer.status), target))
    if not wanted.as_json:
        click.echo(f"{target.url} returned the echostr after {answer.seconds:.3f} s: WeChat would accept it.")


def _target(wanted: Wanted) -> Target:
    configured = load_settings()
    name = choose_account(configured.accounts, wanted.account)
    account = configured.accounts[name]
    path = "/wechat" if name == "default" else f"/wechat/{name}"
    url = wanted.url or f"http://127.0.0.1:8000{path}"
    if not wire.is_address(url):
        raise click.BadParameter(f"{url!r} is no URL; write http://HOST:PORT/wechat", param_hint="--url")
    sender = Sender(
        appid=account.appid,
        token=account.token.get_secret_value(),
        aes_key=account.aes_key.get_secret_value(),
        gh_id=GH_ID,
        mode=wanted.mode or account.mode,
    )
    if sender.mode != "plain" and not sender.aes_key:
        raise click.BadParameter(f"mode {sender.mode} needs the account's aes_key", param_hint="--mode")
    return Target(url=url, sender=sender)


def _deliver(wanted: Wanted, target: Target, push: Push) -> list[Exchange]:
    pusher = Pusher()

    def deliver(number: int) -> Exchange:
        return pusher.repeat(push, target.sender, url=target.url, attempt=number)

    numbers = range(1, wanted.repeat + 1)
    if not wanted.concurrent:
        return [deliver(number) for number in numbers]
    with ThreadPoolExecutor(max_workers=wanted.repeat) as pool:
        return list(pool.map(deliver, numbers))


def _print(exchanges: list[Exchange], *, is_same: bool) -> None:
    print_table(
        ("delivery", "seconds", "answer"),
        [(str(each.attempt), f"{each.seconds:.3f}", _answer(each)) for each in exchanges],
    )
    if len(exchanges) < 2 or all(each.status is None for each in exchanges):
        return
    if is_same:
        click.echo(f"\nAll {len(exchanges)} answers are the same.")
    else:
        warn("\nThe answers differ: repeats of one event should be answered alike.")


def _answer(exchange: Exchange) -> str:
    verdict = exchange.verdict
    if verdict.outcome == "shown" and verdict.bubble:
        return _shown(verdict.bubble)
    if verdict.outcome == "nothing":
        return "(success: nothing is shown)"
    return f"({_reason(verdict.reason, verdict.detail)})"


def _shown(bubble: Bubble) -> str:
    if bubble.kind == "text":
        return bubble.text
    parts = [
        bubble.title,
        bubble.description,
        bubble.url,
        bubble.media_id,
        *(each.title for each in bubble.articles),
    ]
    return f"[{bubble.kind}] {' | '.join(part for part in parts if part)}".rstrip()


def _as_data(exchange: Exchange) -> dict[str, Any]:
    verdict = exchange.verdict
    return {
        "number": exchange.attempt,
        "seconds": round(exchange.seconds, 3),
        "status": exchange.status,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "detail": verdict.detail,
        "reply": asdict(verdict.bubble) if verdict.bubble else None,
        "xml": verdict.reply_xml,
    }


def _reason(slug: str, detail: str) -> str:
    return words_for("en").get(f"reason_{slug}", slug).format(detail)


def _advice(exchange: Exchange, target: Target) -> str:
    return _advice_for(exchange.verdict.reason, exchange.verdict.detail, target)


def _advice_for(reason: str, detail: str, target: Target) -> str:
    """Return what went wrong and what to look at."""
    what = f"{target.url}: {_reason(reason, detail)}"
    if reason == "refused":
        return f"{what}. Does the bot run? Start it with wxbot serve or wxbot dev, or name its URL with --url"
    if reason == "tls":
        return f"{what}. WeChat refuses it as well: the server must send its whole chain, for this host name"
    if reason == "timeout":
        return f"{what}. WeChat would show that the account is out of order; the log of the bot says more"
    if reason == "status":
        return f"{what}. {_status_advice(detail, target.sender.mode)}"
    return f"{what}. WeChat would show that the account is out of order"


def _status_advice(status: str, mode: Mode) -> str:
    if status == "403":
        advice = (
            "The bot could not verify the event. Does it run with the same token, aes_key and appid, and "
            f"with mode {mode}? Do the clocks of the two machines agree?"
        )
        if DEVELOPMENT.exists() and is_configured():
            advice += f" A bot of wxbot dev has an account of its own: set WXBOT_CONFIG={DEVELOPMENT} for it"
        return advice
    if status == "404":
        return "The path is /wechat for the account default and /wechat/NAME for any other"
    if status == "503":
        return "The bot could not write the event down; its log says why"
    return "The log of the bot says more"
