"""Handlers that answer, write, sleep and hang."""

import os
import secrets
import threading
import time

from sqlalchemy import text
from sqlalchemy.orm import Session

from wxbot import Defer, Plugin, Scan
from wxbot.wechat.api import ApiClient

RUNS = "runs.log"
_LATE_SECONDS = 0.8

faults = Plugin("faults")


@faults.scene("light:<int:number>")
def light(scan: Scan, number: int) -> str:
    """Answer without touching anything."""
    return f"light {number} {secrets.token_hex(4)}"


@faults.scene("write:<int:number>")
def write(scan: Scan, session: Session, number: int) -> str:
    """Answer and leave an effect through the session."""
    leave_effect(scan, session)
    return f"written {number} {secrets.token_hex(4)}"


@faults.scene("marked:<int:number>")
def marked(scan: Scan, number: int) -> str:
    """Answer with a mark that can be found in a file."""
    return f"mark-{number:06}-{secrets.token_hex(4)}"


@faults.scene("marked-write:<int:number>")
def marked_write(scan: Scan, session: Session, number: int) -> str:
    """Leave an effect and answer with a mark."""
    leave_effect(scan, session)
    return f"mark-{number:06}-{secrets.token_hex(4)}"


@faults.scene("slow:<int:milliseconds>:<int:number>")
def slow(scan: Scan, session: Session, milliseconds: int, number: int) -> str:
    """Take a while, write, answer; each run leaves a line in a file."""
    note_run(scan)
    time.sleep(milliseconds / 1000)
    leave_effect(scan, session)
    return f"written {number} {secrets.token_hex(4)}"


@faults.scene("idle:<int:milliseconds>:<int:number>")
def idle(scan: Scan, milliseconds: int, number: int) -> str:
    """Take a while and write nothing; each run leaves a line in a file."""
    note_run(scan)
    time.sleep(milliseconds / 1000)
    return f"light {number} {secrets.token_hex(4)}"


@faults.scene("greedy:<int:seconds>:<int:number>")
def greedy(scan: Scan, session: Session, seconds: int, number: int) -> str:
    """Write first and sleep afterwards, with the database's lock in hand."""
    leave_effect(scan, session)
    time.sleep(seconds)
    return f"written {number} {secrets.token_hex(4)}"


@faults.scene("hang:<int:number>")
def hang(scan: Scan, number: int) -> str:
    """Never return."""
    threading.Event().wait()
    return f"light {number}"


@faults.scene("ordered:<int:number>")
def ordered(scan: Scan, session: Session, defer: Defer, number: int) -> str:
    """Leave an effect, and a job that leaves another one."""
    leave_effect(scan, session)
    defer(leave_one_later, scene=scan.scene)
    return f"written {number} {secrets.token_hex(4)}"


@faults.scene("point:<place>:<int:number>")
def point(scan: Scan, session: Session, defer: Defer, place: str, number: int) -> str:
    """As `ordered`; the place is where a process is to die (bench/faults/points.py)."""
    return ordered(scan, session, defer, number)


@faults.scene("slowpoint:<place>:<int:number>")
def slow_point(scan: Scan, session: Session, defer: Defer, place: str, number: int) -> str:
    """As `point`, but not in time."""
    time.sleep(_LATE_SECONDS)
    return ordered(scan, session, defer, number)


@faults.scene("lightpoint:<place>:<int:number>")
def light_point(scan: Scan, place: str, number: int) -> str:
    """As `light`; the place is where a process is to die."""
    return f"light {number} {secrets.token_hex(4)}"


@faults.scene("patient:<int:milliseconds>:<int:number>", interim="a moment")
def patient(scan: Scan, session: Session, milliseconds: int, number: int) -> str:
    """As `slow`, with a text for who has to wait."""
    return slow(scan, session, milliseconds, number)


@faults.job
def leave_one_later(scene: str, session: Session, key: str) -> None:
    """Leave an effect under a name of its own."""
    write_effect(session, key, f"job {scene}")


@faults.job(attempts=100)
def again(number: int, session: Session, key: str, wechat: ApiClient) -> None:
    """Make a call that can be told apart by its key, and leave an effect."""
    wechat.rename_tag(number, f"again {key} {os.getpid()}")
    write_effect(session, key, f"again:{number}")


@faults.job(idempotent=False)
def once(number: int, key: str, wechat: ApiClient) -> None:
    """Make a call that must not be repeated blindly."""
    wechat.rename_tag(number, f"once {key} {os.getpid()}")


@faults.job
def lengthy(number: int, session: Session, key: str) -> None:
    """Take a while, then leave an effect."""
    note("lengthy")
    time.sleep(8)  # as long as the handler that is frozen together with it
    write_effect(session, key, f"lengthy:{number}")


def leave_effect(scan: Scan, session: Session) -> None:
    """Write a row that would be there twice after two runs."""
    write_effect(session, scan.key, scan.scene)


def write_effect(session: Session, key: str, scene: str) -> None:
    """Write a row of a scan or of a job."""
    row = {"scan_key": key, "scene": scene, "process": os.getpid()}
    session.execute(text("INSERT INTO effects VALUES (:scan_key, :scene, :process)"), row)


def note_run(scan: Scan) -> None:
    """Leave a line about a run."""
    note(scan.scene)


def note(what: str) -> None:
    """Leave a line that no rollback takes back; a short append is never torn."""
    line = f"{what} {os.getpid()}\n".encode()
    file = os.open(RUNS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)
