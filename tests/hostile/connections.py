"""Table B6: requests that two readers may take for different ones, byte by byte."""

import socket
from collections.abc import Iterator

from tests.hostile.forging import Forger

_SECONDS = 10


def requests(it: Forger) -> Iterator[tuple[str, bytes]]:
    """Yield broken requests, each around a genuine event that must not be taken up."""
    for name, before, frame in _forms(it):
        genuine = it.genuine()
        line = f"POST /wechat?{genuine.query.decode()} HTTP/1.1\r\nHost: bot.test\r\n"
        size = str(len(genuine.body))
        head = (
            (line + frame).replace("SIZE", size)
            if not before
            else before.replace("QUERY", genuine.query.decode())
        )
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(genuine.body), genuine.body)
        yield name, head.encode("latin-1") + b"\r\n" + (chunk if "chunk" in frame.lower() else genuine.body)


def _forms(it: Forger) -> Iterator[tuple[str, str, str]]:
    for name, frame in {
        "length and chunks": "Content-Length: SIZE\r\nTransfer-Encoding: chunked\r\n",
        "two lengths": "Content-Length: SIZE\r\nContent-Length: 5\r\n",
        "two equal lengths": "Content-Length: SIZE, SIZE\r\n",
        "negative length": "Content-Length: -1\r\n",
        "length with a plus": "Content-Length: +SIZE\r\n",
        "length in hex": "Content-Length: 0xff\r\n",
        "endless length": f"Content-Length: {'9' * 5000}\r\n",
        "length in words": "Content-Length: all\r\n",
        "unknown coding": "Transfer-Encoding: xchunked\r\n",
        "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "space in a name": "Content-Length : SIZE\r\n",
        "folded line": "X-A: 1\r\n Content-Length: SIZE\r\n\r\n",
        "nul in a name": "X\0A: 1\r\nContent-Length: SIZE\r\n",
        "return alone": "X-A: 1\rX-B: 2\r\nContent-Length: SIZE\r\n",
        "a header of 100 kB": f"X-A: {'a' * 100_000}\r\nContent-Length: SIZE\r\n",
        "1000 headers": "".join(f"X-{n}: 1\r\n" for n in range(1000)) + "Content-Length: SIZE\r\n",
    }.items():
        yield name, "", frame
    yield "version 9", "POST /wechat?QUERY HTTP/9.9\r\nHost: a\r\n", ""
    yield "space in the target", "POST /wechat ?QUERY HTTP/1.1\r\nHost: a\r\n", ""
    yield "long target", f"POST /wechat?{'a' * 9000}&QUERY HTTP/1.1\r\nHost: a\r\n", ""
    yield "no method", " /wechat?QUERY HTTP/1.1\r\nHost: a\r\n", ""
    yield "TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", ""


def status_of(port: int, request: bytes) -> int:
    """Send bytes and return the status of the first answer; 0 when the connection was closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as line:
        try:
            line.sendall(request)
            line.shutdown(socket.SHUT_WR)
            answer = line.recv(65536)
        except (ConnectionError, BrokenPipeError):
            return 0
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0
