"""Every case of the tables in every mode under gunicorn: refusals alike, no handler run, nothing written."""

import os
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tests.hostile import connections, documents, mutating, speakers
from tests.hostile.case import ALL
from tests.hostile.conftest import Site
from tests.hostile.forging import Request

IS_LONG = bool(os.environ.get("WXBOT_LONG"))
FLOOD = 1_000_000 if IS_LONG else 300
WORST_SECONDS = 0.1
GROWTH_KB = 10 * 1024

CASES = [*speakers.cases(), *documents.cases()]


def test_table_names_each_case_once() -> None:
    titles = [(mode, case.title) for case in CASES for mode in case.modes]

    assert len(titles) == len(set(titles)) > 600
    assert {mode for mode, _ in titles} == set(ALL)


def test_hostile_request_ends_as_the_table_says(site: Site) -> None:
    faults = site.judge.faults(CASES)

    assert not faults, "\n".join(faults)


def test_broken_http_reaches_nobody(site: Site) -> None:
    judge = site.judge
    runs, rows = judge.runs(), judge.rows()

    answered = {
        name: connections.status_of(site.web.port, request)
        for name, request in connections.requests(judge.forger)
    }

    assert {name: status for name, status in answered.items() if status and not 400 <= status < 502} == {}
    assert (judge.runs(), judge.rows()) == (runs, rows)
    assert site.target.send(judge.forger.genuine()).status == 200


def test_log_contains_no_signature_and_no_traceback(site: Site) -> None:
    site.judge.forger.captured()
    genuine = site.judge.forger.genuine()
    site.target.send(replace(genuine, query=genuine.query.replace(b"signature=", b"signature=0")))

    log = logged(site.web.log, "was refused: ")

    assert not re.findall("[0-9a-f]{40}|Traceback|oHostile", log)


def logged(log: Path, words: str) -> str:
    """Return the log as soon as it has these words: a thread writes it, after the answer."""
    give_up_at = time.monotonic() + 20
    while words not in (said := log.read_text(errors="replace")):
        assert time.monotonic() < give_up_at, said
        time.sleep(0.05)
    return said


def test_damaged_documents_get_an_answer_or_a_refusal(site: Site) -> None:
    statuses = flood(site, mutating.authenticated(site.judge.forger, FLOOD, seed=1))

    # Where WeChat alone can have encrypted it, what is no XML is kept.
    assert set(statuses) - {403} == {200}, statuses
    assert 403 in statuses or site.judge.forger.is_encrypted, statuses


def test_damaged_requests_of_strangers_are_refused_alike(site: Site) -> None:
    judge = site.judge
    runs, rows = judge.runs(), judge.rows()

    statuses = flood(site, mutating.unauthenticated(judge.forger, FLOOD, seed=2))

    assert set(statuses) == {403}, statuses
    assert (judge.runs(), judge.rows()) == (runs, rows)


def flood(site: Site, requests: Iterable[Request]) -> Counter[int]:
    """Send the requests one after another and count the statuses; none may be empty.

    In the long form none may take long, and the process may not grow.
    """
    statuses: Counter[int] = Counter()
    (worker,) = site.web.children()
    worst, before = 0.0, memory_kb(worker)
    for request in requests:
        started = time.monotonic()
        answer = site.target.send(request)
        worst = max(worst, time.monotonic() - started)
        statuses[answer.status] += 1
        assert answer.body, request
    growth = memory_kb(worker) - before
    if IS_LONG:
        assert worst < WORST_SECONDS and growth < GROWTH_KB, f"{worst:.3f} s, {growth} kB"
    return statuses


def memory_kb(pid: int) -> int:
    """Return how much memory a process has to itself."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
