"""Killed at any moment, the API leaves nothing half made: who repeats a request has all of it, and once."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, select, update

from tests.services import fresh_database_url
from wxbot.api.idempotency import LEASE_SECONDS
from wxbot.api.keys import Keys
from wxbot.db.business import channels, claim_steps, claims, idempotent_requests
from wxbot.db.engine import open_engine
from wxbot.db.models import followers, jobs, mintings, permanent_numbers
from wxbot.db.statements import database_now
from wxbot.emulator.threaded import run_emulator
from wxbot.emulator.world import World
from wxbot.followers import person
from wxbot.qrcodes.mint import CLAIM_SECONDS

# It has processes of its own, which are to get on with their work between two kills.
pytestmark = pytest.mark.alone

PROGRAM = Path(__file__).with_name("serving.py")
KILLS, EACH, THREADS = 4, 16, 4
WHO = person("default", "o-ailin")


class Bot:
    """One process at a time, which can be killed."""

    def __init__(self, folder: Path, *, database: str, world: World, platform: str) -> None:
        account = world.account
        bases = dict.fromkeys(("api_base", "mp_base", "open_base"), platform)
        self._settings = {
            "secret_key": "a secret key that is only good enough for tests",
            "database": {"url": database},
            "jobs": {"path": str(folder / "jobs.db")},
            "spool": {"path": str(folder / "spool"), "reserve_mb": 0},
            "handlers": {"packages": []},
            "server": {"public_url": "http://bot.test"},
            "accounts": {
                "default": {
                    "appid": account.appid,
                    "secret": account.secret,
                    "token": account.token,
                    "aes_key": account.aes_key,
                    **bases,
                }
            },
        }
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Start one, and wait until it listens."""
        command = [sys.executable, str(PROGRAM), json.dumps(self._settings)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def kill(self) -> None:
        """Kill it, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


@dataclass
class Requests:
    """What a site asks for, each with a key of its own, and what it was answered."""

    key: str
    waiting: list[tuple[str, dict[str, Any]]]
    answers: dict[str, requests.Response] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def send_all(self, url: str) -> None:
        """Send what nobody has answered, until the other side is dead."""
        left = [each for each in self.waiting if self.name_of(each) not in self.answers]
        random.Random(len(left)).shuffle(left)

        def send(mine: list[tuple[str, dict[str, Any]]]) -> None:
            for path, body in mine:
                try:
                    answer = self.post(url, path, body)
                except requests.RequestException:
                    continue
                if answer.status_code < 300:
                    self.answers[self.name_of((path, body))] = answer
                else:
                    self.refused.append(f"{path} {answer.status_code} {answer.text}")

        threads = [threading.Thread(target=send, args=(left[number::THREADS],)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def post(self, url: str, path: str, body: dict[str, Any]) -> requests.Response:
        """Send one."""
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": self.name_of((path, body))}
        return requests.post(f"{url}/api/v1{path}", json=body, headers=headers, timeout=60)

    def name_of(self, wanted: tuple[str, dict[str, Any]]) -> str:
        """Return the key that one is sent with."""
        path, body = wanted
        return f"{path[1:]}-{body.get('name') or body.get('subject') or body['message']['content']}"


@pytest.fixture
def world() -> World:
    """Return a platform of the test's own."""
    return World()


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    return fresh_database_url(tmp_path)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """Return an engine on it, with one follower."""
    engine = open_engine(database, connections=4)
    yield engine
    engine.dispose()


@pytest.fixture
def bot(tmp_path: Path, database: str, world: World) -> Iterator[Bot]:
    """Return what starts bots."""
    with run_emulator(world) as platform:
        bot = Bot(tmp_path, database=database, world=world, platform=platform.url)
        yield bot
        bot.kill()


def wanted() -> list[tuple[str, dict[str, Any]]]:
    """Return requests of each kind that makes something, also beyond the database."""
    found: list[tuple[str, dict[str, Any]]] = []
    for number in range(EACH):
        found += [
            ("/channels", {"name": f"shelf-{number}", "title": f"Shelf {number}", "takes_number": True}),
            ("/channels", {"name": f"door-{number}", "title": f"Door {number}"}),
            ("/claims", {"purpose": "order", "subject": f"order-{number}"}),
            ("/messages", _message(number)),
        ]
    return found


def _message(number: int) -> dict[str, Any]:
    text = {"type": "text", "content": f"message-{number}"}
    return {"to": {"person": WHO.hex()}, "message": text}


def add_follower(engine: Engine) -> None:
    """Let somebody follow whom messages can be written to."""
    row: dict[str, object] = {"account": "default", "person": WHO, "openid": "o-ailin"}
    row |= {"first_seen_at": 1, "follows": 1}
    with engine.begin() as connection:
        connection.execute(followers.insert().values(row))


def let_leases_end(engine: Engine) -> None:
    """Let what was under way be as old as if a minute had passed."""
    open_ones = update(idempotent_requests).where(idempotent_requests.c.status.is_(None))
    asked = update(mintings).where(mintings.c.outcome == "asked")
    with engine.begin() as connection:
        connection.execute(open_ones.values(created_at=database_now() - LEASE_SECONDS))
        connection.execute(asked.values(started_at=mintings.c.started_at - CLAIM_SECONDS))


def rows(engine: Engine, query: Any) -> list[Any]:
    """Return what a query finds."""
    with engine.connect() as connection:
        return list(connection.execute(query).scalars().all())


def kill_in_the_middle(bot: Bot, site: Requests, dice: random.Random) -> None:
    """Let a bot be killed after some answers, with others under way."""
    bot.start()
    enough = len(site.answers) + dice.randint(1, 5)

    def kill() -> None:
        give_up_at = time.monotonic() + 60
        while len(site.answers) < enough and time.monotonic() < give_up_at:
            time.sleep(0.001)
        time.sleep(dice.uniform(0, 0.02))
        bot.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    site.send_all(bot.url)
    killer.join()


@pytest.mark.timeout(600)
def test_nothing_is_half_made_when_the_api_is_killed(bot: Bot, engine: Engine, world: World) -> None:
    add_follower(engine)
    site, dice = Requests(Keys(engine).create("site").text, wanted()), random.Random(1)

    for _ in range(KILLS):
        kill_in_the_middle(bot, site, dice)
        assert len(site.answers) < len(site.waiting)
        let_leases_end(engine)
    bot.start()
    for _ in range(5):  # on a busy machine the database may be away for a moment
        site.send_all(bot.url)
        let_leases_end(engine)

    assert len(site.answers) == len(site.waiting), site.refused
    for path, body in site.waiting:  # whoever asks once more changes nothing, and reads the same
        again = site.post(bot.url, path, body)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.json() == site.answers[site.name_of((path, body))].json()
    check_channels(engine)
    check_claims(engine, world, site)
    messages = select(jobs.c.id).where(jobs.c.name == "wxbot.message")
    assert len(rows(engine, messages)) == EACH


def check_channels(engine: Engine) -> None:
    """Each is there once, and no number is taken that no channel has."""
    names = [f"{kind}-{number}" for kind in ("door", "shelf") for number in range(EACH)]
    assert sorted(rows(engine, select(channels.c.name))) == sorted(names)
    scenes = rows(engine, select(channels.c.scene).where(channels.c.name.startswith("shelf")))
    taken = rows(engine, select(permanent_numbers.c.number).where(permanent_numbers.c.state == "taken"))
    assert sorted(map(int, scenes)) == sorted(taken) and len(set(scenes)) == EACH


def check_claims(engine: Engine, world: World, site: Requests) -> None:
    """Each is there once, open, and with the code that the site was told of."""
    is_open = claims.c.state == "open"
    subjects = Counter(rows(engine, select(claims.c.subject).where(is_open)))
    assert subjects == {f"order-{number}": 1 for number in range(EACH)}
    # Whoever came while a killed process still had a minute to mint the code was told so: called off.
    others = rows(engine, select(claims.c.id).where(~is_open))
    ended = select(claim_steps.c.detail).where(claim_steps.c.claim.in_(others), claim_steps.c.step != "made")
    assert rows(engine, ended) == ["no code was minted"] * len(others)
    shown = [answer.json() for name, answer in site.answers.items() if name.startswith("claims")]
    assert {each["scene"] for each in shown} == set(rows(engine, select(claims.c.scene).where(is_open)))
    assert {each["code"]["ticket"] for each in shown} <= set(world.codes.minted)
