"""Delivers scans as WeChat does, to a bot under fault: three attempts, repeats, answers that get lost.

Cheap on purpose: it shares its machine with the bot it measures.
"""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle

from wxbot.emulator import wire
from wxbot.emulator.wire import Sender

_ENCRYPTED = re.compile(rb"<Encrypt><!\[CDATA\[([^\]]+)\]\]></Encrypt>")
_CONTENT = re.compile(r"<Content><!\[CDATA\[(.*?)\]\]></Content>", re.DOTALL)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Attempt:
    """One delivery: when, how long it took, and the reply's text; without one, `fault` says why."""

    started_at: float
    seconds: float
    reply: str = ""
    fault: str = ""  # refused, broken, timeout, empty, status-503 and the like
    is_repeat: bool = False


@dataclass
class Sent:
    """One scan with all its deliveries so far."""

    scene: str
    openid: str
    created: int
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The scene's first part, which says who handles it."""
        return self.scene.partition(":")[0]

    @property
    def replies(self) -> list[str]:
        """The reply of every delivery that got one, the first one first."""
        return [attempt.reply for attempt in self.attempts if attempt.reply]

    @property
    def is_answered(self) -> bool:
        """Whether one of WeChat's own attempts got a reply."""
        return any(attempt.reply for attempt in self.attempts if not attempt.is_repeat)

    @property
    def is_cut_off(self) -> bool:
        """Whether the connection broke at every attempt, as when the process is killed each time."""
        return all(attempt.fault in ("broken", "refused") for attempt in self.attempts)


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How the platform behaves: attempts, how long each waits, and how far they are apart when they fail.

    `overlapping` starts each attempt after `spacing` seconds although the former may still wait.
    `lost` and `repeated` are shares of the answered scans: the answer gets lost on its way, so that the
    next attempt comes; or it is delivered again some time within `repeated_within` seconds.
    `address` is where it comes from, for what tells callers by their address.
    """

    attempts: int = 3
    timeout: float = 5.0
    spacing: float = 5.0
    overlapping: bool = False
    lost: float = 0.0
    repeated: float = 0.0
    repeated_within: float = 3.0
    address: str = "127.0.0.1"


class Platform:
    """Pushes scans to one or several callback addresses of the same account."""

    def __init__(self, sender: Sender, ports: Sequence[int], manners: Manners | None = None) -> None:
        self.sent: list[Sent] = []
        self.manners = manners or Manners()
        self._sender = sender
        self._ports = cycle(ports)
        self._random = random.Random(4)
        self._open: set[asyncio.Task[None]] = set()

    async def run(self, scenes: Iterable[str], *, rate: float, most_open: int = 2000) -> None:
        """Deliver each scene as a scan of somebody else, so many a second, and wait for all that follows."""
        started = time.monotonic()
        for number, scene in enumerate(scenes):
            ahead = started + number / rate - time.monotonic()
            if ahead > 0:
                await asyncio.sleep(ahead)
            while len(self._open) >= most_open:
                await asyncio.wait(self._open, return_when=asyncio.FIRST_COMPLETED)
            self.start(scene)
        await self.finish()

    def start(self, scene: str) -> Sent:
        """Begin to deliver one scan."""
        sent = Sent(scene=scene, openid=f"o{len(self.sent):027}", created=int(time.time()))
        self.sent.append(sent)
        self.spawn(self._attempts(sent))
        return sent

    async def finish(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._open:
            await asyncio.wait(self._open)

    async def deliver(self, sent: Sent, *, port: int | None = None, is_repeat: bool = False) -> Attempt:
        """Deliver a scan once, signed and sealed for this moment."""
        request = self._request(sent)
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.manners.timeout):
                answer = await exchange(
                    next(self._ports) if port is None else port, request, self.manners.address
                )
            reply, fault = self._read(answer)
        except TimeoutError:
            reply, fault = "", "timeout"
        except ConnectionRefusedError:
            reply, fault = "", "refused"
        except OSError:
            reply, fault = "", "broken"
        attempt = Attempt(started, time.monotonic() - started, reply, fault, is_repeat)
        sent.attempts.append(attempt)
        return attempt

    async def _attempts(self, sent: Sent) -> None:
        if self.manners.overlapping:
            await self._overlapping(sent)
            return
        for left in reversed(range(self.manners.attempts)):
            attempt = await self.deliver(sent)
            is_lost = bool(left) and self._random.random() < self.manners.lost
            if attempt.reply and not is_lost:
                break
            if left:
                await asyncio.sleep(max(0.0, self.manners.spacing - attempt.seconds))
        if sent.is_answered and self._random.random() < self.manners.repeated:
            await asyncio.sleep(self._random.uniform(0, self.manners.repeated_within))
            await self.deliver(sent, is_repeat=True)

    async def _overlapping(self, sent: Sent) -> None:
        async def after(seconds: float) -> None:
            await asyncio.sleep(seconds)
            await self.deliver(sent)

        await asyncio.gather(*(after(k * self.manners.spacing) for k in range(self.manners.attempts)))

    def spawn(self, work: Awaitable[None]) -> None:
        """Do a piece of work beside the others; `finish` waits for it."""
        task = asyncio.ensure_future(work)
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    def _request(self, sent: Sent) -> bytes:
        push = wire.scan(sent.openid, sent.created, scene=sent.scene, ticket="gQ_ticket")
        sealed = wire.sealed(push, self._sender, timestamp=int(time.time()))
        head = (
            f"POST /wechat?{sealed.query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/4.0\r\n"
            f"Connection: close\r\nContent-Type: text/xml\r\nContent-Length: {len(sealed.body)}\r\n\r\n"
        )
        return head.encode() + sealed.body

    def _read(self, answer: bytes) -> tuple[str, str]:
        head, _, body = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None or len(body) != int(length[1]):
            return "", "broken"
        status = head[9:12].decode("ascii", "replace")
        if status != "200":
            return "", f"status-{status}"
        if self._sender.mode == "safe" and (encrypted := _ENCRYPTED.search(body)):
            body = self._sender.cipher.decrypt(encrypted[1].decode())
        content = _CONTENT.search(body.decode("utf-8", "replace"))
        return (content[1], "") if content and content[1].strip() else ("", "empty")


class _Exchange(asyncio.Protocol):
    def __init__(self, request: bytes, ended: "asyncio.Future[bytes]") -> None:
        self._request = request
        self._ended = ended
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._ended.done():
            return
        if error is not None:
            self._ended.set_exception(ConnectionError(str(error)))
        else:
            self._ended.set_result(b"".join(self._parts))


async def exchange(port: int, request: bytes, address: str = "127.0.0.1") -> bytes:
    """Send one request on a connection of its own and return all that comes back until its end."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[bytes] = loop.create_future()
    transport, _ = await loop.create_connection(
        lambda: _Exchange(request, ended), "127.0.0.1", port, local_addr=(address, 0)
    )
    try:
        return await ended
    finally:
        transport.abort()


def scenes(*patterns: str, limit: int | None = None) -> Iterator[str]:
    """Yield scenes from the patterns in turn, as in `write:{}`, each with a number of its own."""
    numbers = count() if limit is None else range(limit)
    return (patterns[number % len(patterns)].format(number) for number in numbers)


def until(
    seconds: float, supply: Iterator[str], is_over: Callable[[], bool] = lambda: False
) -> Iterator[str]:
    """Yield from a supply for so long, or until the function says that it is over."""
    ends_at = time.monotonic() + seconds
    for scene in supply:
        if time.monotonic() >= ends_at or is_over():
            return
        yield scene
