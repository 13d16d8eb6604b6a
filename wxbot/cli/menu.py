"""`wxbot menu`: the account's own menu, from a file."""

import difflib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.configuration import account_option
from wxbot.cli.output import Failure, json_option, print_json, printable, warn

if TYPE_CHECKING:
    from wxbot.scenes.registry import Registry
    from wxbot.wechat.menus import Menu


@dataclass(frozen=True, kw_only=True)
class _Findings:
    """What was found about a menu that is to be pushed."""

    unanswered: tuple[str, ...]
    hints: tuple[str, ...]


@click.group()
def menu() -> None:
    """See and replace the account's menu."""


@menu.command()
@account_option
@json_option
def show(account: str | None, *, as_json: bool) -> None:
    """Show the menu as it is on the account now.

    With --json it is printed as `wxbot menu push` takes it.
    """
    from wxbot.cli.qr.parts import opened
    from wxbot.wechat.menus import lines, plain

    with opened(account) as parts:
        live = parts.client().menu()
    if as_json:
        print_json(None if live is None else plain(live))
    elif live is None:
        click.echo("The account has no menu, or one that was made on WeChat's page.")
    else:
        for line in lines(live):
            click.echo(printable(line))


@menu.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@account_option
@click.option("--dry-run", is_flag=True, help="Check and compare, but push nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def push(file: Path, account: str | None, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Replace the account's menu by the one in FILE, which is TOML or JSON.

    The menu is checked against WeChat's limits, and each of its click keys must be answered by a handler.
    What changes is shown before it is pushed; where nothing does, nothing is.
    """
    from wxbot.cli.qr.parts import opened
    from wxbot.mounting import build_registry
    from wxbot.wechat.menus import difference

    wanted = _read(file)
    with opened(account) as parts:
        found = _examine(wanted, build_registry(parts.settings), parts.account)
        _refuse_unanswered(found, as_json=as_json)
        client = parts.client()
        changes = difference(client.menu(), wanted)
        if not as_json:
            _tell(changes, found)
        is_wanted = bool(changes) and not dry_run and (yes or as_json or _agrees(parts.account))
        if is_wanted:
            client.create_menu(wanted)
    if as_json:
        print_json({"changes": changes, "is_pushed": is_wanted, "unanswered": [], "hints": list(found.hints)})
    elif is_wanted:
        click.echo("Pushed. Phones show it within some minutes, those that follow the account anew at once.")
    elif changes and dry_run:
        click.echo("Nothing was pushed (--dry-run).")


def _read(file: Path) -> "Menu":
    from wxbot.wechat.menus import MenuError, read_menu

    try:
        return read_menu(file.read_text(encoding="utf-8"), is_json=file.suffix == ".json")
    except UnicodeDecodeError:
        raise Failure(f"{file} is not UTF-8") from None
    except MenuError as error:
        for fault in error.faults:
            click.echo(f"{file}: {printable(fault)}", err=True)
        raise Failure(f"nothing was pushed: {len(error.faults)} faults in {file}") from None


def _examine(wanted: "Menu", registry: "Registry", account: str) -> _Findings:
    """Say which taps nobody answers, and which handlers no button leads to."""
    from wxbot.wechat.menus import clipped_names, keys

    unanswered, hints = [], []
    for each in keys(wanted):
        if each.kind != "click" and not _is_answered(registry, account, each.kind, ""):
            hints.append(f"button {each.place}: no handler answers the event {each.kind}")
        elif each.kind == "click" and not _is_answered(registry, account, each.kind, each.key):
            unanswered.append(_unanswered(registry, account, each.place, each.key))
    tapped = {each.key for each in keys(wanted)}
    hints += [
        f"the handler of the key {key!r} is on no button"
        for key in registry.clicks(account)
        if key not in tapped
    ]
    hints += [f"phones show only the beginning of the name {name}" for name in clipped_names(wanted)]
    return _Findings(unanswered=tuple(unanswered), hints=tuple(hints))


def _is_answered(registry: "Registry", account: str, kind: str, key: str) -> bool:
    return registry.find(_tap(account, kind, key)).handler is not None


def _tap(account: str, kind: str, key: str) -> Any:
    """Return the event that a tap on such a button pushes."""
    from wxbot import clock
    from wxbot.wechat.events import Click, Unknown

    common: dict[str, Any] = {"account": account, "to_user": "", "openid": "", "created_at": clock.now()}
    common |= {"msg_type": "event", "digest": b"", "body": b""}
    return Click(**common, name="CLICK", event_key=key) if kind == "click" else Unknown(**common, name=kind)


def _unanswered(registry: "Registry", account: str, place: str, key: str) -> str:
    near = difflib.get_close_matches(key, registry.clicks(account), n=1, cutoff=0.6)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"button {place}: no handler answers the key {key!r}{meant}"


def _refuse_unanswered(found: _Findings, *, as_json: bool) -> None:
    if not found.unanswered:
        return
    if as_json:
        unanswered, hints = list(found.unanswered), list(found.hints)
        print_json({"changes": [], "is_pushed": False, "unanswered": unanswered, "hints": hints})
    for fault in found.unanswered:
        click.echo(printable(fault), err=True)
    raise Failure(
        f"nothing was pushed: {len(found.unanswered)} keys would get the fallback; answer them with "
        '@plugin.click("KEY"), or take the buttons away'
    )


def _tell(changes: list[str], found: _Findings) -> None:
    for hint in found.hints:
        warn(f"Hint: {printable(hint)}")
    colours = {"+": "green", "-": "red"}
    for line in changes:
        click.secho(printable(line), fg=colours.get(line[:1]))
    if not changes:
        click.echo("The account has this menu already.")


def _agrees(account: str) -> bool:
    """Ask, where there is somebody to answer."""
    return not sys.stdin.isatty() or click.confirm(f"Push this menu to the account {account}?", abort=True)
