"""What is true of a due text at this moment: its guest, its number, the brand's budget. Asked while it is claimed.

Two texts to one number may be claimed at the same moment by two relays. So the number is locked first and looked at
by a statement of its own: whoever comes second sees what the first has claimed.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from care.models import Message
from care.services.gate import COMPLAINT_OPEN, LATEST, MOURNING
from care.windows import CAP_DAYS, Standing

# The first half of the key of an advisory lock; the brand's id is the second.
_BUDGET = 0x62756467
_HANDED = ", ".join(f"'{state}'" for state in Message.HANDED)

# A statement of its own, on the same way to the server: the next one sees what was committed while this one waited.
_LOCK = "SELECT pg_advisory_xact_lock(%(number)s);"
# The number's texts are found by the number (OFFSET 0): by the brand's calendar they would be looked for among all that
# went out in a month.
_STANDING = """
SELECT t.id IS NOT NULL,
    EXISTS (SELECT 1 FROM customers_optout x WHERE x.brand_id = m.brand_id AND x.number_index = m.phone_key),
    CASE WHEN t.kind = 'contact' THEN {told} IS TRUE AND {own} IS NOT FALSE ELSE {own} IS TRUE END,
    EXISTS (SELECT 1 FROM feedback_complaint c WHERE c.customer_id = m.customer_id AND {open}),
    EXISTS (SELECT 1 FROM customers_tag g WHERE g.customer_id = m.customer_id AND g.removed_at IS NULL
        AND g.word = ANY(%(mourning)s)),
    m.category = 'campaign' AND EXISTS (SELECT 1 FROM care_campaign k WHERE k.store_id = m.store_id
        AND k.state = 'cancelled' AND 'campaign:' || k.id = m.occasion),
    ARRAY(SELECT (h.claimed_at AT TIME ZONE %(zone)s)::date FROM (SELECT b.state, b.claimed_at FROM care_message b
        WHERE b.brand_id = m.brand_id AND b.phone_key = m.phone_key OFFSET 0) h
        WHERE h.state IN ({handed}) AND h.claimed_at >= %(since)s)
FROM care_message m
LEFT JOIN customers_phone t ON t.customer_id = m.customer_id AND t.number_index = m.phone_key
WHERE m.id = %(message)s
""".format(
    told=LATEST.format(customer="m.customer_id", phone="= t.id"),
    own=LATEST.format(customer="m.customer_id", phone="IS NULL"),
    open=COMPLAINT_OPEN,
    handed=_HANDED,
)
_SPENT = (
    "SELECT coalesce(sum(parts), 0) FROM care_message WHERE brand_id = %(brand)s "
    f"AND claimed_at >= %(since)s AND state IN ({_HANDED})"
)


@dataclass(frozen=True)
class Seen:
    """`standing` of guest and number; `had`: the local days of the texts the number got, or may have got."""

    standing: Standing
    had: list[date]


def look_at(cursor: Any, message_id: UUID, phone_key: bytes, zone: str, now: datetime) -> Seen:
    """Lock the number until the end of the transaction, then look at everything that may speak against the text."""
    # A day more than the cap looks back: a local day may begin before a day counted in hours does.
    since = now - timedelta(days=CAP_DAYS + 1)
    number = int.from_bytes(phone_key[:8], "big", signed=True)
    cursor.execute(
        _LOCK + _STANDING,
        {"number": number, "message": message_id, "mourning": list(MOURNING), "zone": zone, "since": since},
    )
    *said, had = cursor.fetchone()
    return Seen(Standing(*said), had)


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
