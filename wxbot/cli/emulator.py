"""`wxbot emulator`: a WeChat to run locally, by itself."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.output import Failure

if TYPE_CHECKING:
    from wxbot.emulator.world import Account


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8900, show_default=True, help="0: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--callback", "callback_url", metavar="URL", help="Where to push, as in http://127.0.0.1:8000/wechat."
)
@click.option("--token", help="Callback token of the bot.  [default: the emulator's own]")
@click.option("--aes-key", help="EncodingAESKey of the bot.  [default: the emulator's own]")
@click.option("--mode", type=click.Choice(["safe", "compatible", "plain"]), help="[default: safe]")
@click.option("--from-config", is_flag=True, help="Play the account `default` of the configuration.")
def emulator(port: int, host: str, *, from_config: bool, **given: Any) -> None:
    """Run a WeChat on this machine, without a bot.

    It has WeChat's API and pushes, and a phone in the browser.

    The phone page and its switches have no login: keep them from networks that you do not trust.
    """
    from dataclasses import replace

    from wxbot.cli.ports import require_free
    from wxbot.emulator.threaded import run_emulator
    from wxbot.emulator.world import World

    account = _configured_account() if from_config else _own_account()
    try:
        account = replace(account, **{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--callback") from None
    _require_usable(account)
    require_free(host, port, option="--port")
    running = run_emulator(World(account=account), host=host, port=port)
    with running:
        click.echo(f"Phone page  {running.url}/")
        click.echo(f"Callback    {account.callback_url or 'none: nothing is pushed'} (mode {account.mode})")
        if not from_config:
            click.echo(f'Account     appid = "{account.appid}", secret = "{account.secret}"')
            click.echo(f'            token = "{account.token}", aes_key = "{account.aes_key}"')
        click.echo("Ctrl-C ends it.")
        with suppress(KeyboardInterrupt):
            running.wait()


def _own_account() -> "Account":
    from wxbot.emulator.world import Account

    return Account()


def _configured_account() -> "Account":
    from wxbot.cli.configuration import load_settings
    from wxbot.emulator.world import AES_KEY, Account

    configured = load_settings().accounts.get("default")
    if configured is None:
        raise Failure("the configuration has no [accounts.default]")
    return Account(
        appid=configured.appid,
        secret=configured.secret.get_secret_value(),
        token=configured.token.get_secret_value(),
        aes_key=configured.aes_key.get_secret_value() or AES_KEY,
        mode=configured.mode,
    )


def _require_usable(account: "Account") -> None:
    try:
        _ = account.sender.cipher
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--aes-key") from None
