"""WeChat's API as far as jobs need it: a ledger of what was done, and answers that can get lost afterwards.

Not the emulator: a ledger of ten thousand calls has to be cheap, and WeChat's rules are not tried here.
"""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_TOKEN = {"access_token": "faults-token", "expires_in": 7200}
_DONE = {"errcode": 0, "errmsg": "ok"}


@dataclass(frozen=True)
class Call:
    """One call that was carried out: which, with what, when, and whether the caller was told."""

    path: str
    body: dict[str, Any]
    at: float
    was_lost: bool = False


@dataclass
class FakeApi:
    """A server on a thread of its own.

    `lost` is the share of calls whose answer gets lost after the act; `seconds` is how long an answer takes
    after the act, so that callers can be killed meanwhile.
    """

    lost: float = 0.0
    seconds: float = 0.0
    calls: list[Call] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(11)
        self._is_listening = threading.Event()
        # Made on its own thread: who asks for it may have a loop of another kind running.
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="fake api", daemon=True)
        self._thread.start()
        assert self._is_listening.wait(10), "the fake API does not listen"

    @property
    def url(self) -> str:
        """The address to configure as `api_base`."""
        return f"http://127.0.0.1:{self.port}"

    def messages(self) -> list[tuple[str, str]]:
        """Return what was sent as service messages: to whom, and the text."""
        return [
            (call.body["touser"], call.body["text"]["content"])
            for call in list(self.calls)
            if call.path == "/cgi-bin/message/custom/send"
        ]

    def count(self) -> Counter[str]:
        """Count the calls by their path."""
        return Counter(call.path for call in list(self.calls))

    def close(self) -> None:
        """End the server."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(5)

    async def _run(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._is_listening.set()
        await self._end.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                path = lines[0].split()[1].partition("?")[0]
                answer = self._answer(path, body)
                await asyncio.sleep(self.seconds)
                if answer is None:
                    break
                text = json.dumps(answer).encode()
                kind = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                writer.write(kind + str(len(text)).encode() + b"\r\n\r\n" + text)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller was killed or keeps no connection, or we end
        finally:
            writer.close()

    def _answer(self, path: str, body: bytes) -> dict[str, Any] | None:
        if path.endswith("token"):
            return dict(_TOKEN)
        is_lost = self._random.random() < self.lost
        self.calls.append(Call(path, json.loads(body or b"{}"), time.monotonic(), is_lost))
        return None if is_lost else dict(_DONE)
