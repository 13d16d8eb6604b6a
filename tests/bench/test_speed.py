"""The benchmark measures what it says: every answer is looked at, and figures land where they belong."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import text

from bench import growth, slow_disk, steps
from bench.speed import plot, publish, report
from bench.speed.candidates import CANDIDATES
from bench.speed.load import Load, NoAnswerError
from bench.speed.machine import Watch, told
from bench.speed.pushes import GH_ID, REPLY, Supply, faults, sender
from bench.speed.rounds import Result, Round, Run, WrongAnswerError, unless_silent
from bench.speed.running import Running
from bench.speed.verdicts import TARGETS, Target, verdicts
from wxbot.wechat.signature import sign


def reply(openid: str, text: str = REPLY) -> str:
    return (
        f"<xml><ToUserName><![CDATA[{openid}]]></ToUserName><FromUserName>{GH_ID}</FromUserName>"
        f"<CreateTime>1</CreateTime><MsgType>text</MsgType><Content><![CDATA[{text}]]></Content></xml>"
    )


def answer(body: str, *, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}".encode()


def sealed(body: str) -> str:
    account = sender("safe")
    encrypted = account.cipher.encrypt(body.encode())
    signature = sign(account.token, "1", "2", encrypted)
    return (
        f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature>{signature}</MsgSignature>"
        "<TimeStamp>1</TimeStamp><Nonce>2</Nonce></xml>"
    )


@contextmanager
def echo() -> Iterator[int]:
    """Serve an address that sends back each request's first line, in two parts, and closes."""

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                line = connection.recv(65536).partition(b"\r\n")[0]
                connection.sendall(line[:3])
                connection.sendall(line[3:])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_every_answer_is_kept_beside_its_request() -> None:
    requests = [f"request {number}\r\n\r\n".encode() for number in range(40)]

    with echo() as port:
        served = Load(port, requests).deliver(connections=7)

    assert served.answers == [request.strip() for request in requests]
    assert len(served.latencies) == 40 and min(served.latencies) > 0


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_right_answers_have_no_fault(mode: str) -> None:
    supply = Supply(mode, "/wechat")  # type: ignore[arg-type]
    pushed = supply.make(2)
    bodies = [reply(push.openid) for push in pushed]

    answers = [answer(sealed(body) if mode == "safe" else body) for body in bodies]

    assert faults(answers, pushed, supply.sender, constant=False) == {}


def test_a_chunked_answer_is_put_together() -> None:
    supply = Supply("plain", "/wechat")
    pushed = supply.make(1)
    body = reply(pushed[0].openid).encode()
    chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (9, body[:9], len(body) - 9, body[9:])

    answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks]

    assert faults(answers, pushed, supply.sender, constant=False) == {}


def test_wrong_answers_are_found() -> None:
    supply = Supply("plain", "/wechat")
    pushed = supply.make(6)
    right = [answer(reply(push.openid)) for push in pushed]

    wrong = [
        right[0],
        answer(reply("somebody else")),
        answer(reply(pushed[2].openid, "?")),
        answer(reply(pushed[3].openid), status="500 Oh"),
        right[4][:-1],
        b"",
    ]

    found = faults(wrong, pushed, supply.sender, constant=False)
    assert {number: each.split(" (")[0] for number, each in found.items()} == {
        1: "ToUserName is somebody else",
        2: "Content is ?",
        3: "status",
        4: "length",
        5: "status",
    }


def test_an_answer_sealed_with_another_signature_is_found() -> None:
    supply = Supply("safe", "/wechat")
    pushed = supply.make(1)
    body = sealed(reply(pushed[0].openid)).replace("<Nonce>2<", "<Nonce>3<")

    found = faults([answer(body)], pushed, supply.sender, constant=False)

    assert [each.split(" (")[0] for each in found.values()] == ["MsgSignature"]


def test_requests_are_of_ever_new_people() -> None:
    supply = Supply("safe", "/wechat")

    people = [push.openid for push in supply.make(5) + supply.make(5)]

    assert len(set(people)) == 10


def test_candidates_have_names_of_their_own() -> None:
    names = [candidate.name for candidate in CANDIDATES]

    assert len(names) == len(set(names))
    assert {name for target in TARGETS for name in (target.name, target.base)} <= set(names)


def result(name: str, *rates: float) -> Result:
    candidate = next(each for each in CANDIDATES if each.name == name)
    rounds = [Round(rate=rate, cpu=0, database_cpu=0, own_cpu=0, latencies=[1.0]) for rate in rates]
    return Result(candidate, connections=16, start_seconds=1, rounds=rounds)


def test_a_target_is_judged_by_the_median_of_the_rounds_ratios() -> None:
    found = Run([result("textbook", 100, 200, 100), result("wxbot, SQLite", 90, 190, 300)], {})

    (verdict,) = verdicts(found, [Target("wxbot, SQLite", "textbook", 0.8, 1.0)])

    assert (verdict.ratio, verdict.ratios) == (0.95, [0.9, 0.95, 3.0])
    assert verdict.word == "floor"


@pytest.mark.parametrize(
    ("rates", "measured", "word"),
    [
        ((79.7, 79.7, 79.7), "0.79", "**below the floor**"),
        ((70, 79.7, 105), "0.79", "undecided"),
        ((79, 90, 95), "0.90", "undecided"),
        ((80, 80, 80), "0.80", "floor holds"),
        ((81, 99.99, 120), "0.99", "floor holds"),
        ((100, 100, 110), "1.00", "aim reached"),
    ],
)
def test_a_verdict_is_no_finer_than_the_rounds_and_fits_the_figure_beside_it(
    rates: tuple[float, ...], measured: str, word: str
) -> None:
    found = Run([result("textbook", 100, 100, 100), result("wxbot, SQLite", *rates)], {})

    (line,) = report.verdict_lines(
        verdicts(found, [Target("wxbot, SQLite", "textbook", 0.8, 1.0)]), Run([], {})
    )

    assert (line[1], line[-1]) == (measured, word)
    least, _, most = line[2].partition("–")
    assert float(least) <= float(measured) <= float(most)


def test_every_block_tells_when_what_and_beside_what_it_was_measured(tmp_path: Path) -> None:
    about = Watch(tmp_path).about()

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d, commit (unknown|[0-9a-f]{7,}(-dirty)?), \d+ cores, Python 3[\d.]+, "
        r"fsync \d+ µs \(p99 \d+\), load [\d.]+ before and [\d.]+ after, steal [\d.]+ %",
        told(about),
    )


def test_picture_and_tables_tell_the_same_ratios_each_mode_against_its_own_textbook() -> None:
    found = Run(
        [
            result("textbook", 100, 200, 400),
            result("textbook, safe", 50, 100, 200),
            result("wxbot, SQLite", 90, 190, 300),
            result("wxbot, SQLite, safe", 60, 100, 100),
        ],
        {},
    )

    told = {line[0]: line[2].partition(" ")[0] for line in report.lines(found, 16)}

    assert told == {
        "textbook": "1.00",
        "textbook, safe": "1.00",
        "wxbot, SQLite": "0.90",
        "wxbot, SQLite, safe": "1.00",
    }
    assert dict(re.findall(r'"end">([^<]+)</text>.* · ([\d.]+) ×<', plot.svg(found, 16))) == told


def test_wxbot_is_told_beside_the_textbook_under_the_same_settings_of_the_server() -> None:
    found = Run([result("textbook, wxbot's gunicorn", 200, 100), result("wxbot, SQLite", 100, 75)], {})

    assert report.same_server(found) == ["wxbot, SQLite × textbook, wxbot's gunicorn: 0.62 (0.50–0.75)"]


def test_repeats_are_of_many_deliveries_each_on_record_once(tmp_path: Path) -> None:
    with closing(steps.bot(tmp_path / "bot", "safe")) as wx:
        case = steps.repeated(wx, of=3)
        answers = [str(case.prepare()()) for _ in range(9)]

        with wx.session() as session:
            on_record = session.execute(text("SELECT count(*) FROM events")).scalar_one()

    assert on_record == 3
    assert all("<Encrypt>" in each for each in answers)


def test_growth_and_steps_tell_the_median_of_the_rounds_ratios() -> None:
    few, many = [1.0, 10.0, 2.0], [2.0, 10.0, 6.0]

    assert growth._rows([growth._Grown(1, few), growth._Grown(2, many)], digits=0)[1][-1] == "2.00"
    assert steps._row("many", many, few)[-1] == "2.00"


def test_a_target_without_both_sides_is_told_as_not_measured() -> None:
    found = Run([result("wxbot, SQLite", 90, 190)], {})

    lines = report.verdict_lines(verdicts(found, [Target("wxbot, SQLite", "WeRoBot", 5.0, 7.0)]), found)

    assert lines == [["wxbot, SQLite × WeRoBot", "", "", "5", "7", "not measured"]]


@pytest.mark.parametrize("is_ours", [False, True])
def test_who_ceases_to_answer_is_left_out_unless_it_is_ours(is_ours: bool) -> None:
    asked: list[object] = []
    stopped: list[object] = []
    candidate = SimpleNamespace(is_ours=is_ours, name="who")
    silent = SimpleNamespace(candidate=candidate, silence="", stop=lambda: stopped.append(1))

    def ask(_: object) -> int:
        asked.append(1)
        raise NoAnswerError("no answer on 16 connections for 30 s")

    with pytest.raises(WrongAnswerError, match="who: no answer on 16") if is_ours else nullcontext():
        assert unless_silent(cast(Running, silent), ask) is None
        assert unless_silent(cast(Running, silent), ask) is None

    assert len(asked) == 1
    assert len(stopped) == (0 if is_ours else 1)
    assert silent.silence == ("" if is_ours else "no answer on 16 connections for 30 s")


def test_figures_replace_what_stood_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "a\n[//]: # (figures: one)\nold\n[//]: # (end)\nb\n[//]: # (figures: two)\n[//]: # (end)\n"
    )

    publish.insert("en", {"one": r"new \1"}, page)

    expected = (
        "a\n[//]: # (figures: one)\n\nnew \\1\n\n[//]: # (end)\nb\n[//]: # (figures: two)\n[//]: # (end)\n"
    )
    assert page.read_text() == expected


def test_figures_without_a_place_are_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")

    with pytest.raises(ValueError, match=r"page\.md has no place for 'one'"):
        publish.insert("en", {"one": "new"}, page)


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a compiler of C: install the package gcc")
def test_a_slow_disk_takes_longer_by_so_much(tmp_path: Path) -> None:
    code = "import os, sys; f = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR); os.fsync(f); os.fdatasync(f)"
    command = [sys.executable, "-S", "-c", code, str(tmp_path / "file")]

    started = time.monotonic()
    slow = os.environ | slow_disk.environment(tmp_path, 300)
    subprocess.run(command, env=slow, check=True)

    assert time.monotonic() - started >= 0.6
