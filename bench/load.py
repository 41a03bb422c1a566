"""A load generator: some connections, each with one request under way, for a bounded time.

Run as a process of its own; the order comes as JSON on standard input, the result goes out as JSON. It spends some
tens of microseconds a request, so that on shared cores it is the server that is measured.
"""

import json
import random
import selectors
import socket
import sys
import time
from typing import Any


class Line:
    """One kept connection: bytes out, one answer in."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        """Begin a request."""
        self.buffer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def take(self) -> int | None:
        """Read what has come: the status once the answer is whole, None before. Raises when the server hung up."""
        more = self.socket.recv(65536)
        if not more:
            raise SystemExit("The server closed a connection under load.")
        self.buffer += more
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return int(head[9:12]) if len(body) >= length else None


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Load `port` for `seconds` over `connections`; `path` and `body` have places for {uuid}, {guest} and {now}.

    Returns requests per second, the answers by status, and the latencies' quantiles in ms.
    """
    dice = random.Random(order["salt"])
    guests = order["guests"]
    head = (
        f"PUT {order['path']} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {order['key']}\r\n"
        "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )

    def request() -> bytes:
        unique = f"{dice.getrandbits(128):032x}"
        body = order["body"].replace("{uuid}", unique).replace("{guest}", json.dumps(dice.choice(guests)))
        path = head.replace(
            "{uuid}", f"{unique[:8]}-{unique[8:12]}-{unique[12:16]}-{unique[16:20]}-{unique[20:]}"
        )
        return (path.replace("{length}", str(len(body.encode()))) + body).encode()

    waiting = selectors.DefaultSelector()
    statuses: dict[int, int] = {}
    took: list[float] = []
    for _ in range(order["connections"]):
        line = Line(order["port"])
        waiting.register(line.socket, selectors.EVENT_READ, line)
        line.send(request())
    started = time.perf_counter()
    ends = started + order["seconds"]
    while time.perf_counter() < ends:
        for key, _ in waiting.select(timeout=1):
            status = key.data.take()
            if status is not None:
                took.append(time.perf_counter() - key.data.sent_at)
                statuses[status] = statuses.get(status, 0) + 1
                key.data.send(request())
    seconds = time.perf_counter() - started
    if not took:
        raise SystemExit("The server answered nothing under load.")
    took.sort()
    return {
        "per_second": len(took) / seconds,
        "statuses": statuses,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
