"""The outbox: one text claimed, sent, settled. Between claim and outcome the row says SENDING, and whoever
finds it so after the lease knows only that nobody knows.

Providers are not idempotent. So a text is sent again only after a proof that it was not taken: see `doubts`.
"""

import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from care.channels.base import Answer, Outcome, Outgoing, Provider
from care.models import Attempt, Message
from care.parts import parts_of, whole_text
from care.services.calls import calls_for_messages
from care.services.promises import said_now
from care.services.standing import Due, Seen, be_quick, lock_budget, next_due, parts_spent
from care.texts import TEXTS, provider_code
from care.timing import Timing, rest_before_retry
from care.windows import DEFAULT_CAPS, MISSED, Caps, Hours, Verdict, judge
from common.fields import Undecipherable, decrypt
from common.keys import current_keys

log = logging.getLogger(__name__)
State = Message.State
UNHEARD = Timing().unheard
# Whoever gets no text for one of these reasons is greeted by a person.
BY_HAND = ("window_missed", *Message.HELD)

_TAKE = """
UPDATE care_message SET state = 'sending', reason = '', attempt = %(attempt)s, parts = %(parts)s, template = %(template)s,
    variables = %(variables)s::jsonb, claimed_at = %(now)s, claimed_by = %(by)s, provider = %(provider)s, asked = 0,
    asked_at = NULL WHERE id = %(id)s
"""
# The call and what it proved, in one statement: both are written, or neither. The server need not wait for its disk: an
# outcome that a crash takes away leaves the text in doubt, and the provider is asked. Only the claim must last.
_SETTLE = """
SELECT set_config('synchronous_commit', 'off', true);
WITH told AS (
    INSERT INTO care_attempt (message_id, number, started_at, outcome, code, http, took_ms)
    VALUES (%(message_id)s, %(number)s, %(started_at)s, %(outcome)s, %(code)s, %(http)s, %(took_ms)s)
)
UPDATE care_message SET state = %(state)s, reason = %(reason)s,
    provider_message_id = CASE WHEN %(state)s = 'accepted' THEN %(taken_as)s ELSE provider_message_id END,
    final_at = %(final_at)s
WHERE id = %(message_id)s AND attempt = %(number)s AND state = 'sending'
"""


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


def claim_next(
    *,
    now: datetime,
    by: str,
    provider: str,
    sign: str = "",
    unheard: timedelta = UNHEARD,
    approved: Collection[str] = (),
) -> Claim | Disposed | None:
    """Take the next due text, or dispose of it, or None where nothing is due.

    In one transaction: the row is locked (others pass it by), then its number; consent, opt-out, complaint, number,
    hours, caps, budget and expiry are looked at as they are at this moment, and only then the row becomes SENDING
    under the next attempt's number. `sign` is the signature, which is billed with the words. While a reply has been
    lying in the tray for longer than `unheard` nothing is claimed: it may say stop. A text that tells of a voucher
    which is used by now, or that is not among the `approved`, goes out as its plain text.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        found = next_due(cursor, now=now, unheard=unheard)
        if found is None:
            return None
        due, seen = found
        template, variables = said_now(
            due.template, json.loads(due.variables), approved, now.astimezone(ZoneInfo(due.zone)).date()
        )
        parts = parts_of(whole_text(sign, template, variables))
        verdict = _verdict(cursor, due, seen, parts, now)
        number = ""
        if verdict.do == "send":
            try:
                number = decrypt(bytes(due.sealed or b""), current_keys())
            except Undecipherable:
                verdict = Verdict("end", State.FAILED, "number_unreadable")
        if verdict.do != "send":
            _dispose(due, verdict, now)
            return Disposed(due.id, verdict)
        cursor.execute(
            _TAKE,
            {
                "id": due.id, "attempt": due.attempt + 1, "parts": parts, "now": now, "by": by[:60],
                "provider": provider, "template": template, "variables": json.dumps(variables),
            },
        )  # fmt: skip
        return Claim(due.id, due.attempt + 1, number, template, variables, now)


def _verdict(cursor: Any, due: Due, seen: Seen, parts: int, now: datetime) -> Verdict:
    left = None
    if due.month_parts is not None:
        lock_budget(cursor, due.brand_id)
        left = due.month_parts - parts_spent(cursor, due.brand_id, due.zone, now)
    caps = DEFAULT_CAPS if due.a_day is None or due.a_month is None else Caps(due.a_day, due.a_month)
    return judge(
        now,
        not_before=due.not_before,
        expires_at=due.expires_at,
        hours=Hours(due.opens, due.closes, due.zone),
        standing=seen.standing,
        caps=caps,
        had=seen.had,
        parts=parts,
        parts_left=left,
    )


def _dispose(due: Due, verdict: Verdict, now: datetime) -> None:
    message = Message.objects.filter(pk=due.id)
    if verdict.do == "wait":
        message.update(next_at=verdict.next_at, reason=verdict.reason)
        if verdict.reason == "budget" and verdict.next_at is not None:
            waiting = _rest(verdict.next_at, brand=due.brand_id, reason="budget")
            log.warning(
                "the month's budget of brand %d is used up: %d more texts wait", due.brand_id, waiting
            )
        return
    # What waited for the budget until its window was over says so, and not only that it was over.
    reason = due.reason if verdict is MISSED and due.reason in Message.HELD else verdict.reason
    message.update(state=verdict.state, reason=reason, final_at=now)
    if reason in BY_HAND:
        calls_for_messages([due.id], now)


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
            text=whole_text(env.get("SMS_SIGN_NAME", ""), claim.template, claim.variables),
        )
    )


def settle(claim: Claim, answer: Answer, *, now: datetime, timing: Timing) -> bool:
    """Write down the call and what it proved; False where the claim had been taken away meanwhile.

    The outcome is written only over our own attempt while it is still SENDING. What is not proven is UNKNOWN.
    """
    match answer.outcome:
        case Outcome.ACCEPTED:
            kept = _settle(claim, answer, State.ACCEPTED)
        case Outcome.REFUSED:
            kept = _settle(claim, answer, State.FAILED, "refused", now)
        case Outcome.UNKNOWN:
            kept = _settle(claim, answer, State.UNKNOWN)
        case Outcome.RETRY | Outcome.CIRCUIT:
            kept = _come_back(claim, answer, now, timing)
    if not kept:
        log.warning("text %s: attempt %d came back after its lease", claim.message_id, claim.attempt)
    return bool(kept)


def _settle(
    claim: Claim, answer: Answer, state: str, reason: str = "", final_at: datetime | None = None
) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            {
                **_call(claim, answer), "state": state, "reason": reason, "final_at": final_at,
                "taken_as": answer.message_id[:64],
            },
        )  # fmt: skip
        return cursor.rowcount


@transaction.atomic
def _come_back(claim: Claim, answer: Answer, now: datetime, timing: Timing) -> int:
    with connection.cursor() as cursor:
        be_quick(cursor)
    Attempt.objects.create(**_call(claim, answer))
    mine = Message.objects.filter(pk=claim.message_id, attempt=claim.attempt, state=State.SENDING)
    if answer.outcome is Outcome.RETRY:
        return _again(mine, now, now + rest_before_retry(answer.wait, claim.attempt))
    kept = _again(mine, now, now + timing.pause)
    paused = _rest(now + timing.pause, template=claim.template if answer.scope == "template" else None)
    log.error("provider refuses the %s (%s): %d texts rest", answer.scope, answer.code, paused)
    return kept


def _call(claim: Claim, answer: Answer) -> dict[str, Any]:
    """The call to the provider, as the columns of an attempt."""
    return {
        "message_id": claim.message_id,
        "number": claim.attempt,
        "started_at": claim.at,
        "outcome": answer.outcome.value,
        "code": answer.code[:60],
        "http": answer.http,
        "took_ms": answer.took_ms,
    }


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


def _rest(until: datetime, *, template: str | None = None, brand: int | None = None, reason: str = "") -> int:
    """Let every due text (of a template, of a brand) rest until then. Rows that a colleague holds are passed by."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE care_message SET next_at = %(until)s, "
            "reason = CASE WHEN %(reason)s = '' THEN reason ELSE %(reason)s END "
            "WHERE id IN (SELECT id FROM care_message WHERE state = 'pending' AND next_at < %(until)s "
            "AND (%(template)s IS NULL OR template = %(template)s) "
            "AND (%(brand)s::bigint IS NULL OR brand_id = %(brand)s) FOR UPDATE SKIP LOCKED)",
            {"until": until, "template": template, "brand": brand, "reason": reason},
        )
        return cursor.rowcount


@transaction.atomic
def expire_missed(*, now: datetime) -> int:
    """End the waiting texts whose window is over, each with its call task. May run twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE care_message SET state = 'expired', final_at = %(now)s, "
            "reason = CASE WHEN reason = ANY(%(held)s) THEN reason ELSE 'window_missed' END "
            "WHERE id IN (SELECT id FROM care_message WHERE state = 'pending' AND expires_at <= %(now)s "
            "ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED) RETURNING id",
            {"now": now, "held": list(Message.HELD)},
        )
        late = [row[0] for row in cursor.fetchall()]
    calls_for_messages(late, now)
    return len(late)
