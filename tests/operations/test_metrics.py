"""Counts in Prometheus' words, of one process and of several."""

import os
import subprocess
import sys
from pathlib import Path

from wxbot import metrics
from wxbot.metrics import Reading

COUNTING = """
metrics.answered("handled", 0.02)
metrics.repeat()
metrics.deadline_missed()
metrics.fallback("failed")
metrics.refused("unreadable-body:OSError")
metrics.stuck_handlers(2)
"""


def tell(script: str, folder: Path | None = None) -> str:
    """Let a process count; return what it tells."""
    environment = {name: value for name, value in os.environ.items() if "PROMETHEUS" not in name}
    if folder is not None:
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    whole = f"from wxbot import metrics\n{script}\nprint(metrics.exposition().decode())"
    command = [sys.executable, "-c", whole]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_one_process_tells_of_itself() -> None:
    told = tell(COUNTING)

    for line in (
        'wxbot_callback_seconds_count{outcome="handled"} 1.0',
        'wxbot_callback_seconds_bucket{le="0.025",outcome="handled"} 1.0',
        'wxbot_callback_seconds_bucket{le="0.01",outcome="handled"} 0.0',
        "wxbot_repeats_answered_total 1.0",
        "wxbot_deadlines_missed_total 1.0",
        'wxbot_fallbacks_total{reason="failed"} 1.0',
        'wxbot_callbacks_refused_total{reason="unreadable-body"} 1.0',
        "wxbot_stuck_handlers 2.0",
    ):
        assert line in told.splitlines()


def test_several_processes_tell_their_sum(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "at first use"

    told = [tell(COUNTING, folder) for _ in range(3)]

    assert 'wxbot_callback_seconds_count{outcome="handled"} 3.0' in told[-1].splitlines()
    assert "wxbot_repeats_answered_total 3.0" in told[-1].splitlines()


ASKING = "metrics.stuck_handlers({told}); print('in all', metrics.all_stuck_handlers({here}))"


def test_handlers_that_hang_in_other_processes_are_counted_as_in_the_metric(tmp_path: Path) -> None:
    alone = tell(ASKING.format(told=1, here=1))
    first = tell(ASKING.format(told=2, here=2), tmp_path)
    second = tell(ASKING.format(told=1, here=1), tmp_path)

    assert [told.splitlines()[0] for told in (alone, first, second)] == ["in all 1", "in all 2", "in all 3"]
    assert "wxbot_stuck_handlers 3.0" in second


def test_process_that_just_starts_keeps_nobody_from_telling_of_himself(tmp_path: Path) -> None:
    (tmp_path / "gauge_livesum_1.db").touch()

    script = "print('in all', metrics.all_stuck_handlers(1)); metrics.exposition = lambda: b''"

    assert tell(script, tmp_path).startswith("in all 1")


def test_readings_are_looked_up_when_asked_for() -> None:
    readings = [
        Reading("wxbot_jobs", "Jobs by state.", 3, (("state", "dead"),)),
        Reading("wxbot_jobs", "Jobs by state.", 4, (("state", "waiting"),)),
        Reading("wxbot_spool_bytes", "Waiting.", 0),
    ]

    told = metrics.exposition(lambda: readings).decode()

    assert 'wxbot_jobs{state="dead"} 3.0' in told and 'wxbot_jobs{state="waiting"} 4.0' in told
    assert told.count("# TYPE wxbot_jobs gauge") == 1 and "wxbot_spool_bytes 0.0" in told


def test_reasons_without_end_end_as_other() -> None:
    told = tell("for number in range(300): metrics.refused(f'reason {number}')")

    assert told.count("wxbot_callbacks_refused_total{") == 101
    assert 'wxbot_callbacks_refused_total{reason="other"} 200.0' in told
