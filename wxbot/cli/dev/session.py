"""One session of development: an emulator that stays, and a bot that is replaced after every edit."""

import signal
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import click

from wxbot import clock
from wxbot.cli.configuration import DEVELOPMENT
from wxbot.cli.dev.bot import Bot, Ready
from wxbot.cli.dev.codes import Platform, RefusedError, forget_codes
from wxbot.cli.dev.demo import fill_once
from wxbot.cli.dev.edits import edits, sources_of
from wxbot.cli.dev.login import NAME, dev_password, offer_login
from wxbot.cli.dev.setup import DATABASE, Setup, configurations, emulated_account, set_up, write_once
from wxbot.cli.dev.shop import DemoShop, forget_shop
from wxbot.cli.ports import listen, require_free
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import World
from wxbot.errors import ConfigurationError

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(port: int, emulator_port: int, shop_port: int | None, *, host: str, is_demo: bool = False) -> None:
    """Run until it is interrupted, and leave no process behind; without a shop when it has no port."""
    with ExitStack() as cleanup:
        listener = cleanup.enter_context(listen(host, port, option="--port"))
        require_free(host, emulator_port, option="--emulator-port")
        if shop_port is not None:
            require_free(host, shop_port, option="--shop-port")
        bot_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        world = World()
        emulator = cleanup.enter_context(run_emulator(world, host=host, port=emulator_port))
        emulator_url = f"http://127.0.0.1:{emulator.port}"
        write_once(emulator_url)
        world.account = emulated_account(f"{bot_url}/wechat")
        shop = None
        if shop_port is not None:
            shop = DemoShop(host=host, port=shop_port, bot_url=bot_url, phone_url=emulator_url)
            cleanup.enter_context(shop)
            world.site_url = f"{shop.url}/"
        session = Session(listener, world, bot_url=bot_url, emulator_url=emulator_url, shop=shop)
        cleanup.callback(session.end)
        for ending in ENDINGS:
            signal.signal(ending, _interrupt)
        session.announce()
        try:
            if is_demo:
                session.fill()
            session.follow_edits()
        except KeyboardInterrupt:
            click.echo("")


class Session:
    """The bot of the moment and what it is made from."""

    def __init__(
        self,
        listener: socket.socket,
        world: World,
        *,
        bot_url: str,
        emulator_url: str,
        shop: DemoShop | None,
    ) -> None:
        self._listener = listener
        self._shop = shop
        self._world = world
        self._resets: int | None = None
        self._account = world.account
        self._bot_url = bot_url
        self._emulator_url = emulator_url
        self._setup = self._read_setup()
        self._password = dev_password()
        self._bot: Bot | None = None
        self._ready: Ready | None = None
        self._has_login = False

    def announce(self) -> None:
        """Print the addresses, and what is used for what."""
        is_made = self._setup.config == DEVELOPMENT
        note = "made by wxbot dev" if is_made else "with the emulator as its account default; secrets unused"
        click.secho(f"Phone page 手机  {self._emulator_url}/", bold=True)
        if self._shop:
            click.secho(f"Demo shop  商店  {self._shop.url}/", bold=True)
        login = f"log in as {NAME} with {self._password}"
        click.secho(f"Dashboard  后台  {self._bot_url}/admin/ ({login})", bold=True)
        click.echo(f"Callback   回调  {self._account.callback_url} (mode {self._account.mode})")
        click.echo(f"Config     配置  {self._setup.config} ({note})")
        click.echo(f"Database   数据  {DATABASE} (for development only)")

    def fill(self) -> None:
        """Have a year to look at."""
        fill_once(self._setup)

    def follow_edits(self) -> None:
        """Start the bot, and replace it after every edit. Never returns."""
        is_first = True
        for changed in edits(lambda: sources_of(self._setup.packages, configurations())):
            if changed or is_first:
                self._replace_bot(changed)
                is_first = False
            elif self._bot and not self._bot.is_running:
                self._end_bot()
                _fault("The bot has ended by itself; it starts again at the next edit. 机器人意外退出。")
            elif self._ready and self._world.resets != self._resets:
                self._offer(self._ready)

    def end(self) -> None:
        """End the bot, whatever the user does in the meantime."""
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        self._end_bot()

    def _replace_bot(self, changed: Sequence[Path]) -> None:
        """Start a new bot beside the one that answers, and end that one when the new one is ready."""
        started = clock.monotonic()
        try:
            self._setup = self._read_setup()
        except ConfigurationError as error:
            for fault in error.faults:
                _fault(f"wxbot: {fault}")
            self._keep_bot()
            return
        bot = Bot(self._listener, self._setup.environment, say=_say)
        ready = None
        try:
            ready = bot.wait_until_ready()
        finally:
            if ready is None:
                bot.stop()
        if ready is None:
            self._keep_bot()
            return
        self._end_bot()
        self._bot, self._ready = bot, ready
        self._offer(ready)
        self._admit()
        took = clock.monotonic() - started
        click.secho(f"{_what(changed)}: {_numbers(ready)}, ready in {took:.1f} s", fg="green")
        if not changed:
            click.echo(
                "Edit a handler and scan again; Ctrl-C ends everything. 改完保存即生效，按 Ctrl-C 结束。"
            )

    def _admit(self) -> None:
        """Let the user and the shop in, once; without a shop, nobody who was one before."""
        if not self._has_login:
            offer_login(self._password)
            if self._shop is None:
                forget_shop(self._setup)
            self._has_login = True
        if self._shop:
            self._shop.connect(self._setup)

    def _read_setup(self) -> Setup:
        return set_up(
            self._account,
            bot_url=self._bot_url,
            emulator_url=self._emulator_url,
            shop=self._shop.place if self._shop else None,
        )

    def _keep_bot(self) -> None:
        if self._bot:
            _fault("Not taken over; the bot from before goes on answering. 改动有错，旧版本继续工作。")
        else:
            _fault("Not started; waiting for an edit. 没能启动，改好后会自动重试。")

    def _end_bot(self) -> None:
        bot, self._bot = self._bot, None
        if bot:
            bot.stop()

    def _offer(self, ready: Ready) -> None:
        if self._resets != (resets := self._world.resets):
            self._resets = resets
            forget_codes()
        try:
            Platform(self._emulator_url, self._account).offer(ready["scenes"], ready["keys"])
        except RefusedError as error:
            click.secho(f"The emulator did not take the codes and the menu: {error}", fg="yellow")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    click.secho(line, fg="red" if line.startswith("wxbot: ") else None, err=True)


def _fault(text: str) -> None:
    click.secho(text, fg="red", err=True)


def _what(changed: Sequence[Path]) -> str:
    if not changed:
        return "Bot"
    here = Path.cwd()
    first = changed[0]
    name = first.relative_to(here) if first.is_relative_to(here) else first
    others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{name}{others} changed"


def _numbers(ready: Ready) -> str:
    return f"handlers {ready['handlers']}, codes {len(ready['scenes'])}, menu keys {len(ready['keys'])}"
