"""`/api/v1/messages`: service messages, sent by a job as soon as WeChat takes one."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from flask import Response
from sqlalchemy import Connection, RowMapping, select

from wxbot import followers
from wxbot.api.guard import Guard, GuardedApi, caller, guarded_api
from wxbot.api.models.fields import IdPath
from wxbot.api.models.people import MessageState, ShownMessage, ToOpenId, WantedMessage
from wxbot.api.paging import id_of
from wxbot.api.problems import ProblemError, documented
from wxbot.clock import moment, moment_or_none
from wxbot.db import models
from wxbot.db.models import jobs
from wxbot.events.followups import MESSAGE
from wxbot.jobs.outbox import Job, enqueue
from wxbot.wechat import replies
from wxbot.wechat.replies import Reply

_STATES = {
    "waiting": MessageState.WAITING,
    "running": MessageState.SENDING,
    "kept": MessageState.KEPT,
    "dead": MessageState.FAILED,
    "unknown": MessageState.UNKNOWN,
}


def messages_api(guard: Guard, *, tell: Callable[[Iterable[bytes]], object]) -> GuardedApi:
    """Return the routes of messages; `tell` lets workers know of new jobs."""
    api = guarded_api("messages", guard, title="Messages")

    @api.post("/messages", scope="messages:write", responses={202: ShownMessage, **documented(404)})
    def send(body: WantedMessage) -> Response:
        """Send a message.

        WeChat takes up to three within a minute after somebody follows, scans or taps, and five within 48
        hours after they wrote. Outside of that the message is kept and goes out at their next contact.
        """
        account = caller().account(body.account)
        if isinstance(body.to, ToOpenId):
            who = followers.person(account, body.to.openid)
        else:
            who = id_of(body.to.person)
        arguments = {"replies": [replies.to_data(_reply(body))]}
        job = Job(account=account, name=MESSAGE, arguments=arguments, person=who)

        def work(connection: Connection) -> dict[str, Any]:
            if not _is_reachable(connection, account, who):
                raise ProblemError(404, "not_found", "nobody of that name follows")
            enqueue(connection, [job])
            found = _found(connection, job.id)
            assert found is not None
            return _shown(found)

        response = api.commit(work, status=202)
        tell([job.id])
        return response

    @api.get("/messages/<id>", scope="messages:read", responses={200: ShownMessage, **documented(404)})
    def one(path: IdPath) -> dict[str, Any]:
        """Tell what became of a message."""
        with guard.engine.connect() as connection:
            found = _found(connection, id_of(path.id))
        if found is None or found["account"] not in caller().accounts:
            raise ProblemError(404, "not_found", "there is no such message")
        return _shown(found)

    return api


def _reply(body: WantedMessage) -> Reply:
    """Return the message as the value that is kept; what WeChat would not show is refused."""
    data = body.message.model_dump()
    try:
        reply = replies.from_data(data)
    except ValueError as error:
        raise ProblemError(422, "invalid", str(error)) from None
    if len(data.get("content", "").encode()) > replies.MAX_TEXT_BYTES:
        detail = (
            f"the text has more than {replies.MAX_TEXT_BYTES} bytes in UTF-8, which is all that WeChat shows"
        )
        raise ProblemError(422, "invalid", detail)
    return cast(Reply, reply)


def _is_reachable(connection: Connection, account: str, who: bytes) -> bool:
    table = models.followers.c
    known = select(table.person).where(
        table.account == account, table.person == who, table.openid.is_not(None)
    )
    return connection.execute(known).first() is not None


def _found(connection: Connection, id: bytes) -> RowMapping | None:
    query = select(jobs).where(jobs.c.id == id, jobs.c.name == MESSAGE)
    return connection.execute(query).mappings().first()


def _shown(row: RowMapping) -> dict[str, Any]:
    state = _STATES.get(row["state"])
    if state is None:
        state = MessageState.DROPPED if row["detail"] else MessageState.SENT
    return {
        "id": row["id"].hex(),
        "account": row["account"],
        "person": row["person"].hex(),
        "state": state.value,
        "detail": row["detail"] if state is not MessageState.SENT else None,
        "created_at": moment(row["created_at"]),
        "finished_at": moment_or_none(row["finished_at"]),
    }
