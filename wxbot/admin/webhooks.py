"""Webhooks: where the site is told what happens, how that fares, and what can be done about it."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from flask import abort

from wxbot.admin.area import Area, Go, Page, Visit
from wxbot.admin.asked import asked_choice, asked_place, cursor_of, id_of
from wxbot.admin.webhooks_words import WORDS
from wxbot.webhooks.deliveries import STATES, Delivery
from wxbot.webhooks.parts import Hooks
from wxbot.webhooks.webhook import Webhook, WebhookError

_ON_PAGE = 50
_BY_HAND = "disabled from the dashboard"


def views(hooks: Hooks) -> Area:
    """Return `/admin/webhooks`."""
    area = Area("webhooks", words=WORDS)
    area.entry("index", group="work", word="webhooks", icon="webhooks", order=40)
    pages = _Pages(area, hooks)
    pages.add_reading()
    pages.add_log()
    pages.add_switching()
    pages.add_secret()
    pages.add_resending()
    return area


@dataclass(frozen=True)
class _Pages:
    area: Area
    hooks: Hooks

    def add_reading(self) -> None:
        deliveries = self.hooks.deliveries

        @self.area.get("/webhooks")
        def index(visit: Visit) -> Page:
            found = [each for each in self.hooks.webhooks.all() if _is_seen(visit, each)]
            return Page(
                "admin/webhooks.html",
                title=visit.t.webhooks,
                webhooks=[(each, place_of(each), deliveries.open_tally(each.id)) for each in found],
            )

        @self.area.get("/webhooks/<id>")
        def one(visit: Visit, id: str) -> Page:
            return self._page(visit, self._found(visit, id))

    def add_log(self) -> None:
        deliveries = self.hooks.deliveries

        @self.area.get("/webhooks/<id>/<delivery>")
        def delivery(visit: Visit, id: str, delivery: str) -> Page:
            webhook = self._found(visit, id)
            found = self._delivery(webhook, delivery)
            return Page(
                "admin/delivery.html",
                title=visit.t.hook_delivery,
                webhook=webhook,
                delivery=found,
                attempts=deliveries.attempts(found.id),
            )

    def add_switching(self) -> None:
        webhooks = self.hooks.webhooks

        @self.area.post("/webhooks/<id>/disable", role="operator")
        def disable(visit: Visit, id: str) -> Go:
            webhook = self._found(visit, id)
            webhooks.disable(webhook.id, _BY_HAND)
            visit.audit("webhook.disable", webhook.id)
            visit.tell("hook_disabled_now")
            return Go(visit.url("webhooks.one", id=id))

        @self.area.post("/webhooks/<id>/enable", role="operator")
        def enable(visit: Visit, id: str) -> Go:
            webhook = self._found(visit, id)
            webhooks.enable(webhook.id)
            visit.audit("webhook.enable", webhook.id)
            visit.tell("hook_enabled_now")
            return Go(visit.url("webhooks.one", id=id))

    def add_secret(self) -> None:
        @self.area.post("/webhooks/<id>/rotate", role="owner")
        def rotate(visit: Visit, id: str) -> Page:
            webhook = self._found(visit, id)
            made = self.hooks.webhooks.rotate(webhook.id)
            if made is None:
                abort(404)
            visit.audit("webhook.rotate", webhook.id)
            # Shown by the answer itself: a secret is kept nowhere, also not for the next page.
            return self._page(visit, made.webhook, secret=made.secret)

    def add_resending(self) -> None:
        deliveries, publisher = self.hooks.deliveries, self.hooks.publisher

        @self.area.post("/webhooks/<id>/test", role="operator")
        def test(visit: Visit, id: str) -> Go:
            webhook = self._found(visit, id)
            account = webhook.account or visit.account
            with deliveries.engine.begin() as connection:
                sent = publisher.publish_test(connection, webhook, account, is_queued=True)
            visit.audit("webhook.test", webhook.id)
            visit.tell("hook_tested")
            return Go(visit.url("webhooks.delivery", id=id, delivery=sent.hex()))

        @self.area.post("/webhooks/<id>/resend-dead", role="operator")
        def resend_dead(visit: Visit, id: str) -> Go:
            webhook = self._found(visit, id)
            try:
                count = deliveries.resend_dead(webhook.id)
            except WebhookError:
                visit.tell("hook_is_disabled", tone="warn")
                return Go(visit.url("webhooks.one", id=id))
            visit.audit("webhook.resend_dead", webhook.id, count=count)
            visit.tell("hook_resent_dead", count)
            return Go(visit.url("webhooks.one", id=id))

        @self.area.post("/webhooks/<id>/<delivery>/resend", role="operator")
        def resend(visit: Visit, id: str, delivery: str) -> Go:
            found = self._delivery(self._found(visit, id), delivery)
            try:
                if deliveries.resend(found.id):
                    visit.audit("webhook.resend", id, delivery=found.id.hex())
                    visit.tell("hook_resent")
                else:
                    visit.tell("hook_not_resent", tone="warn")
            except WebhookError:
                visit.tell("hook_is_disabled", tone="warn")
            return Go(visit.url("webhooks.delivery", id=id, delivery=delivery))

    def _page(self, visit: Visit, webhook: Webhook, *, secret: str = "") -> Page:
        place, state = asked_place(visit), asked_choice("state", STATES)
        found = self.hooks.deliveries.page(webhook.id, state=state or None, after=place, limit=_ON_PAGE)
        last = self.hooks.deliveries.last_attempts([each.id for each in found.deliveries])
        return Page(
            "admin/webhook.html",
            title=webhook.description or webhook.id,
            webhook=webhook,
            place=place_of(webhook),
            secret=secret,
            can_sign=bool(self.hooks.webhooks.keys_of(webhook.id)),
            tally=self.hooks.deliveries.open_tally(webhook.id),
            deliveries=[{"delivery": each, "last": last.get(each.id)} for each in found.deliveries],
            older=cursor_of(found.after),
            is_later=place is not None,
            here=partial(visit.url, "webhooks.one", id=webhook.id, state=state or None),
            state=state,
            states=STATES,
        )

    def _found(self, visit: Visit, id: str) -> Webhook:
        # A text with a NUL cannot be asked for everywhere.
        webhook = self.hooks.webhooks.find(id) if id.isprintable() else None
        if webhook is None or not _is_seen(visit, webhook):
            abort(404)
        return webhook

    def _delivery(self, webhook: Webhook, id: str) -> Delivery:
        found = self.hooks.deliveries.find(id_of(id))
        if found is None or found.webhook != webhook.id:
            abort(404)
        return found


def place_of(webhook: Webhook) -> str:
    """Return where a webhook leads without what the site may have put into its address as a secret."""
    parts = urlsplit(webhook.url)
    host = parts.hostname or ""
    place = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}"
    place += f":{parts.port}" if parts.port else ""
    first = parts.path.split("/")[1] if "/" in parts.path else ""
    return f"{place}/…" if first or parts.query else place


def _is_seen(visit: Visit, webhook: Webhook) -> bool:
    return webhook.account in (None, visit.account) or webhook.account not in visit.accounts
