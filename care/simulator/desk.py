"""The simulator's core: the account, the ledger and the rules, without any dialect."""

import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Protocol

from care.simulator.behaviour import Behaviour
from care.simulator.ledger import Entry, Ledger
from care.simulator.push import Pusher
from care.simulator.signatures import Keys, Nonces, Request
from care.simulator.templates import Templates

CHINA = timezone(timedelta(hours=8))


class Fate(Enum):
    """What happens to the answer."""

    ANSWER = "answer"
    HOLD = "hold"
    RESET = "reset"


@dataclass(frozen=True)
class Out:
    """An HTTP answer, or the lack of one."""

    status: int = 200
    body: bytes = b""
    fate: Fate = Fate.ANSWER
    content_type: str = "application/json"


@dataclass(frozen=True)
class Draft:
    """A checked send request: what would go into the ledger, and the answer that would say so."""

    entries: list[Entry]
    answer: Out


class Dialect(Protocol):
    """How one provider talks."""

    name: str

    def check(self, request: Request, desk: "Desk") -> datetime:
        """Check the signature; returns when it was signed, raises Refusal."""
        ...

    def is_send(self, request: Request) -> bool:
        """Whether the call is SendSms."""
        ...

    def draft(self, request: Request, desk: "Desk", signed_at: datetime) -> Draft:
        """Check a send call and prepare its entries. Raises Refusal."""
        ...

    def query(self, request: Request, desk: "Desk") -> Out:
        """Answer a query call. Raises Refusal."""
        ...

    def refusal(self, code: str, message: str, status: int) -> Out:
        """An answer that refuses with one of the provider's codes."""
        ...

    @property
    def throttled(self) -> str:
        """The provider's code for too many calls."""
        ...


class Desk:
    """Takes calls in any dialect and treats them as the behaviour says."""

    def __init__(
        self,
        *,
        keys: Keys,
        ledger: Ledger,
        pusher: Pusher,
        sdk_app_id: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.keys = keys
        self.ledger = ledger
        self.pusher = pusher
        self.sdk_app_id = sdk_app_id
        self.clock = clock
        self.nonces = Nonces()
        self.behaviour = Behaviour()
        self.templates = Templates()
        self._one_by_one = threading.Lock()
        for entry in ledger.select():
            if entry.nonce:
                self.nonces.use(entry.nonce, entry.moment)

    def handle(self, dialect: Dialect, request: Request) -> tuple[Out, float]:
        """Treat one call. Returns the answer and how many seconds to wait before giving it."""
        signed_at = dialect.check(request, self)
        if not dialect.is_send(request):
            if self.behaviour.query_down(dialect.name):
                return Out(503, b'{"message":"unavailable"}'), 0.0
            return dialect.query(request, self), 0.0
        rule = self.behaviour.draw(dialect.name)
        return self._treat(rule.mode, rule.code, rule.seconds, dialect, request, signed_at), (
            rule.delay_ms / 1000
        )

    def _treat(
        self,
        mode: str,
        code: str,
        seconds: float,
        dialect: Dialect,
        request: Request,
        signed_at: datetime,
    ) -> Out:
        match mode:
            case "timeout_before_accept":
                return Out(fate=Fate.HOLD)
            case "reset_before_accept":
                return Out(fate=Fate.RESET)
            case "error_5xx_before":
                return Out(503, b'{"message":"unavailable"}')
            case "business_error" | "throttle":
                return dialect.refusal(code or dialect.throttled, "as told", 0)
            case "late_accept":
                draft = dialect.draft(request, self, signed_at)
                timer = threading.Timer(seconds, self._accept, [draft.entries])
                timer.daemon = True
                timer.start()
                return Out(fate=Fate.HOLD)
        # The limit per number is read and used up under one lock; without a limit, sends run side
        # by side.
        limited = self.behaviour.per_phone_24h is not None
        gate: AbstractContextManager[object] = self._one_by_one if limited else nullcontext()
        with gate:
            draft = dialect.draft(request, self, signed_at)
            self._accept(draft.entries)
        match mode:
            case "accept_then_timeout":
                return Out(fate=Fate.HOLD)
            case "reset_after_accept":
                return Out(fate=Fate.RESET)
            case "error_5xx_after_accept":
                return Out(503, b'{"message":"unavailable"}')
            case "garbage_after_accept":
                return Out(200, b"<html>gateway</html>", content_type="text/html")
        return draft.answer

    def _accept(self, entries: list[Entry]) -> None:
        at = self.clock().astimezone(CHINA).isoformat()
        stamped = [replace(entry, at=at) for entry in entries]
        if stamped:
            self.ledger.accept(stamped)
            self.pusher.accepted(stamped)

    def is_over_limit(self, provider: str, phone: str) -> bool:
        """Whether a number has had its messages of the last 24 hours."""
        limit = self.behaviour.per_phone_24h
        if limit is None:
            return False
        since = self.clock() - timedelta(hours=24)
        recent = [e for e in self.ledger.select(phone=phone, provider=provider) if e.moment > since]
        return len(recent) >= limit

    def visible(self, provider: str, phone: str) -> list[Entry]:
        """What a query may show: everything older than the lag."""
        until = self.clock() - timedelta(milliseconds=self.behaviour.query_lag_ms)
        return [e for e in self.ledger.select(phone=phone, provider=provider) if e.moment <= until]


def new_number() -> int:
    """A number for a message id: 18 digits, not guessable."""
    return 10**17 + secrets.randbelow(9 * 10**17)


def national(phone: str) -> str:
    """A mainland number without its country code; others as they are."""
    for prefix in ("+86", "0086", "86"):
        if phone.startswith(prefix) and len(phone) == len(prefix) + 11:
            return phone[len(prefix) :]
    return phone


def is_mobile(phone: str) -> bool:
    """Whether it is a mainland mobile number."""
    return len(phone) == 11 and phone.isdecimal() and phone.startswith("1") and phone[1] in "3456789"
