"""`wxbot qr living`: names whose image never expires."""

from dataclasses import asdict

import click

from wxbot.cli.output import print_json, print_table
from wxbot.cli.qr.parts import Asked, common, opened, scene_value, type_option

_LONGEST_SECONDS = 2_592_000


@click.command()
@click.argument("name", required=False)
@click.argument("scene", required=False)
@type_option
@click.option(
    "--lifetime",
    type=int,
    default=_LONGEST_SECONDS,
    show_default=True,
    help="How many seconds each code behind the name lives; it is renewed at half of that.",
)
@click.option("--remove", is_flag=True, help="Forget NAME.")
@common
def living(
    asked: Asked,
    *,
    name: str | None,
    scene: str | None,
    kind: str | None,
    lifetime: int,
    remove: bool,
) -> None:
    """Let the image at /q/NAME always show a code of SCENE; without a NAME, list them."""
    from wxbot.qrcodes.living import LivingCodes

    with opened(asked.account) as parts:
        book = LivingCodes(parts.engine, parts.minter())
        if name is not None and remove:
            book.remove(name)
        elif name is not None and scene is not None:
            book.put(name, scene_value(scene, kind), lifetime, account=parts.account)
        found = [each for each in book.names() if name in (None, each.name)]
        base = parts.settings.server.public_url
    if asked.as_json:
        print_json([{**asdict(each), "path": f"/q/{each.name}.png"} for each in found])
        return
    rows = [(each.name, each.scene, each.account, f"{base}/q/{each.name}.png") for each in found]
    if rows:
        print_table(("name", "scene", "account", "image"), rows)
    elif not remove:
        click.echo("There is none. Make one with: wxbot qr living NAME SCENE")
