"""The outbox: one text claimed, sent, settled. Between claim and outcome the row says SENDING, and whoever
finds it so after the lease knows only that nobody knows.

Providers are not idempotent. So a text is sent again only after a proof that it was not taken: see `doubts`.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from care.channels.base import Answer, Outcome, Outgoing, Provider
from care.models import Attempt, Message
from care.services.calls import calls_for_messages
from care.services.occasions import LATEST
from care.texts import TEXTS, provider_code
from care.timing import Timing, rest_before_retry
from care.windows import Hours, Standing, Verdict, judge
from common.fields import Undecipherable, decrypt
from common.keys import current_keys

log = logging.getLogger(__name__)
State = Message.State
# A relay that is frozen in the middle of a transaction must not keep its row from the others.
_FROZEN_MS = "5000"

_DUE = """
SELECT m.id, m.attempt, m.number, m.template, m.variables, m.not_before, m.expires_at,
    s.messages_from, s.messages_until, s.timezone,
    t.id IS NOT NULL AS holds_number,
    EXISTS (SELECT 1 FROM customers_optout x WHERE x.brand_id = m.brand_id AND x.number_index = m.phone_key),
    CASE WHEN t.kind = 'contact' THEN {told} IS TRUE AND {own} IS NOT FALSE ELSE {own} IS TRUE END
FROM care_message m JOIN staff_store s ON s.id = m.store_id
LEFT JOIN customers_phone t ON t.customer_id = m.customer_id AND t.number_index = m.phone_key
WHERE m.state = 'pending' AND m.next_at <= %(now)s
ORDER BY m.next_at LIMIT 1 FOR UPDATE OF m SKIP LOCKED
""".format(
    told=LATEST.format(customer="m.customer_id", phone="= t.id"),
    own=LATEST.format(customer="m.customer_id", phone="IS NULL"),
)


@dataclass(frozen=True)
class Claim:
    """A text that is ours to send, once; the request is signed with `at`, the moment of the claim."""

    message_id: UUID
    attempt: int
    number: str
    template: str
    variables: dict[str, str]
    at: datetime


@dataclass(frozen=True)
class Disposed:
    """A due text that does not go out (now): the verdict on it."""

    message_id: UUID
    verdict: Verdict


def claim_next(*, now: datetime, by: str, provider: str) -> Claim | Disposed | None:
    """Take the next due text, or dispose of it, or None where nothing is due.

    In one transaction: the row is locked (others pass it by), consent, opt-out, number, hours and expiry are
    looked at as they are at this moment, and only then the row becomes SENDING under the next attempt's
    number.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        _be_quick(cursor)
        cursor.execute(_DUE, {"now": now})
        row = cursor.fetchone()
        if row is None:
            return None
        message_id, attempt, sealed, template, variables, not_before, expires_at = row[:7]
        opens, closes, zone, holds_number, opted_out, consents = row[7:]
        verdict = judge(
            now,
            not_before=not_before,
            expires_at=expires_at,
            hours=Hours(opens, closes, zone),
            standing=Standing(holds_number, opted_out, consents),
        )
        number = ""
        if verdict.do == "send":
            try:
                number = decrypt(bytes(sealed or b""), current_keys())
            except Undecipherable:
                verdict = Verdict("end", State.FAILED, "number_unreadable")
        if verdict.do != "send":
            _dispose(message_id, verdict, now)
            return Disposed(message_id, verdict)
        Message.objects.filter(pk=message_id).update(
            state=State.SENDING,
            attempt=attempt + 1,
            claimed_at=now,
            claimed_by=by[:60],
            provider=provider,
            asked=0,
            asked_at=None,
        )
        return Claim(message_id, attempt + 1, number, template, json.loads(variables), now)


def _be_quick(cursor: Any) -> None:
    """Let the database end this transaction if its process stops answering."""
    cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [_FROZEN_MS])


def _dispose(message_id: UUID, verdict: Verdict, now: datetime) -> None:
    message = Message.objects.filter(pk=message_id)
    if verdict.do == "wait":
        message.update(next_at=verdict.next_at)
        return
    message.update(state=verdict.state, reason=verdict.reason, final_at=now)
    if verdict.reason == "window_missed":
        calls_for_messages([message_id], now)


def send(claim: Claim, provider: Provider, env: dict[str, str]) -> Answer:
    """Call the provider once, signed with the moment of the claim. Raises nothing for what the network
    does.
    """
    text = TEXTS.get(claim.template)
    if text is None:
        return Answer(Outcome.REFUSED, code="Local.NoSuchText")
    return provider.send(
        Outgoing(
            out_id=str(claim.message_id),
            phone=claim.number,
            sign="",
            template=provider_code(claim.template, provider.name, env),
            params=claim.variables,
            at=claim.at,
            order=text.order,
        )
    )


@transaction.atomic
def settle(claim: Claim, answer: Answer, *, now: datetime, timing: Timing) -> bool:
    """Write down the call and what it proved; False where the claim had been taken away meanwhile.

    The outcome is written only over our own attempt while it is still SENDING. What is not proven is UNKNOWN.
    """
    with connection.cursor() as cursor:
        _be_quick(cursor)
    Attempt.objects.create(
        message_id=claim.message_id,
        number=claim.attempt,
        started_at=claim.at,
        outcome=answer.outcome.value,
        code=answer.code[:60],
        http=answer.http,
        took_ms=answer.took_ms,
    )
    mine = Message.objects.filter(pk=claim.message_id, attempt=claim.attempt, state=State.SENDING)
    match answer.outcome:
        case Outcome.ACCEPTED:
            kept = mine.update(state=State.ACCEPTED, provider_message_id=answer.message_id[:64], reason="")
        case Outcome.REFUSED:
            kept = mine.update(state=State.FAILED, reason="refused", final_at=now)
        case Outcome.RETRY:
            kept = _again(mine, now, now + rest_before_retry(answer.wait, claim.attempt))
        case Outcome.CIRCUIT:
            kept = _again(mine, now, now + timing.pause)
            paused = _pause(claim.template if answer.scope == "template" else None, now, now + timing.pause)
            log.error("provider refuses the %s (%s): %d texts rest", answer.scope, answer.code, paused)
        case Outcome.UNKNOWN:
            kept = mine.update(state=State.UNKNOWN)
    if not kept:
        log.warning("text %s: attempt %d came back after its lease", claim.message_id, claim.attempt)
    return bool(kept)


def _again(mine: Any, now: datetime, next_at: datetime) -> int:
    """Certainly not taken: due again later, or over when later is after its window."""
    row = mine.values_list("pk", "expires_at").first()
    if row is None:
        return 0
    if next_at < row[1]:
        return int(mine.update(state=State.PENDING, next_at=next_at))
    kept = mine.update(state=State.EXPIRED, reason="window_missed", final_at=now)
    if kept:
        calls_for_messages([row[0]], now)
    return int(kept)


def _pause(template: str | None, now: datetime, until: datetime) -> int:
    """Let every due text (of a template) rest until then. Rows that a colleague holds are passed by."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE care_message SET next_at = %(until)s WHERE id IN (SELECT id FROM care_message "
            "WHERE state = 'pending' AND next_at < %(until)s "
            "AND (%(template)s IS NULL OR template = %(template)s) FOR UPDATE SKIP LOCKED)",
            {"until": until, "template": template, "now": now},
        )
        return cursor.rowcount


@transaction.atomic
def expire_missed(*, now: datetime) -> int:
    """End the waiting texts whose window is over, each with its call task. May run twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE care_message SET state = 'expired', reason = 'window_missed', final_at = %(now)s "
            "WHERE id IN (SELECT id FROM care_message WHERE state = 'pending' AND expires_at <= %(now)s "
            "ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED) RETURNING id",
            {"now": now},
        )
        late = [row[0] for row in cursor.fetchall()]
    calls_for_messages(late, now)
    return len(late)
