"""How a case is judged: the answer, what ran, what was written."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from sqlalchemy import Engine, func, literal, select, union_all

from tests.hostile.case import Case, End
from tests.hostile.forging import Answer, Forger
from tests.hostile.handlers.counted import RUNS
from wxbot.db import models

_ENCRYPTED = re.compile(rb"<Encrypt><!\[CDATA\[([^\]]+)\]\]></Encrypt>")
# What a signature that was accepted leaves, whether its event was new or not.
_SIGNATURES = "signatures"


@dataclass
class Judge:
    """Sends the cases to one bot and says which did not end as they must."""

    forger: Forger
    engine: Engine
    folder: Path

    def faults(
        self, cases: Iterable[Case], *, until: Callable[[list[str]], bool] = lambda _: False
    ) -> list[str]:
        """Return a line for everything that is wrong, from all cases of this mode, or the first of them."""
        found: list[str] = []
        for case in cases:
            if self.forger.mode in case.modes:
                found += [f"{case.title}: {fault}" for fault in self._judged(case)]
            if until(found):
                break
        return found

    @cached_property
    def refusal(self) -> Answer:
        """The one refusal that all others must equal, to the last header."""
        return self.forger.target.send(
            self.forger.genuine().changed(signature="0" * 40, msg_signature="0" * 40)
        )

    def runs(self) -> int:
        """Return how often any handler was called."""
        log = self.folder / RUNS
        return log.read_text().count("\n") if log.exists() else 0

    def rows(self) -> dict[str, int]:
        """Return the number of rows of every table."""
        counts = [
            select(literal(name), func.count()).select_from(table)
            for name, table in models.metadata.tables.items()
        ]
        with self.engine.connect() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(union_all(*counts))}

    def _judged(self, case: Case) -> list[str]:
        refusal = self.refusal
        request = case.build(self.forger)
        runs, rows = self.runs(), self.rows()
        answer = self.forger.target.send(request)
        after = self.rows()
        new = {name: count - rows[name] for name, count in after.items() if count != rows[name]}
        ran = self.runs() - runs
        return [
            fault
            for fault in (
                self._of_answer(case, answer, refusal),
                "" if ran == (case.end is End.ANSWERED) else f"{ran} runs",
                self._of_rows(case, new),
                "" if case.end is not End.ANSWERED else self._of_reply(answer),
            )
            if fault
        ]

    def _of_answer(self, case: Case, answer: Answer, refusal: Answer) -> str:
        status, body = case.end.value
        if answer.status != status:
            return f"status {answer.status} instead of {status}"
        if not answer.body or (body and answer.body != body and case.end is not End.NOT_ALLOWED):
            return f"answered {answer.body[:80]!r}"
        if answer.headers.get("x-content-type-options") != "nosniff" and status in (200, 403):
            return "no nosniff"
        if case.end is End.REFUSED and answer != refusal:
            return f"refused in another way: {answer.headers} instead of {refusal.headers}"
        return ""

    def _of_rows(self, case: Case, new: dict[str, int]) -> str:
        expected: set[str] = set()
        if case.end is End.ANSWERED:
            return "" if new.get("events") == 1 else f"new rows: {new}"
        if case.end is End.KEPT:
            expected = {"events"} if self.forger.mode == "safe" else {"events", _SIGNATURES}
        return "" if set(new) == expected and set(new.values()) <= {1} else f"new rows: {new}"

    def _of_reply(self, answer: Answer) -> str:
        """Read the reply as a strict reader does: each element once, addressed to who has asked."""
        body = answer.body
        if self.forger.mode == "safe":
            found = _ENCRYPTED.search(body)
            if found is None:
                return "the reply is not encrypted"
            body = self.forger.sender.cipher.decrypt(found[1].decode())
        try:
            reply = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            return f"the reply is not well-formed: {error}"
        names = [each.tag for each in reply]
        if sorted(names) != sorted(("ToUserName", "FromUserName", "CreateTime", "MsgType", "Content")):
            return f"the reply has the elements {names}"
        fields = {each.tag: each.text or "" for each in reply}
        if not fields["ToUserName"].startswith("oHostile"):
            return "the reply goes to somebody else"
        too_long = len(fields["Content"].encode()) > 2048
        if not fields["Content"].strip() or too_long or "evil" in fields["Content"]:
            return f"the reply says {fields['Content'][:60]!r}"
        return ""
