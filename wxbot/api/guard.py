"""What stands in front of every route of the API: keys and what they may do, repeats, the shape of errors."""

import json
import logging
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from flask import Response, current_app, g, request
from flask_openapi import APIBlueprint, Tag
from flask_openapi.models import Parameter
from flask_openapi.types import ResponseDict
from flask_openapi.utils import parse_rule
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from wxbot import clock
from wxbot.api.application import KEY_SCHEME
from wxbot.api.idempotency import Answer, Attempt, Book, MismatchError, StillRunningError, asked, canonical
from wxbot.api.keys import SCOPES, ApiKey, Keys
from wxbot.api.problems import Code, ProblemError, documented, from_wxbot, problem
from wxbot.db.patience import patiently
from wxbot.errors import WxbotError
from wxbot.web.accounts import account_meant

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
# A request must not keep its thread for longer: others need it.
_PATIENCE_SECONDS = 5.0
_IDEMPOTENCY_KEY = re.compile("[!-~]{1,255}")

Result = TypeVar("Result")
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What all parts of the API are guarded with.

    `is_describing`: the routes are there to be described, not to be served. Their schemas take longer to make
    than all the rest of an application, and few ever ask for them.
    """

    engine: Engine
    keys: Keys
    repeats: Book
    accounts: Collection[str]
    now: Callable[[], datetime] = clock.now
    is_describing: bool = False


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sends the request under way. `accounts` are those that the key may see."""

    key: ApiKey
    accounts: tuple[str, ...]

    def account(self, asked_for: str | None) -> str:
        """Return the account that is meant: the one named, the only one, or `default`.

        Raises ProblemError 404, the same for an account of others and for one that there is not.
        """
        name = account_meant(asked_for, self.accounts)
        if name is None:
            raise ProblemError(404, "no_account", "there is no such account; say which with `account`")
        return name

    def accounts_for(self, asked_for: str | None) -> tuple[str, ...]:
        """Return the accounts to look in: the one named, otherwise all that the key may see."""
        return self.accounts if asked_for is None else (self.account(asked_for),)

    def may(self, scope: str) -> bool:
        """Say whether the key has a scope."""
        return self.key.may(scope)


def caller() -> Caller:
    """Return who sends the request under way; only in a view of a guarded API."""
    found: Caller = g.api_caller
    return found


def attempt() -> Attempt | None:
    """Return the attempt at a request with an Idempotency-Key; None for a request without one."""
    found: Attempt | None = g.get("api_attempt")
    return found


class GuardedApi:
    """Routes of one resource. `blueprint` is what the application registers with `register_api`."""

    def __init__(self, blueprint: APIBlueprint, guard: Guard) -> None:
        self.blueprint = blueprint
        self._guard = guard
        self._scopes: dict[str, str] = {}

    def get(self, rule: str, *, scope: str, responses: ResponseDict) -> Callable[[View], View]:
        """Add a GET; `scope` is what a key needs for it. As all others: below `/api/v1`."""
        return self._route("get", rule, scope=scope, responses=responses)

    def post(self, rule: str, *, scope: str, responses: ResponseDict) -> Callable[[View], View]:
        """Add a POST, which is carried out once for each Idempotency-Key.

        What it writes belongs into `commit`: the answer is then kept in the same transaction. A view that
        only calls others (WeChat) may be begun again after a crash.
        """
        return self._route("post", rule, scope=scope, responses={**documented(409), **responses})

    def put(self, rule: str, *, scope: str, responses: ResponseDict) -> Callable[[View], View]:
        """Add a PUT."""
        return self._route("put", rule, scope=scope, responses={**documented(409), **responses})

    def patch(self, rule: str, *, scope: str, responses: ResponseDict) -> Callable[[View], View]:
        """Add a PATCH."""
        return self._route("patch", rule, scope=scope, responses={**documented(409), **responses})

    def delete(self, rule: str, *, scope: str, responses: ResponseDict) -> Callable[[View], View]:
        """Add a DELETE."""
        return self._route("delete", rule, scope=scope, responses=responses)

    def commit(self, work: Callable[[Connection], object], *, status: int = 200) -> Response:
        """Run `work` in one transaction and answer with what it returns, as JSON.

        With an Idempotency-Key the answer is kept in that transaction. `work` may run several times; only
        what its last run wrote counts.
        """
        under_way = attempt()

        def whole(connection: Connection) -> Answer:
            answer = Answer(status=status, text=json.dumps(work(connection)))
            if under_way is not None:
                under_way.finish(connection, answer)
            return answer

        answer = patiently(self._guard.engine, whole, seconds=_PATIENCE_SECONDS)
        if under_way is not None:
            under_way.is_finished = True
        return _response(answer)

    def transact(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in a transaction of its own, as `commit` does, and return what it returns."""
        return patiently(self._guard.engine, work, seconds=_PATIENCE_SECONDS)

    def check(self) -> Response | None:
        """Refuse a request without a key, or with one that may not do this."""
        request.max_content_length = LARGEST_BODY
        sent = request.authorization
        key = None
        if sent is not None and sent.type == "bearer":
            key = self._guard.keys.verify(sent.token or "")
        if key is None:
            return problem(
                401,
                "no_key",
                "send an API key that works, as `Authorization: Bearer wxb_…`; "
                "`wxbot api-key create` makes one",
                headers={"WWW-Authenticate": 'Bearer realm="wxbot"'},
            )
        # Of a body that does not tell its length Werkzeug reads the first part, and drops the rest.
        if request.content_length is None and len(request.get_data()) == LARGEST_BODY:
            raise RequestEntityTooLarge
        scope = self._scopes[(request.endpoint or "").rpartition(".")[2]]
        if not key.may(scope):
            detail = f"this needs a key with the scope {scope}; `wxbot api-key create NAME --scope {scope}`"
            return problem(403, "scope", detail)
        known = self._guard.accounts
        accounts = known if key.accounts is None else [name for name in known if name in key.accounts]
        g.api_caller = Caller(key=key, accounts=tuple(accounts))
        return None

    def _route(
        self, method: str, rule: str, *, scope: str, responses: ResponseDict
    ) -> Callable[[View], View]:
        assert scope in SCOPES, scope

        def add(view: View) -> View:
            name = view.__name__
            assert name not in self._scopes, name
            self._scopes[name] = scope
            described = getattr(self.blueprint, method)(
                rule,
                responses=responses,
                operation_id=f"{self.blueprint.name}_{name}",
                security=[{KEY_SCHEME: [scope]}],
            )
            described(self._once(view) if method == "post" else view)
            if method == "post" and self._guard.is_describing:
                self._describe_key(rule)
            return view

        return add

    def _once(self, view: View) -> Callable[..., Any]:
        @wraps(view)
        def once(**parsed: Any) -> Any:
            sent = request.headers.get("Idempotency-Key")
            if sent is None:
                return view(**parsed)
            begun = self._begin(sent)
            if isinstance(begun, Answer):
                replayed = _response(begun)
                replayed.headers["Idempotent-Replayed"] = "true"
                return replayed
            g.api_attempt = begun
            try:
                response = current_app.make_response(view(**parsed))
                if response.status_code < 400 and not begun.is_finished:
                    begun.finish_alone(Answer(status=response.status_code, text=response.get_data(True)))
                return response
            finally:
                if not begun.is_finished:
                    # If it cannot be told, the request waits until it counts as lost.
                    with suppress(SQLAlchemyError):
                        begun.give_up()

        return once

    def _begin(self, sent: str) -> Attempt | Answer:
        if not _IDEMPOTENCY_KEY.fullmatch(sent):
            detail = "an Idempotency-Key has 1 to 255 visible ASCII characters"
            raise ProblemError(422, "bad_idempotency_key", detail)
        method, address = request.method.encode(), request.full_path.encode()
        return self._guard.repeats.begin(
            asked(caller().key.id, sent, method, address, canonical(request.get_data()))
        )

    def _describe_key(self, rule: str) -> None:
        """Add the header to the description; as a part of the view's arguments, every view would have it."""
        operation = self.blueprint.paths[parse_rule(rule, self.blueprint.url_prefix)].post
        schema = {"type": "string", "pattern": "^[!-~]{1,255}$"}
        header = {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A text of your own, new for each thing to be done: the same request with the "
            "same key is carried out once and gets the same answer, for a day.",
            "schema": schema,
        }
        operation.parameters = [*(operation.parameters or []), Parameter.model_validate(header)]


def guarded_api(
    name: str,
    guard: Guard,
    *,
    title: str,
    refusals: Mapping[type[WxbotError], tuple[int, Code]] | None = None,
) -> GuardedApi:
    """Return the routes of one resource, still empty: every route added needs a key with its scope.

    `title` is the heading in the description. `refusals` says with which status and code an error of one's
    own is answered; all others are, as problems.from_wxbot() says.
    """
    blueprint = APIBlueprint(
        name,
        __name__,
        url_prefix="/api/v1",
        abp_tags=[Tag(name=title)],
        abp_responses=documented(401, 403, 413, 422, 503),
        doc_ui=guard.is_describing,
    )
    api = GuardedApi(blueprint, guard)
    blueprint.before_request(api.check)

    @blueprint.after_request
    def keep_private(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    def not_done(error: WxbotError) -> Response:
        return _refused(error, refusals or {}) or from_wxbot(error, now=guard.now())

    blueprint.register_error_handler(WxbotError, not_done)
    blueprint.register_error_handler(SQLAlchemyError, _no_database)
    blueprint.register_error_handler(RecursionError, _too_deep)
    return api


def _refused(error: WxbotError, refusals: Mapping[type[WxbotError], tuple[int, Code]]) -> Response | None:
    for kind, (status, code) in refusals.items():
        if isinstance(error, kind):
            return problem(status, code, str(error))
    if isinstance(error, MismatchError):
        return problem(409, "idempotency_mismatch", str(error))
    if isinstance(error, StillRunningError):
        return problem(409, "idempotency_running", str(error), headers={"Retry-After": "1"})
    return None


def _no_database(error: SQLAlchemyError) -> Response:
    # Not its words: they quote what was written.
    log.error("%s %s: %s", request.method, request.url_rule, type(error).__name__)
    return problem(503, "database", "the database does not answer", headers={"Retry-After": "5"})


def _too_deep(_: RecursionError) -> Response:
    return problem(422, "invalid", "the JSON of the request is nested too deeply")


def _response(answer: Answer) -> Response:
    return Response(answer.text, status=answer.status, content_type="application/json")
