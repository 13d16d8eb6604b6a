"""What Prometheus is told: counted here by those to whom it happens, right with any number of processes.

With PROMETHEUS_MULTIPROC_DIR, which gunicorn.conf.py sets, each process counts in files of that folder and
any of them tells the sum; without it, a process tells of itself.
"""

import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

# Chosen when prometheus_client is imported; the folder must be there by then.
_FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
if _FOLDER:
    Path(_FOLDER).mkdir(parents=True, exist_ok=True)

from prometheus_client import (  # noqa: E402
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector  # noqa: E402

CONTENT_TYPE = CONTENT_TYPE_LATEST
_MOST_REASONS = 100
# The deadline is at 3 s, the answer leaves within 4.3, and WeChat gives up after 5.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4.3, 5)

_own = CollectorRegistry()
CALLBACK_SECONDS = Histogram(
    "wxbot_callback_seconds",
    "Time from a callback's arrival to its answer, by what became of the event.",
    ["outcome"],
    buckets=_BUCKETS,
    registry=_own,
)
DEADLINES_MISSED = Counter(
    "wxbot_deadlines_missed", "Events whose handler was not done at the deadline.", registry=_own
)
REPEATS = Counter("wxbot_repeats_answered", "Deliveries that got a recorded reply.", registry=_own)
FALLBACKS = Counter(
    "wxbot_fallbacks", "Replies given in place of a handler's, by the reason.", ["reason"], registry=_own
)
REFUSALS = Counter(
    "wxbot_callbacks_refused", "Callbacks that were not answered, by the reason.", ["reason"], registry=_own
)
CLAIMS = Counter(
    "wxbot_claims", "Attempts to claim with a one-time code, by their outcome.", ["outcome"], registry=_own
)
GUESSERS = Counter("wxbot_claim_guessers", "Alerts about people who missed many claims.", registry=_own)
STUCK_HANDLERS = Gauge(
    "wxbot_stuck_handlers",
    "Threads lost to handlers that do not return.",
    registry=_own,
    multiprocess_mode="livesum",
)

# On the way to every answer, and looking for the labels takes longer than counting.
_callback_seconds = cache(CALLBACK_SECONDS.labels)
_lock = Lock()
_reasons: set[str] = set()


class Reading(NamedTuple):
    """One value that is looked up when it is asked for, as in `wxbot_jobs{state="dead"} 3`."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


def answered(outcome: str, seconds: float) -> None:
    """Count an answered callback: `outcome` is a Status, or repeat, spooled."""
    _callback_seconds(outcome).observe(seconds)


def deadline_missed() -> None:
    """Count an event whose handler was not done at the deadline."""
    DEADLINES_MISSED.inc()


def repeat() -> None:
    """Count a delivery that got a recorded reply."""
    REPEATS.inc()


def fallback(reason: str) -> None:
    """Count a reply in place of a handler's; `reason` is a word such as unmatched, failed or breaker."""
    FALLBACKS.labels(_known(reason)).inc()


def refused(reason: str) -> None:
    """Count a callback that was not answered; `reason` is a slug whose part after a colon is dropped."""
    REFUSALS.labels(_known(reason.partition(":")[0])).inc()


def claim(outcome: str) -> None:
    """Count an attempt to claim with a one-time code; `outcome` is one of wxbot/bindings/claim.py."""
    CLAIMS.labels(outcome).inc()


def guesser() -> None:
    """Count an alert about somebody who missed many claims."""
    GUESSERS.inc()


def stuck_handlers(count: int) -> None:
    """Tell how many threads of this process are lost to handlers that do not return."""
    STUCK_HANDLERS.set(count)


def exposition(look_up: Callable[[], Iterable[Reading]] = tuple) -> bytes:
    """Return all counts, and the readings of `look_up`, in Prometheus' text format."""
    registry = CollectorRegistry()
    if _FOLDER:
        MultiProcessCollector(registry, path=_FOLDER)  # type: ignore[no-untyped-call]
    else:
        registry.register(_own)
    registry.register(_LookedUp(look_up))
    return generate_latest(registry)


def all_stuck_handlers(here: int) -> int:
    """Return how many threads of all processes are lost; `here`, those of this one, may not be told yet."""
    files = [str(file) for file in Path(_FOLDER).glob("gauge_livesum_*.db")] if _FOLDER else []
    try:
        told = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    except Exception:  # a process that starts has a file without its beginning
        return here
    samples = (sample for metric in told for sample in metric.samples)
    return max(here, int(sum(each.value for each in samples if each.name == "wxbot_stuck_handlers")))


class _LookedUp:
    def __init__(self, look_up: Callable[[], Iterable[Reading]]) -> None:
        self._look_up = look_up

    def collect(self) -> Iterable[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self._look_up():
            names, values = [name for name, _ in reading.labels], [value for _, value in reading.labels]
            if reading.name not in families:
                families[reading.name] = GaugeMetricFamily(reading.name, reading.help, labels=names)
            families[reading.name].add_metric(values, reading.value)
        return families.values()


def _known(reason: str) -> str:
    """Keep the number of series within bounds, whatever somebody makes a reason of."""
    with _lock:
        if reason not in _reasons and len(_reasons) >= _MOST_REASONS:
            return "other"
        _reasons.add(reason)
        return reason
