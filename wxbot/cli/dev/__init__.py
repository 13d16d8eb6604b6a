"""`wxbot dev`: a bot and a WeChat to try it with, on this machine, following every edit of the handlers."""

import click


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Of the bot. 0: any free one.",
)
@click.option(
    "--emulator-port",
    type=click.IntRange(0, 65535),
    default=8900,
    show_default=True,
    help="Of the phone page.",
)
@click.option(
    "--shop-port",
    type=click.IntRange(0, 65535),
    default=8800,
    show_default=True,
    help="Of the demo shop.",
)
@click.option("--no-shop", is_flag=True, help="Without the demo shop and the plugins that it needs.")
@click.option(
    "--demo", is_flag=True, help="With a made-up year of channels, promoters and followers to look at."
)
@click.option(
    "--host",
    type=click.Choice(["127.0.0.1", "0.0.0.0"]),
    default="127.0.0.1",
    show_default=True,
    help="Who may connect: this machine, or every device in its networks.",
)
def dev(port: int, emulator_port: int, shop_port: int, *, no_shop: bool, demo: bool, host: str) -> None:
    """Run the bot, a WeChat to try it with, and a small shop that uses both.

    Open the phone page that it names and scan a code. Every edit of a handler is taken over at once; one
    with a fault is not: the fault is shown, and the bot from before goes on answering.

    Without config.toml a configuration is made in var/dev.toml. With one, its account `default` is replaced
    by the emulator's, so that neither real secrets nor the real WeChat are used. Records go to var/dev.db in
    either case; with --demo there is a year in them already, which nobody lived.
    """
    from wxbot.cli.dev.session import run

    run(port, emulator_port, None if no_shop else shop_port, host=host, is_demo=demo)
