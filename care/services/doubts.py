"""Texts whose outcome nobody knows: asked about at the provider, and sent again only when certainly not
taken. And texts that were taken but never reported on: asked about after three days.

Not found once proves nothing: the request may still be on its way. A text is due again when, after the settle
horizon (longer than a signed request is accepted at all), it was not found twice with some time between.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from care.channels.base import CHINA, Finding, Found, Provider
from care.models import Message
from care.services.calls import calls_for_messages
from care.timing import Timing
from common.fields import Undecipherable, decrypt
from common.keys import current_keys

log = logging.getLogger(__name__)
State = Message.State
PROOFS_NEEDED = 2
_FOUND = {
    Found.FOUND_ACCEPTED: State.ACCEPTED,
    Found.FOUND_DELIVERED: State.DELIVERED,
    Found.FOUND_UNDELIVERED: State.UNDELIVERED,
}


@dataclass(frozen=True)
class Doubt:
    """One text to ask about, as it stood when its turn to be asked was taken."""

    message_id: UUID
    attempt: int
    number: bytes
    claimed_at: datetime
    expires_at: datetime
    asked: int


def end_leases(*, now: datetime, timing: Timing) -> int:
    """Whoever claimed a text and has not come back within the lease leaves it in doubt."""
    over = Message.objects.filter(state=State.SENDING, claimed_at__lt=now - timing.lease)
    with transaction.atomic():
        # A row that is locked is being settled at this moment.
        rows = list(over.select_for_update(skip_locked=True).values_list("pk", flat=True))
        return Message.objects.filter(pk__in=rows).update(state=State.UNKNOWN, asked=0, asked_at=None)


def take_doubts(*, now: datetime, timing: Timing, most: int = 20) -> list[Doubt]:
    """The texts whose turn it is to be asked about, oldest first; they are not taken again before
    `ask_again`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE care_message m SET asked_at = %(now)s FROM (SELECT id FROM care_message "
            "WHERE state = 'unknown' AND (asked_at IS NULL OR asked_at <= %(before)s) "
            "ORDER BY claimed_at LIMIT %(most)s FOR UPDATE SKIP LOCKED) due WHERE m.id = due.id "
            "RETURNING m.id, m.attempt, m.number, m.claimed_at, m.expires_at, m.asked",
            {"now": now, "before": now - timing.ask_again, "most": most},
        )
        return [Doubt(row[0], row[1], bytes(row[2]), *row[3:]) for row in cursor.fetchall()]


def ask(doubt: Doubt, provider: Provider, *, now: datetime) -> Finding:
    """Ask the provider about one text."""
    try:
        number = decrypt(doubt.number, current_keys())
    except Undecipherable:
        return Finding(Found.UNAVAILABLE, code="Local.Undecipherable")
    sent_on = doubt.claimed_at.astimezone(CHINA).date()
    return provider.find(str(doubt.message_id), number, sent_on, at=now)


@transaction.atomic
def resolve(doubt: Doubt, finding: Finding, *, now: datetime, timing: Timing) -> str:
    """Write what the answer proves; returns the state the text is in now ("" where somebody else was
    quicker).
    """
    mine = Message.objects.filter(pk=doubt.message_id, attempt=doubt.attempt, state=State.UNKNOWN)
    age = now - doubt.claimed_at
    if finding.count > 1:
        log.error("the provider took text %s %d times", doubt.message_id, finding.count)
    if finding.found in _FOUND:
        state = _FOUND[finding.found]
        values: dict[str, object] = {"state": state}
        if finding.message_id:
            values["provider_message_id"] = finding.message_id[:64]
        if state != State.ACCEPTED:
            values["final_at"] = now
        return state if mine.update(**values) else ""
    if finding.found is Found.NOT_FOUND and age >= timing.settle:
        if doubt.asked + 1 < PROOFS_NEEDED:
            return State.UNKNOWN if mine.update(asked=doubt.asked + 1) else ""
        if now < doubt.expires_at:
            return State.PENDING if mine.update(state=State.PENDING, next_at=now, asked=0) else ""
        if mine.update(state=State.EXPIRED, reason="window_missed", final_at=now):
            calls_for_messages([doubt.message_id], now)
            return State.EXPIRED
        return ""
    if finding.found is Found.UNAVAILABLE and age >= timing.give_up:
        return State.PARKED if mine.update(state=State.PARKED, reason="unverified") else ""
    return State.UNKNOWN


def take_unreported(*, now: datetime, timing: Timing, most: int = 20) -> list[Doubt]:
    """Texts that were taken `pull` ago and never reported on, oldest first; not taken again before `pull_again`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE care_message m SET asked_at = %(now)s FROM (SELECT id FROM care_message "
            "WHERE state = 'accepted' AND final_at IS NULL AND claimed_at <= %(since)s "
            "AND (asked_at IS NULL OR asked_at <= %(before)s) "
            "ORDER BY claimed_at LIMIT %(most)s FOR UPDATE SKIP LOCKED) due WHERE m.id = due.id "
            "RETURNING m.id, m.attempt, m.number, m.claimed_at, m.expires_at, m.asked",
            {"now": now, "since": now - timing.pull, "before": now - timing.pull_again, "most": most},
        )
        return [Doubt(row[0], row[1], bytes(row[2]), *row[3:]) for row in cursor.fetchall()]


@transaction.atomic
def settle_unreported(doubt: Doubt, finding: Finding, *, now: datetime, timing: Timing) -> str:
    """Write what the provider knows of a text that it took; "" where nothing changed.

    After `pull_until` nobody asks any more: it stays accepted, final, without a receipt.
    """
    mine = Message.objects.filter(
        pk=doubt.message_id, attempt=doubt.attempt, state=State.ACCEPTED, final_at=None
    )
    if finding.found is Found.FOUND_DELIVERED:
        return State.DELIVERED if mine.update(state=State.DELIVERED, reason="", final_at=now) else ""
    if finding.found is Found.FOUND_UNDELIVERED:
        values = {"state": State.UNDELIVERED, "reason": "undelivered", "final_at": now}
        return State.UNDELIVERED if mine.update(**values) else ""
    if finding.found is Found.NOT_FOUND:
        log.error("the provider took text %s and does not know it now", doubt.message_id)
    if now - doubt.claimed_at >= timing.pull_until:
        return State.ACCEPTED if mine.update(reason="no_receipt", final_at=now) else ""
    return ""
