"""One HTTP request, tried once, with the phases kept apart: not sent, answered, or nobody knows.

Every request opens its own connection. On a kept-alive connection that the peer has meanwhile
closed, a write can succeed and the read then fail, and from the outside that looks the same as a
request that was taken and whose answer was lost; a client that "helpfully" sends again doubles the
message. A fresh connection turns that case into a failed connect, which proves that nothing was
sent.
"""

import http.client
import io
import json
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

MAX_BODY = 1 << 20


@dataclass(frozen=True)
class Endpoint:
    """Where a provider listens, and the time-outs in seconds. Made by `endpoint`."""

    secure: bool
    host: str
    port: int
    header: str
    connect_s: float = 3.0
    read_s: float = 5.0


@dataclass(frozen=True)
class Result:
    """`sent` is False only if not one byte of the request left. `status` is None if no answer was
    read in full; `error` then names the cause. `body` is None unless the answer was a JSON
    object."""

    sent: bool
    status: int | None
    body: dict[str, Any] | None
    took_ms: int
    error: str = ""


def endpoint(url: str, *, connect_s: float = 3.0, read_s: float = 5.0) -> Endpoint:
    """Read a provider's address. Raises ValueError for nonsense, and for http:// to any other
    machine: requests carry phone numbers."""
    parts = urlsplit(url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path not in {"", "/"}
        or parts.query
    ):
        raise ValueError(f"not the address of a provider: {url!r}")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError(f"plain http is allowed to this machine only: {url!r}")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    return Endpoint(secure, parts.hostname, port, parts.netloc.rpartition("@")[2], connect_s, read_s)


def post(where: Endpoint, target: str, headers: Mapping[str, str], body: bytes) -> Result:
    """POST once. Never raises for what the network does."""
    start = time.monotonic()

    def result(sent: bool, status: int | None, body: dict[str, Any] | None, error: str) -> Result:
        return Result(sent, status, body, round((time.monotonic() - start) * 1000), error)

    connection = _connection(where)
    try:
        connection.connect()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        connection.close()
        return result(False, None, None, type(error).__name__)
    with closing(connection.sock) as sock:
        try:
            sock.settimeout(where.read_s)
            connection.request("POST", target, body=body, headers=dict(headers))
            connection.sock = _Until(sock, time.monotonic() + where.read_s)
            response = connection.getresponse()
            raw = response.read(MAX_BODY)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return result(True, None, None, type(error).__name__)
    if response.length:
        return result(True, None, None, "CutShort")
    return result(True, response.status, _json_object(raw), "")


def _connection(where: Endpoint) -> http.client.HTTPConnection:
    if where.secure:
        context = _tls_context()
        return http.client.HTTPSConnection(where.host, where.port, timeout=where.connect_s, context=context)
    return http.client.HTTPConnection(where.host, where.port, timeout=where.connect_s)


_context: list[ssl.SSLContext] = []


def _tls_context() -> ssl.SSLContext:
    """Made once, at the first use: reading the system's certificates takes tens of milliseconds."""
    if not _context:
        _context.append(ssl.create_default_context())
    return _context[0]


def _json_object(raw: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(raw)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Until:
    """A socket that gives up at a moment instead of after a silence: an answer that drips in byte
    by byte would otherwise keep the caller far beyond its lease."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_UntilReader(self._sock, self._until))

    def close(self) -> None:
        """Left to the caller: the connection lets go of it before the answer has been read."""


class _UntilReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)
