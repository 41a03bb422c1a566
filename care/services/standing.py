"""What is true of a due text at this moment: its guest, its number, the brand's budget. Asked while it is claimed.

Two texts to one number may be claimed at the same moment by two relays. So the number is locked first and looked at
by a statement of its own: whoever comes second sees what the first has claimed. Both statements live in the database
as the function `care_next_due`, planned once a session (docs/adr/0011).
"""

from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from care.models import Message
from care.services.gate import MOURNING
from care.windows import CAP_DAYS, Standing

# The first half of the key of an advisory lock; the brand's id is the second.
_BUDGET = 0x62756467
_HANDED = ", ".join(f"'{state}'" for state in Message.HANDED)

# A relay that is frozen in the middle of a transaction must not keep its row from the others: the database ends it.
_FROZEN_MS = 5000
_NEXT = "SELECT * FROM care_next_due(%(now)s, %(unheard)s, %(since)s, %(mourning)s, %(frozen)s)"
_SPENT = (
    "SELECT coalesce(sum(parts), 0) FROM care_message WHERE brand_id = %(brand)s "
    f"AND claimed_at >= %(since)s AND state IN ({_HANDED})"
)


@dataclass(frozen=True)
class Due:
    """A due text as its row says, locked, with its store's hours and its brand's rules (None: the default)."""

    id: UUID
    attempt: int
    sealed: bytes | None
    template: str
    variables: str
    reason: str
    not_before: datetime
    expires_at: datetime
    brand_id: int
    opens: time
    closes: time
    zone: str
    a_day: int | None
    a_month: int | None
    month_parts: int | None


@dataclass(frozen=True)
class Seen:
    """`standing` of guest and number; `had`: the local days of the texts the number got, or may have got."""

    standing: Standing
    had: list[date]


def next_due(cursor: Any, *, now: datetime, unheard: timedelta) -> tuple[Due, Seen] | None:
    """Lock the next due text, others pass it by; then its number, until the end of the transaction; then look at
    everything that may speak against it. None where nothing is due, or while a reply has waited for `unheard`.
    """
    # A day more than the cap looks back: a local day may begin before a day counted in hours does.
    since = now - timedelta(days=CAP_DAYS + 1)
    said = {
        "now": now,
        "unheard": now - unheard,
        "since": since,
        "mourning": list(MOURNING),
        "frozen": _FROZEN_MS,
    }
    cursor.execute(_NEXT, said)
    row = cursor.fetchone()
    if row is None:
        return None
    told = len(fields(Due))
    *standing, had = row[told:]
    return Due(*row[:told]), Seen(Standing(*standing), had)


def be_quick(cursor: Any) -> None:
    """From here to the end of the transaction: whoever is frozen for longer loses it."""
    cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [str(_FROZEN_MS)])


def lock_budget(cursor: Any, brand_id: int) -> None:
    """Wait until nobody else is claiming against the brand's budget; held to the end of the transaction."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_BUDGET, brand_id])


def parts_spent(cursor: Any, brand_id: int, zone: str, now: datetime) -> int:
    """The parts handed to a provider, or perhaps handed, since the month began on the store's clock."""
    cursor.execute(_SPENT, {"brand": brand_id, "since": month_start(zone, now)})
    return int(cursor.fetchone()[0])


def month_start(zone: str, now: datetime) -> datetime:
    """The first moment of the calendar month on a store's clock."""
    local = now.astimezone(ZoneInfo(zone))
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
