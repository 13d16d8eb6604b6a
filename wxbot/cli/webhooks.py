"""`wxbot webhooks`: where the site is told what happens, and what came of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from wxbot.cli.configuration import load_settings
from wxbot.cli.output import Failure, json_option, print_json, print_table, timestamp

if TYPE_CHECKING:
    from wxbot.settings import Settings
    from wxbot.webhooks.deliveries import Attempt, Deliveries, Delivery
    from wxbot.webhooks.parts import Hooks
    from wxbot.webhooks.webhook import NewSecret, Webhook

_STATES = ("waiting", "delivered", "dead")
_HOUR_SECONDS = 3600
_SHORT = 12


@click.group()
def webhooks() -> None:
    """Tell the deployer's site what happens."""


@webhooks.command(name="list")
@json_option
def list_webhooks(*, as_json: bool) -> None:
    """List the webhooks, disabled ones as well, without their secrets."""
    with _hooks() as (_, hooks):
        found = [(each, hooks.deliveries.tally(each.id)) for each in hooks.webhooks.all()]
    if as_json:
        print_json([each.shown() | _tally(tally) for each, tally in found])
    elif found:
        headings = ("webhook", "description", "account", "state", *_STATES, "last delivered")
        print_table(headings, [_cells(each, _tally(tally)) for each, tally in found])
    else:
        click.echo("There are no webhooks. Make one with: wxbot webhooks add URL")


@webhooks.command()
@click.argument("url")
@click.option("--kind", "kinds", multiple=True, help="What it is told of; may be repeated. All, without it.")
@click.option("--account", help="Only of this account in [accounts]; all, without it.")
@click.option("--description", default="", help="What it is for, in up to 64 characters.")
@json_option
def add(url: str, *, kinds: tuple[str, ...], account: str | None, description: str, as_json: bool) -> None:
    """Make a webhook at URL and print its secret, which is never shown again.

    The URL begins with https:// and leads to public addresses. The kinds are follow, unfollow, scan, message,
    claim.made, claim.claimed, claim.confirmed, claim.cancelled, claim.released, claim.expired, binding.made
    and binding.ended.
    """
    from wxbot.webhooks.webhook import KINDS, Draft

    with _hooks() as (configured, hooks):
        if account is not None and account not in configured.accounts:
            named = ", ".join(configured.accounts)
            raise click.BadParameter(f"there is no {account!r}; there are: {named}", param_hint="--account")
        wanted = tuple(dict.fromkeys(kinds)) or KINDS
        made = hooks.webhooks.add(Draft(url=url, kinds=wanted, account=account, description=description))
    _print_secret(made, as_json=as_json)


@webhooks.command()
@click.argument("id")
@json_option
def show(*, id: str, as_json: bool) -> None:
    """Show the webhook ID, where it leads and how it fares.

    The URL is shown whole, with whatever the site has put into it.
    """
    with _hooks() as (_, hooks):
        fields = _found(hooks, id).shown() | _tally(hooks.deliveries.tally(id))
    if as_json:
        print_json(fields)
        return
    print_table(("what", "value"), [(name.replace("_", " "), _words(fields[name])) for name in fields])


@webhooks.command()
@click.argument("id")
@click.option("--url", help="Where it leads from now on, also for what waits.")
@click.option("--kind", "kinds", multiple=True, help="What it is told of from now on; may be repeated.")
@click.option("--description", help="What it is for, in up to 64 characters.")
@json_option
def change(
    *, id: str, url: str | None, kinds: tuple[str, ...], description: str | None, as_json: bool
) -> None:
    """Change the webhook ID; what is not named stays."""
    with _hooks() as (_, hooks):
        wanted = list(dict.fromkeys(kinds)) or None
        changed = hooks.webhooks.change(id, url=url, kinds=wanted, description=description)
    if changed is None:
        raise _no_webhook(id)
    if as_json:
        print_json(changed.shown())
    else:
        click.echo(f"The webhook {id} is changed.")


@webhooks.command()
@click.argument("id")
@json_option
def test(*, id: str, as_json: bool) -> None:
    """Send a message of the kind test to the webhook ID now, and tell what the site answered."""
    with _hooks() as (configured, hooks):
        webhook = _found(hooks, id)
        account = webhook.account or next(iter(configured.accounts))
        with hooks.deliveries.engine.begin() as connection:
            sent = hooks.publisher.publish_test(connection, webhook, account, is_queued=False)
        answer = hooks.delivering.deliver_now(sent)
    if answer is None:
        raise Failure("the webhook was removed meanwhile")
    if as_json:
        fields = {"delivery": sent.hex(), "status": answer.status, "seconds": answer.seconds}
        print_json({**fields, "detail": answer.detail or None})
    elif answer.is_delivered:
        click.echo(f"The site answered {answer.status} after {answer.seconds:.3f} s.")
    if not answer.is_delivered:
        raise Failure(f"it was not delivered: {answer.detail}")


@webhooks.command()
@click.argument("id")
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, 168),
    default=24,
    show_default=True,
    help="How long the present secret signs as well; 0 if others know it.",
)
@json_option
def rotate(*, id: str, overlap_hours: float, as_json: bool) -> None:
    """Give the webhook ID a new secret and print it; it is never shown again."""
    with _hooks() as (_, hooks):
        made = hooks.webhooks.rotate(id, overlap_seconds=round(overlap_hours * _HOUR_SECONDS))
    if made is None:
        raise _no_webhook(id)
    _print_secret(made, as_json=as_json)


@webhooks.command()
@click.argument("id")
@click.option("--because", default="disabled by hand", help="The reason that is shown.")
@json_option
def disable(*, id: str, because: str, as_json: bool) -> None:
    """Tell the webhook ID nothing; what waits is put aside, and can be sent again."""
    with _hooks() as (_, hooks):
        if hooks.webhooks.disable(id, because) is None:
            raise _no_webhook(id)
    _print_done(id, "is told nothing from now on.", as_json=as_json)


@webhooks.command()
@click.argument("id")
@json_option
def enable(*, id: str, as_json: bool) -> None:
    """Tell the webhook ID again what happens.

    For what was put aside meanwhile: wxbot webhooks resend ID --dead
    """
    with _hooks() as (_, hooks):
        if hooks.webhooks.enable(id) is None:
            raise _no_webhook(id)
    _print_done(id, "is told again what happens.", as_json=as_json)


@webhooks.command()
@click.argument("id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(*, id: str, yes: bool, as_json: bool) -> None:
    """Delete the webhook ID and the log of its deliveries; what waits is not sent."""
    with _hooks() as (_, hooks):
        _found(hooks, id)
        if not yes:
            click.confirm(f"Delete the webhook {id} and its log?", abort=True, err=True)
        hooks.webhooks.remove(id)
    _print_done(id, "is gone.", as_json=as_json)


@webhooks.command()
@click.argument("id")
@click.option("--state", type=click.Choice(_STATES), help="Only deliveries that stand so.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@json_option
def deliveries(*, id: str, state: str | None, limit: int, as_json: bool) -> None:
    """List what the webhook ID was told last, and how the last attempt at each went.

    What was said is not shown.
    """
    with _hooks() as (_, hooks):
        _found(hooks, id)
        page = hooks.deliveries.page(id, state=state, limit=limit)
        last = hooks.deliveries.last_attempts([each.id for each in page.deliveries])
        rows = [_delivery(each, last.get(each.id)) for each in page.deliveries]
    if as_json:
        print_json(rows)
    elif rows:
        shown = (
            "delivery",
            "kind",
            "account",
            "state",
            "attempts",
            "created_at",
            "last_status",
            "last_detail",
        )
        headings = ("delivery", "kind", "account", "state", "attempts", "created", "answer", "detail")
        print_table(headings, [_row(each, shown) for each in rows])
    else:
        click.echo("There are no deliveries.")


@webhooks.command()
@click.argument("id")
@click.argument("keys", nargs=-1, metavar="[DELIVERY]...")
@click.option("--dead", is_flag=True, help="Everything that was given up or put aside.")
@json_option
def resend(*, id: str, keys: tuple[str, ...], dead: bool, as_json: bool) -> None:
    """Send deliveries to the webhook ID once more, under the ids that they have.

    DELIVERY is what `wxbot webhooks deliveries` shows, or as much of its beginning as is unique. A worker
    sends them within a second.
    """
    if bool(keys) == dead:
        raise click.UsageError("name the deliveries, or say --dead")
    with _hooks() as (_, hooks):
        _found(hooks, id)
        if dead:
            count = hooks.deliveries.resend_dead(id)
        else:
            chosen = [_delivery_like(hooks.deliveries, id, key) for key in keys]
            busy = [each.id.hex() for each in chosen if not hooks.deliveries.resend(each.id)]
            count = len(chosen) - len(busy)
            if busy:
                raise Failure(f"{', '.join(busy)}: being sent at this moment")
    if as_json:
        print_json({"id": id, "resent": count})
    else:
        click.echo(f"Workers send once more: {count}. See `wxbot webhooks deliveries {id}`.")


@contextmanager
def _hooks() -> Iterator[tuple["Settings", "Hooks"]]:
    """Open the webhooks in the configured database, which is made or migrated as a server would."""
    from sqlalchemy.exc import SQLAlchemyError

    from wxbot.db.database import Database
    from wxbot.db.faults import in_words
    from wxbot.mounting import secret_keys
    from wxbot.webhooks.parts import hooks_of

    configured = load_settings()
    url = configured.database.url.get_secret_value()
    database = Database(url, connections=2)
    try:
        database.prepare()
        yield configured, hooks_of(configured, database, keys=secret_keys(configured))
    except (SQLAlchemyError, OSError) as error:
        raise Failure(in_words(error, url)) from None
    finally:
        database.engine.dispose()


def _found(hooks: "Hooks", id: str) -> "Webhook":
    found = hooks.webhooks.find(id)
    if found is None:
        raise _no_webhook(id)
    return found


def _no_webhook(id: str) -> Failure:
    return Failure(f"there is no webhook {id!r}; wxbot webhooks list shows all")


def _delivery_like(deliveries: "Deliveries", webhook: str, key: str) -> "Delivery":
    digits = key.removeprefix("msg_")
    if not re.fullmatch("[0-9a-f]{4,32}", digits):
        raise click.BadParameter(
            f"{key!r} is no delivery; write at least 4 hexadecimal digits", param_hint="DELIVERY"
        )
    found = [each for each in deliveries.starting_with(digits) if each.webhook == webhook]
    if not found:
        raise Failure(f"the webhook {webhook} has no delivery {key}")
    if len(found) > 1:
        raise Failure(f"several deliveries begin with {key}; write more of it")
    return found[0]


def _print_secret(made: "NewSecret", *, as_json: bool) -> None:
    if as_json:
        print_json({**made.webhook.shown(), "secret": made.secret})
        return
    click.echo(made.secret)
    click.echo(
        f"This is the secret of {made.webhook.id}. Keep it now: it is not shown again. The site verifies\n"
        f"with it what it is told (docs/webhooks.md). Try it: wxbot webhooks test {made.webhook.id}",
        err=True,
    )


def _print_done(id: str, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": id})
    else:
        click.echo(f"The webhook {id} {what}")


def _tally(tally: Any) -> dict[str, Any]:
    counts = {state: tally.counts.get(state, 0) for state in _STATES}
    return {**counts, "delivered_at": timestamp(tally.delivered_at) or None}


def _cells(webhook: "Webhook", tally: dict[str, Any]) -> list[str]:
    state = "active" if webhook.is_active else f"disabled: {webhook.disabled_because}"
    counts = [str(tally[each]) for each in _STATES]
    where = webhook.account or "all"
    return [webhook.id, webhook.description, where, state, *counts, tally["delivered_at"] or ""]


def _delivery(delivery: "Delivery", last: "Attempt | None") -> dict[str, Any]:
    return {
        "delivery": delivery.id.hex(),
        "kind": delivery.kind,
        "account": delivery.account,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": timestamp(delivery.created_at) or None,
        "finished_at": timestamp(delivery.finished_at) or None,
        "last_status": last.status if last else None,
        "last_detail": last.detail if last else None,
    }


def _row(fields: dict[str, Any], shown: tuple[str, ...]) -> list[str]:
    return [_words(fields[name])[:_SHORT] if name == "delivery" else _words(fields[name]) for name in shown]


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)
