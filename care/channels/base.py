"""What every SMS provider can be asked, and what it may answer.

The one question that matters after a call is: did the provider take the message? `Outcome` has
three kinds of answer to it: yes (ACCEPTED), certainly not (RETRY, REFUSED, CIRCUIT), and "nobody
can know" (UNKNOWN). Providers are not idempotent, so whatever is not proven to be one of the first
two is UNKNOWN.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Protocol
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
CODE_LENGTH = 60
MAX_CALLBACK_ITEMS = 1000

_LONG_NUMBER = re.compile(r"\d{7,}")


@dataclass(frozen=True)
class Outgoing:
    """One text to one phone. `at` (aware) is the moment the message was claimed; the request is
    signed with it, so a sender that slept through the provider's signature window is refused by the
    provider itself.

    `params` are the template's variables by name. `order` names them in the order of the approved
    text; only a provider with numbered variables needs it, and only for two or more variables. `text` is the whole
    text as the guest reads it, for a provider that keeps no approved texts.
    """

    out_id: str
    phone: str
    sign: str
    template: str
    params: Mapping[str, str]
    at: datetime
    order: tuple[str, ...] = ()
    text: str = ""


class Outcome(Enum):
    """What a send call proves."""

    ACCEPTED = "accepted"
    RETRY = "retry"  # certainly not taken; the same message may be tried again later
    REFUSED = "refused"  # certainly not taken, and never will be
    CIRCUIT = "circuit"  # certainly not taken, and no other message of this scope would be either
    UNKNOWN = "unknown"  # may have been taken: ask with `find`, never send again blindly


@dataclass(frozen=True)
class Answer:
    """The result of one send call.

    `http` is None when no status line was read. `scope` ("account" or "template") is set for
    CIRCUIT only. `wait` is how long a RETRY should rest at least. `detail` is for people and never
    carries a phone number.
    """

    outcome: Outcome
    code: str = ""
    message_id: str = ""
    http: int | None = None
    took_ms: int = 0
    detail: str = ""
    scope: str = ""
    wait: timedelta | None = None


class Found(Enum):
    """What a query proves about one of our ids."""

    FOUND_ACCEPTED = "accepted"
    FOUND_DELIVERED = "delivered"
    FOUND_UNDELIVERED = "undelivered"
    NOT_FOUND = "not_found"  # the provider lists what it took that day, and this is not among it
    UNAVAILABLE = "unavailable"  # no proof either way


@dataclass(frozen=True)
class Finding:
    """The result of one query. `count`: how often the provider took this id; 2 is a fault."""

    found: Found
    message_id: str = ""
    code: str = ""
    count: int = 0
    http: int | None = None
    took_ms: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Receipt:
    """A delivery report as pushed. `out_id` is "" where the provider does not return ours (Tencent
    Cloud)."""

    provider: str
    out_id: str
    message_id: str
    phone: str
    delivered: bool
    code: str
    at: datetime | None
    dedupe_key: str


@dataclass(frozen=True)
class Reply:
    """A text a guest sent back, as pushed. It names no message, only the phone."""

    provider: str
    phone: str
    text: str
    at: datetime | None
    dedupe_key: str


class BadCallback(ValueError):
    """A pushed body that is not of the provider's form."""


class Provider(Protocol):
    """An account at an SMS provider. Calls block for at most the connect plus the read time-out,
    and do not raise for anything the network or the provider does."""

    @property
    def name(self) -> str:
        """ "aliyun", "tencent" or "http": also the name in the callback addresses."""
        ...

    @property
    def acknowledgement(self) -> bytes:
        """The JSON body a callback is to be answered with, next to status 200."""
        ...

    def send(self, message: Outgoing) -> Answer:
        """Make one attempt, without any retry. Raises ValueError if `message.at` is naive."""
        ...

    def find(self, out_id: str, phone: str, sent_on: date, *, at: datetime) -> Finding:
        """Ask whether `out_id` was taken on `sent_on`, a date in China, or the day after. `at` is
        now."""
        ...

    @staticmethod
    def parse_receipts(body: bytes) -> list[Receipt]:
        """Read pushed delivery reports. Raises BadCallback."""
        ...

    @staticmethod
    def parse_replies(body: bytes) -> list[Reply]:
        """Read pushed replies. Raises BadCallback."""
        ...


def national_number(phone: str) -> str:
    """A number without separators, and without +86 if it is a mainland mobile number."""
    digits = re.sub(r"[\s()-]", "", phone)
    match = re.fullmatch(r"(?:\+86|0086|86)?(1\d{10})", digits)
    return match[1] if match else digits


def without_numbers(text: str) -> str:
    """A provider's words cut to 200 characters, with every run of 7 or more digits hidden."""
    return _LONG_NUMBER.sub("…", text)[:200]


def parse_china_time(text: object) -> datetime | None:
    """A provider's wall-clock time as an aware moment; None where it says nothing usable."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S"):
        try:
            return datetime.strptime(str(text), form).replace(tzinfo=CHINA)
        except ValueError:
            continue
    return None


def fingerprint(*parts: object) -> str:
    """64 hex characters that are the same whenever the same event is pushed again."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode("utf-8", "replace")).hexdigest()


def days_to_ask(sent_on: date, at: datetime) -> list[date]:
    """The send date, and the next where it has begun: a message sent before midnight may be taken
    after it."""
    following = sent_on + timedelta(days=1)
    return [sent_on] + ([following] if following <= at.astimezone(CHINA).date() else [])
