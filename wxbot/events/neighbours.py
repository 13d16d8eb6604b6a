"""The other web processes of this machine: what they have just answered, asked for when the database is away.

Each listens on a socket beside the spool, so that nothing is written while the database answers.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wxbot.wechat import replies
from wxbot.wechat.replies import Acknowledgement, Reply

_ENDING = ".sock"
_EVENT_BYTES = 16
_ANSWER_BYTES = 1 << 20  # far beyond any reply
# With one that is busy, and with all of them. Who stands still is left alone for a while: each event of an
# outage asks.
_PATIENCE_SECONDS = 0.5
_PATIENCE_WITH_ALL_SECONDS = 1.0
_LEFT_ALONE_SECONDS = 5.0
_PAUSE_SECONDS = 0.1


class Neighbours:
    """Asks the others, and answers them with `find`. Safe to use from any thread; raises nothing."""

    def __init__(self, folder: Path, find: Callable[[bytes], Reply | Acknowledgement | None]) -> None:
        self._folder = folder
        self._find = find
        self._names: dict[int, str] = {}  # by process
        self._server: socket.socket | None = None
        self._is_closed = False
        self._silent_until: dict[str, float] = {}

    def listen(self) -> None:
        """Answer others from now on; to be called often, as each process has to begin for itself."""
        process = os.getpid()
        if process in self._names:
            return
        name = secrets.token_hex(8) + _ENDING
        if self._names.setdefault(process, name) is not name:
            return  # another thread was faster
        with suppress(RuntimeError):  # no thread to be had
            threading.Thread(target=self._listen, args=(name,), name="neighbours", daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._is_closed = True
        if self._server is not None:
            with suppress(OSError):
                (self._folder / self._name()).unlink(missing_ok=True)
                self._server.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
            self._server.close()

    def ask(self, event: bytes) -> Reply | Acknowledgement | None:
        """Return what another process has answered to an event lately, None if none says so."""
        began_at = time.monotonic()
        for name in self._others():
            if began_at < self._silent_until.get(name, 0.0):
                continue
            if time.monotonic() > began_at + _PATIENCE_WITH_ALL_SECONDS:
                break
            try:
                answer = self._ask(name, event)
            except TimeoutError:
                self._silent_until[name] = time.monotonic() + _LEFT_ALONE_SECONDS
            else:
                if answer is not None:
                    return answer
        return None

    def _name(self) -> str:
        return self._names.get(os.getpid(), "")

    def _others(self) -> list[str]:
        ours = self._name()
        try:
            return [path.name for path in self._folder.glob(f"*{_ENDING}") if path.name != ours]
        except OSError:
            return []

    def _ask(self, name: str, event: bytes) -> Reply | Acknowledgement | None:
        """Ask one; raises TimeoutError when it does not speak."""
        try:
            with self._address(name) as address, socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(_PATIENCE_SECONDS)
                asking.connect(address)
                asking.sendall(event)
                with asking.makefile("rb") as said:
                    answer = said.read(_ANSWER_BYTES)
            return _read(answer, event) if answer else None
        except ConnectionRefusedError:  # killed: its file has nobody behind it
            with suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)
        except BlockingIOError as error:  # more wait for it than it lets
            raise TimeoutError from error
        except TimeoutError:
            raise
        except (OSError, ValueError):
            pass
        return None

    def _clear_away(self) -> None:
        """Remove what killed ones left; nobody is waited for, who may be about to do the same."""
        for name in self._others():
            with suppress(OSError), self._address(name) as address, socket.socket(socket.AF_UNIX) as asking:
                asking.setblocking(False)
                try:
                    asking.connect(address)
                except ConnectionRefusedError:
                    (self._folder / name).unlink(missing_ok=True)

    def _listen(self, name: str) -> None:
        self._clear_away()
        server = self._server = socket.socket(socket.AF_UNIX)
        try:
            with self._address(name) as address:
                # Under its name only once it listens: who is refused counts as dead.
                made = Path(f"{address}.new")
                server.bind(str(made))
                made.chmod(0o600)
                server.listen()
                made.rename(address)
        except OSError:  # no folder, or none for sockets: what is answered here is not known elsewhere
            self.close()
        while not self._is_closed:
            try:
                peer, _ = server.accept()
            except OSError:  # closed, or too many files are open
                time.sleep(_PAUSE_SECONDS)
            else:
                self._say(peer)
        self.close()

    def _say(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.settimeout(_PATIENCE_SECONDS)
            event = peer.recv(_EVENT_BYTES)
            answer = self._find(event)
            if answer is not None:
                peer.sendall(json.dumps({"event": event.hex(), "reply": replies.to_data(answer)}).encode())

    @contextmanager
    def _address(self, name: str) -> Iterator[str]:
        """Give a name in the folder an address; that of a socket may have 107 bytes only."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{folder}/{name}"
        finally:
            os.close(folder)


def _read(answer: bytes, event: bytes) -> Reply | Acknowledgement | None:
    """Read an answer that is whole and about this event; raises ValueError for any other."""
    said = json.loads(answer)
    if (
        not isinstance(said, dict)
        or said.get("event") != event.hex()
        or not isinstance(said.get("reply"), dict)
    ):
        raise ValueError("it is about something else")
    return replies.from_data(said["reply"])
