"""Receipts and replies: what the provider tells us without being asked."""

import heapq
import http.client
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from typing import Any, Protocol
from urllib.parse import urlsplit

from care.simulator.ledger import Entry, Ledger

MODES = ("early", "normal", "late", "twice", "never", "shuffled")
STATUSES = ("delivered", "undelivered", "mixed", "contradict")
BATCH = 100
# Entries older than this get no receipt any more when the simulator starts again.
FORGOTTEN = timedelta(hours=72)

_CODES = {
    ("aliyun", True): "DELIVERED",
    ("aliyun", False): "MOBILE_NOT_ON_SERVICE",
    ("tencent", True): "DELIVRD",
    ("tencent", False): "UNDELIV",
    ("http", True): "",
    ("http", False): "unreachable",
}


class Forms(Protocol):
    """The shape of one provider's pushes."""

    def receipts_body(self, entries: list[Entry]) -> bytes:
        """The body that reports these entries."""
        ...

    def reply_body(self, phone: str, text: str, sign: str, at: datetime) -> bytes:
        """The body that brings a reply."""
        ...


@dataclass(frozen=True)
class Settings:
    """Where and how to push. In the addresses "{provider}" is filled in; empty: nothing is pushed.

    `mode`: early (before the send is answered), normal, late, twice, never (nor is the operator's
    report ever known to queries), shuffled (random delays and order). `status` "mixed" fails a
    share of `undelivered_share`; "contradict" reports delivered, then undelivered. `ladder_s`: the
    waits between tries, in seconds: the real minutes, shortened.
    """

    url: str = ""
    reply_url: str = ""
    mode: str = "normal"
    delay_ms: int = 1000
    status: str = "delivered"
    undelivered_share: float = 0.1
    code: str = ""
    timeout_ms: int = 700
    ladder_s: tuple[float, ...] = (1, 2, 5, 10, 30, 60, 60, 60, 60)


@dataclass(order=True)
class _Due:
    at: float
    order: int
    provider: str = field(compare=False)
    entries: list[Entry] = field(compare=False, default_factory=list)
    body: bytes = field(compare=False, default=b"")
    url: str = field(compare=False, default="")
    tries: int = field(compare=False, default=0)


class Pusher:
    """Keeps the events that are due later and pushes them from one thread of its own."""

    def __init__(
        self, ledger: Ledger, forms: Mapping[str, Forms], settings: Settings, *, seed: int = 0
    ) -> None:
        self._ledger = ledger
        self._forms = forms
        self._settings = settings
        self._random = random.Random(seed)
        self._heap: list[_Due] = []
        self._orders = count()
        self._wake = threading.Condition()
        self._closed = False
        self._stats = {"pushed": 0, "failed_tries": 0, "lost": 0}
        since = datetime.now(UTC) - FORGOTTEN
        waiting = [e for e in ledger.select() if not e.status and e.moment > since]
        self._schedule(waiting)
        self._thread = threading.Thread(target=self._run, name="sms-push", daemon=True)
        self._thread.start()

    def configure(self, wish: Mapping[str, Any]) -> None:
        """Change the settings named in `wish`. Raises ValueError and changes nothing if not
        understood."""
        if unknown := set(wish) - set(Settings.__dataclass_fields__):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        changes = dict(wish)
        if "mode" in changes and "delay_ms" not in changes:
            changes["delay_ms"] = {"early": 0, "late": 10_000}.get(str(changes["mode"]), 1000)
        if "ladder_s" in changes:
            changes["ladder_s"] = tuple(float(step) for step in changes["ladder_s"])
        settings = replace(self._settings, **changes)
        if settings.mode not in MODES or settings.status not in STATUSES:
            raise ValueError(f"mode: {', '.join(MODES)}; status: {', '.join(STATUSES)}")
        numbers = (settings.delay_ms, settings.timeout_ms, settings.undelivered_share)
        if any(not number >= 0 for number in (*numbers, *settings.ladder_s)):
            raise ValueError("times and shares must not be negative")
        for url in (settings.url, settings.reply_url):
            if url and not is_on_this_machine(url):
                raise ValueError(f"not an http address on this machine: {url}")
        self._settings = settings

    def accepted(self, entries: list[Entry]) -> None:
        """Take note of accepted messages. Mode "early" pushes their receipts before it returns."""
        if self._settings.mode == "early":
            self._report(_Due(0, 0, entries[0].provider, entries))
        else:
            self._schedule(entries)

    def reply(self, provider: str, phone: str, text: str, sign: str, now: datetime) -> bool:
        """Push a guest's reply at once; if that fails, along the ladder. True if it arrived."""
        url = self._settings.reply_url.replace("{provider}", provider)
        body = self._forms[provider].reply_body(phone, text, sign, now)
        return self._push(_Due(0, 0, provider, body=body, url=url)) if url else False

    def as_json(self) -> dict[str, Any]:
        """The settings, and what became of the pushes so far."""
        shown = {name: getattr(self._settings, name) for name in Settings.__dataclass_fields__}
        with self._wake:
            return {**shown, **self._stats, "waiting": len(self._heap)}

    def close(self) -> None:
        """Stop the thread; what is still due is dropped."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=5)

    def _schedule(self, entries: list[Entry]) -> None:
        settings = self._settings
        if settings.mode == "never" or not entries:
            return
        now = time.monotonic()
        for entry in entries:
            delay = settings.delay_ms / 1000
            if settings.mode == "shuffled":
                delay *= self._random.random() * 2
            self._add(_Due(now + delay, next(self._orders), entry.provider, [entry]))

    def _add(self, due: _Due) -> None:
        with self._wake:
            heapq.heappush(self._heap, due)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._closed and (not self._heap or self._heap[0].at > time.monotonic()):
                    rest = self._heap[0].at - time.monotonic() if self._heap else None
                    self._wake.wait(rest)
                if self._closed:
                    return
                ready = []
                while self._heap and self._heap[0].at <= time.monotonic():
                    ready.append(heapq.heappop(self._heap))
            for due in ready:
                if due.body:
                    self._push(due)
            for provider in self._forms:
                fresh = [e for due in ready if not due.body and due.provider == provider for e in due.entries]
                if self._settings.mode == "shuffled":
                    self._random.shuffle(fresh)
                for start in range(0, len(fresh), BATCH):
                    self._report(_Due(0, 0, provider, fresh[start : start + BATCH]))

    def _report(self, due: _Due) -> None:
        """Let the operator's report become known, and push it as often as the mode says."""
        settings = self._settings
        at = datetime.now(UTC).isoformat()
        rounds: list[list[Entry]] = [[]]
        if settings.status == "contradict":
            rounds.append([])
        for entry in due.entries:
            failed = settings.status == "undelivered" or (
                settings.status == "mixed" and self._random.random() < settings.undelivered_share
            )
            for index, group in enumerate(rounds):
                delivered = not failed and index == 0
                status = "delivered" if delivered else "undelivered"
                code = settings.code or _CODES[due.provider, delivered]
                self._ledger.report(entry, status, code, at)
                group.append(replace(entry, status=status, status_code=code, status_at=at))
        url = settings.url.replace("{provider}", due.provider)
        if not url:
            return
        for group in rounds:
            body = self._forms[due.provider].receipts_body(group)
            for _ in range(2 if settings.mode == "twice" else 1):
                self._push(_Due(0, 0, due.provider, body=body, url=url))

    def _push(self, due: _Due) -> bool:
        settings = self._settings
        if post(due.url, due.body, settings.timeout_ms / 1000):
            self._stats["pushed"] += 1
            return True
        self._stats["failed_tries"] += 1
        if due.tries >= len(settings.ladder_s):
            self._stats["lost"] += 1
            return False
        self._add(
            replace(
                due,
                at=time.monotonic() + settings.ladder_s[due.tries],
                order=next(self._orders),
                tries=due.tries + 1,
            )
        )
        return False


def post(url: str, body: bytes, timeout: float) -> bool:
    """POST JSON once; True for status 200 within the time-out. The answer is not read."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    try:
        connection.request(
            "POST",
            parts.path or "/",
            body=body,
            headers={"Content-Type": "application/json; charset=utf-8", "Connection": "close"},
        )
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_on_this_machine(url: str) -> bool:
    """Whether a push to `url` stays on the loopback: the simulator must not be a way to reach
    others."""
    parts = urlsplit(url.replace("{provider}", "x"))
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"
