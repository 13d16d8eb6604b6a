"""Compares what the platform was told with what is on record. It knows nothing of how wxbot works inside."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text

from bench.faults.platform import Sent

ZEROS = ("lost", "doubled", "missing", "changed", "empty", "unanswered", "rows_doubled")


@dataclass(frozen=True)
class Verdict:
    """What was counted, and one example of each thing that must not be."""

    counts: Mapping[str, int]
    examples: Mapping[str, str]

    @property
    def faults(self) -> dict[str, str]:
        """What must not be and is, with the count and an example."""
        return {
            name: f"{self.counts[name]}, such as {self.examples[name]}" for name in ZEROS if self.counts[name]
        }


def create_effects(engine: Engine) -> None:
    """Make the table the handlers write to; without a key, so that doubles show."""
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE effects (scan_key VARCHAR(64), scene VARCHAR(64), process INTEGER)")
        )


def judge(sent: Sequence[Sent], engine: Engine, *, with_kills: bool = False) -> Verdict:
    """Judge all scans of a run against the database, which nobody may be writing to any more.

    `with_kills`: who was cut off at all three attempts is counted, and no fault of the bot.
    """
    with engine.connect() as connection:
        rows = Counter(connection.execute(text("SELECT scene FROM events")).scalars())
        unfinished = connection.execute(
            text("SELECT count(*) FROM events WHERE state <> 'done'")
        ).scalar_one()
    written = effects(engine)
    found: dict[str, list[str]] = {name: [] for name in ZEROS}
    for one in sent:
        for name in _faults(one, rows=rows[one.scene], effects=written[one.scene]):
            if name == "unanswered" and with_kills and one.is_cut_off:
                continue
            found[name].append(_told(one, rows=rows[one.scene], effects=written[one.scene]))
    attempts = [attempt for one in sent for attempt in one.attempts]
    counts = {
        "scans": len(sent),
        "deliveries": len(attempts),
        "answered": sum(one.is_answered for one in sent),
        "repeats_compared": sum(len(one.replies) - 1 for one in sent if one.replies),
        "unfinished_rows": unfinished,
        "cut_off_each_time": sum(one.is_cut_off for one in sent),
        **{name: len(examples) for name, examples in found.items()},
        **{f"deliveries_{fault}": number for fault, number in faults_of(sent).items()},
    }
    return Verdict(counts, {name: examples[0] for name, examples in found.items() if examples})


def effects(engine: Engine) -> Counter[str]:
    """Count what the handlers wrote, by scene."""
    with engine.connect() as connection:
        return Counter(connection.execute(text("SELECT scene FROM effects")).scalars())


def faults_of(sent: Iterable[Sent]) -> Counter[str]:
    """Count the deliveries without a reply by what went wrong."""
    return Counter(attempt.fault for one in sent for attempt in one.attempts if attempt.fault)


def percentile(seconds: Iterable[float], share: float) -> float:
    """Return the value that this share of the values does not exceed; 0 of none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _faults(one: Sent, *, rows: int, effects: int) -> Iterable[str]:
    if one.replies and not rows:
        yield "lost"
    if rows > 1:
        yield "rows_doubled"
    if effects > 1:
        yield "doubled"
    # Who reads the handler's own words must find its work done.
    if any(reply.startswith("written") for reply in one.replies) and not effects:
        yield "missing"
    if len(set(one.replies)) > 1:
        yield "changed"
    if any(attempt.fault == "empty" for attempt in one.attempts):
        yield "empty"
    if not one.is_answered:
        yield "unanswered"


def _told(one: Sent, *, rows: int, effects: int) -> str:
    attempts = ", ".join(f"{each.reply or each.fault} in {each.seconds:.2f} s" for each in one.attempts)
    return f"{one.scene}: {rows} rows, {effects} effects, attempts: {attempts}"
