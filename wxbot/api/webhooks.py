"""`/api/v1/webhooks`: where the site is told what happens, and the log of what it was told."""

from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Response
from flask_openapi.types import ResponseDict
from sqlalchemy import Connection

from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.webhooks import (
    DeliveriesQuery,
    DeliveryLog,
    DeliveryPage,
    DeliveryPath,
    NewWebhook,
    ShownDelivery,
    ShownWebhook,
    TestSent,
    WantedSecret,
    WantedWebhook,
    WebhookChange,
    WebhookList,
    WebhookPath,
    WebhookState,
)
from wxbot.api.paging import next_of, row_place
from wxbot.api.problems import ProblemError, documented
from wxbot.clock import moment, moment_or_none
from wxbot.webhooks.deliveries import STATES, Attempt, Delivery
from wxbot.webhooks.parts import Hooks
from wxbot.webhooks.signing import message_id
from wxbot.webhooks.webhook import Draft, NewSecret, Webhook, WebhookError

Found = TypeVar("Found")

_BY_API = "disabled over the API"
_GONE: ResponseDict = {204: {"description": "There is no such webhook any more."}}


def webhooks_api(hooks: Hooks, guard: Guard) -> GuardedApi:
    """Return the routes of webhooks."""
    api = guarded_api("webhooks", guard, title="Webhooks", refusals={WebhookError: (409, "webhook_refused")})
    routes = _Routes(api, hooks)
    routes.add_making()
    routes.add_reading()
    routes.add_changing()
    routes.add_switching()
    routes.add_log()
    routes.add_resending()
    return api


def _seen() -> tuple[str, ...] | None:
    """Return the accounts that the key is limited to; None for one that may see all."""
    return None if caller().key.accounts is None else caller().accounts


@dataclass(frozen=True)
class _Routes:
    api: GuardedApi
    hooks: Hooks

    def add_making(self) -> None:
        webhooks = self.hooks.webhooks

        @self.api.post("/webhooks", scope="webhooks:write", responses={201: NewWebhook, **documented(404)})
        def make(body: WantedWebhook) -> Response:
            """Make a webhook.

            What happens from now on is sent there, signed with the secret in this answer, which is not shown
            again. Within five seconds every process of the bot knows of it.
            """
            named = body.account is not None or _seen() is not None
            draft = Draft(
                url=body.url,
                kinds=tuple(dict.fromkeys(str(each) for each in body.kinds)),
                account=caller().account(body.account) if named else None,
                description=body.description,
                made_by=caller().key.id,
            )
            return self.api.commit(
                lambda connection: _new(webhooks.add(draft, within=connection)), status=201
            )

        @self.api.post(
            "/webhooks/<id>/rotate", scope="webhooks:write", responses={200: NewWebhook, **documented(404)}
        )
        def rotate(path: WebhookPath, body: WantedSecret) -> Response:
            """Give a webhook a new secret.

            It is in this answer and not shown again. For a while both secrets sign, so that the site can
            change over without losing a message.
            """

            def work(connection: Connection) -> dict[str, Any]:
                made = webhooks.rotate(
                    path.id, overlap_seconds=body.overlap_seconds, accounts=_seen(), within=connection
                )
                return _new(_known(made))

            return self.api.commit(work)

    def add_reading(self) -> None:
        webhooks, deliveries = self.hooks.webhooks, self.hooks.deliveries

        @self.api.get("/webhooks", scope="webhooks:read", responses={200: WebhookList})
        def listed() -> dict[str, Any]:
            """List webhooks.

            All that the key may see, the oldest first, disabled ones as well.
            """
            return {"items": [each.shown() for each in webhooks.all(_seen())]}

        @self.api.get(
            "/webhooks/<id>", scope="webhooks:read", responses={200: WebhookState, **documented(404)}
        )
        def one(path: WebhookPath) -> dict[str, Any]:
            """Find a webhook, and see how it fares."""
            webhook = self._find(path.id)
            tally = deliveries.tally(webhook.id)
            counts = {state: tally.counts.get(state, 0) for state in STATES}
            return {
                **webhook.shown(),
                "deliveries": counts,
                "delivered_at": moment_or_none(tally.delivered_at),
            }

    def add_changing(self) -> None:
        webhooks = self.hooks.webhooks

        @self.api.patch(
            "/webhooks/<id>", scope="webhooks:write", responses={200: ShownWebhook, **documented(404, 409)}
        )
        def change(path: WebhookPath, body: WebhookChange) -> dict[str, Any]:
            """Change a webhook.

            What is left out stays. What waits to be delivered goes to the new address.
            """
            changed = webhooks.change(
                path.id,
                url=body.url,
                kinds=None if body.kinds is None else list(dict.fromkeys(str(each) for each in body.kinds)),
                description=body.description,
                accounts=_seen(),
            )
            return _known(changed).shown()

        @self.api.delete("/webhooks/<id>", scope="webhooks:write", responses={**_GONE, **documented(404)})
        def remove(path: WebhookPath) -> tuple[str, int]:
            """Remove a webhook.

            The log of its deliveries goes with it, and what waits is not sent.
            """
            if not webhooks.remove(path.id, accounts=_seen()):
                raise _not_found()
            return "", 204

    def add_switching(self) -> None:
        webhooks = self.hooks.webhooks
        responses: ResponseDict = {200: ShownWebhook, **documented(404)}

        @self.api.post("/webhooks/<id>/disable", scope="webhooks:write", responses=responses)
        def disable(path: WebhookPath) -> dict[str, Any]:
            """Tell a webhook nothing.

            What waits is put aside, and can be sent again.
            """
            return _known(webhooks.disable(path.id, _BY_API, accounts=_seen())).shown()

        @self.api.post("/webhooks/<id>/enable", scope="webhooks:write", responses=responses)
        def enable(path: WebhookPath) -> dict[str, Any]:
            """Tell a webhook again what happens.

            What was put aside meanwhile has to be sent again one by one, or with `wxbot webhooks resend`.
            """
            return _known(webhooks.enable(path.id, accounts=_seen())).shown()

        @self.api.post(
            "/webhooks/<id>/test", scope="webhooks:write", responses={202: TestSent, **documented(404)}
        )
        def test(path: WebhookPath) -> Response:
            """Send a test.

            A message of the kind `test` goes out once, whatever the webhook is told of otherwise.
            """
            webhook = self._find(path.id)
            account = webhook.account or caller().accounts[0]

            def work(connection: Connection) -> dict[str, Any]:
                id = self.hooks.publisher.publish_test(connection, webhook, account, is_queued=True)
                return {"delivery": id.hex()}

            return self.api.commit(work, status=202)

    def add_log(self) -> None:
        deliveries = self.hooks.deliveries

        @self.api.get(
            "/webhooks/<id>/deliveries",
            scope="webhooks:read",
            responses={200: DeliveryPage, **documented(404)},
        )
        def log(path: WebhookPath, query: DeliveriesQuery) -> dict[str, Any]:
            """List deliveries.

            The newest come first. What they say is not shown.
            """
            found = deliveries.page(
                self._find(path.id).id,
                state=query.state,
                after=row_place(query.after),
                limit=query.limit,
            )
            return {
                "items": [_shown_delivery(each) for each in found.deliveries],
                "next": next_of(found.after),
            }

        @self.api.get(
            "/webhooks/<id>/deliveries/<delivery>",
            scope="webhooks:read",
            responses={200: DeliveryLog, **documented(404)},
        )
        def delivery(path: DeliveryPath) -> dict[str, Any]:
            """Find a delivery, and all attempts at it."""
            found = self._delivery(path)
            tries = deliveries.attempts(found.id)
            return {**_shown_delivery(found), "log": [_shown_attempt(each) for each in tries]}

    def add_resending(self) -> None:
        deliveries = self.hooks.deliveries

        @self.api.post(
            "/webhooks/<id>/deliveries/<delivery>/resend",
            scope="webhooks:write",
            responses={202: ShownDelivery, **documented(404)},
        )
        def resend(path: DeliveryPath) -> tuple[dict[str, Any], int]:
            """Send once more.

            The same message under the same id, from now on with all attempts as if for the first time.
            """
            found = self._delivery(path)
            if not deliveries.resend(found.id):
                raise ProblemError(409, "delivery_under_way", "it is being sent at this moment")
            return _shown_delivery(self._delivery(path)), 202

    def _find(self, id: str) -> Webhook:
        return _known(self.hooks.webhooks.find(id, _seen()))

    def _delivery(self, path: DeliveryPath) -> Delivery:
        webhook = self._find(path.id)
        found = self.hooks.deliveries.find(bytes.fromhex(path.delivery))
        if found is None or found.webhook != webhook.id:
            raise ProblemError(404, "not_found", "there is no such delivery")
        return found


def _known(found: Found | None) -> Found:
    if found is None:
        raise _not_found()
    return found


def _not_found() -> ProblemError:
    return ProblemError(404, "not_found", "there is no such webhook")


def _new(made: NewSecret) -> dict[str, Any]:
    return {**made.webhook.shown(), "secret": made.secret}


def _shown_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id.hex(),
        "message_id": message_id(delivery.id),
        "webhook": delivery.webhook,
        "account": delivery.account,
        "kind": delivery.kind,
        "person": None if delivery.person is None else delivery.person.hex(),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": moment(delivery.created_at),
        "finished_at": moment_or_none(delivery.finished_at),
    }


def _shown_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "at": moment(attempt.at),
        "seconds": attempt.seconds,
        "status": attempt.status,
        "detail": attempt.detail,
    }
