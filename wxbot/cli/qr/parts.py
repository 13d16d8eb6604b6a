"""What the commands about codes share: the parts of a bot without its handlers, and how a code is printed."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.configuration import account_option, choose_account, load_settings
from wxbot.cli.output import Failure, json_option, moment, print_json, print_table

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from wxbot.qrcodes.mint import Code, Minter
    from wxbot.settings import Settings
    from wxbot.wechat.api import ApiClient

type_option: Callable[[Any], Any] = click.option(
    "--type", "kind", type=click.Choice(["number", "text"]), help="Digits are a number unless it says text."
)


class _Picture(click.Path):
    """A file to draw into: looked at before anything is minted that could then not be drawn."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        file = Path(os.fsdecode(super().convert(value, param, ctx)))
        if file.suffix not in (".png", ".svg"):
            self.fail("the file's name must end with .png or .svg", param, ctx)
        if not file.parent.is_dir():
            self.fail(f"there is no folder {str(file.parent)!r}", param, ctx)
        if not os.access(file.parent, os.W_OK | os.X_OK):
            self.fail(f"the folder {str(file.parent)!r} cannot be written to", param, ctx)
        return file


save_option: Callable[[Any], Any] = click.option(
    "--save", "file", type=_Picture(), help="Draw it into this file, .png or .svg."
)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The settings, the account that is meant, and its database."""

    settings: "Settings"
    account: str
    engine: "Engine"

    def client(self) -> "ApiClient":
        """Return the account's client of WeChat's API."""
        from wxbot.bot import build_clients

        return build_clients(self.settings, self.engine)[self.account]

    def minter(self, *, holder: str = "", pace: Callable[[], None] = lambda: None) -> "Minter":
        """Return what mints codes for the accounts."""
        from wxbot.bot import build_clients, build_minter

        clients = build_clients(self.settings, self.engine)
        return build_minter(clients, self.engine, holder=holder, pace=pace)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options that all these commands have."""

    account: str | None
    as_json: bool


def common(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--account` and `--json`, gathered in its first argument."""

    @wraps(command)
    def gathered(*, account: str | None, as_json: bool, **given: Any) -> None:
        command(Asked(account=account, as_json=as_json), **given)

    decorated: Callable[..., None] = account_option(json_option(gathered))
    return decorated


@contextmanager
def opened(account: str | None) -> Iterator[Parts]:
    """Open what a command about an account's codes needs, and give it back.

    Raises Failure when the database cannot be used.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.bot import open_database
    from wxbot.db.faults import in_words

    settings = load_settings()
    name = choose_account(settings.accounts, account)
    try:
        engine = open_database(settings)
        try:
            yield Parts(settings=settings, account=name, engine=engine)
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        raise Failure(in_words(error, settings.database.url.get_secret_value())) from None


def scene_value(scene: str, kind: str | None) -> int | str:
    """Return a scene as it is minted; digits become a number unless `kind` says text."""
    from wxbot.qrcodes.kinds import looks_like_number

    if kind == "number" and not looks_like_number(scene):
        raise click.BadParameter(f"{scene!r} is not a number between 1 and 4294967295", param_hint="SCENE")
    return int(scene) if kind != "text" and looks_like_number(scene) else scene


def print_code(code: "Code", *, as_json: bool) -> None:
    """Print what is known about one code."""
    if as_json:
        print_json(asdict(code))
        return
    rows = [
        ("account", code.account),
        ("scene", code.scene),
        ("kind", code.kind_words),
        ("valid until", moment(code.expires_at) or "for ever"),
        ("first minted", moment(code.created_at)),
        ("url", code.url),
        ("ticket", code.ticket),
    ]
    print_table(("", ""), rows)


def save(code: "Code", file: Path, *, caption: str = "") -> None:
    """Draw a code into a file whose name ends with .png or .svg."""
    from wxbot.qrcodes.drawing import draw

    picture = draw(code.url, kind="svg" if file.suffix == ".svg" else "png", caption=caption)
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from None
