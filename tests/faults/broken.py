"""The relay with one of its safeties taken out. Each patch is made in the process that sends, before it starts.

What the checker must see of each, in one of which groups: `CAUGHT`.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from care.channels.base import Answer, Outcome
from care.models import Message
from care.relay import Relay
from care.services import doubts, inbox, outbox, standing
from care.windows import Standing, Verdict

State = Message.State


def no_fence(relay: Relay) -> None:
    """A sender that comes back too late writes its outcome over whatever is there by now."""

    def settle(claim: outbox.Claim, answer: Answer, *, now: datetime, timing: Any) -> bool:
        mine = Message.objects.filter(pk=claim.message_id)
        if answer.outcome is Outcome.RETRY:
            return bool(mine.update(state=State.PENDING, next_at=now + (answer.wait or timedelta())))
        states = {Outcome.ACCEPTED: State.ACCEPTED, Outcome.UNKNOWN: State.UNKNOWN}
        return bool(mine.update(state=states.get(answer.outcome, State.FAILED)))

    outbox.settle = settle  # type: ignore[assignment]


def consent_when_planned(relay: Relay) -> None:
    """Whether the guest wants a text is asked when it is planned and never again."""
    original = outbox.next_due

    def next_due(*args: Any, **said: Any) -> tuple[standing.Due, standing.Seen] | None:
        found = original(*args, **said)
        return found and (found[0], replace(found[1], standing=Standing(True, False, True)))

    outbox.next_due = next_due


def hours_when_planned(relay: Relay) -> None:
    """The store's hours are looked at when a text is planned and never again."""
    original = outbox.judge

    def judge(now: datetime, *, hours: Any, expires_at: datetime, **rest: Any) -> Verdict:
        always = replace(hours, opens=datetime.min.time(), closes=datetime.max.time())
        return original(now, hours=always, expires_at=expires_at, **rest)

    outbox.judge = judge


def blind_retry(relay: Relay) -> None:
    """No answer counts as no: the text is sent again."""
    _answers(relay, {Outcome.UNKNOWN: Answer(Outcome.RETRY, wait=timedelta(milliseconds=100))})


def silence_is_yes(relay: Relay) -> None:
    """No answer counts as yes: the text is never asked about."""
    _answers(relay, {Outcome.UNKNOWN: Answer(Outcome.ACCEPTED)})


def _answers(relay: Relay, instead: dict[Outcome, Answer]) -> None:
    original = outbox.send

    def send(*args: Any) -> Answer:
        answer = original(*args)
        return instead.get(answer.outcome, answer)

    outbox.send = send


def no_horizon(relay: Relay) -> None:
    """Not found once, at any moment, counts as not taken."""
    relay.timing = replace(relay.timing, settle=timedelta())
    doubts.PROOFS_NEEDED = 1


def no_unique_key(relay: Relay) -> None:
    """The database does not know that a guest and a number are owed one text an occasion."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE care_message DROP CONSTRAINT one_text_a_guest")
        cursor.execute("DROP INDEX one_text_a_number")


def receipt_trusted(relay: Relay) -> None:
    """A receipt that says undelivered has the text sent again, each time it comes."""
    original = inbox._apply_receipt

    def apply(item: dict[str, Any], row: Any, now: datetime) -> str:
        if item["delivered"]:
            return original(item, row, now)
        Message.objects.filter(pk=item["out_id"]).update(state=State.PENDING, next_at=now)
        return "undelivered"

    inbox._apply_receipt = apply


def no_number_lock(relay: Relay) -> None:
    """Two texts to one number are judged side by side, neither knowing of the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('care_next_due'::regproc)")
        [(whole,)] = cursor.fetchall()
        without = re.sub(r"PERFORM pg_advisory_xact_lock.*", "", whole)
        assert without != whole
        cursor.execute(without)


PATCHES: dict[str, Callable[[Relay], None]] = {
    patch.__name__: patch
    for patch in (
        no_fence, consent_when_planned, hours_when_planned, blind_retry, silence_is_yes, no_horizon, no_unique_key,
        receipt_trusted, no_number_lock,
    )
}  # fmt: skip
ANY_OWED = ("steady", "pair")
CAUGHT = {
    "no_fence": ("doubled", ANY_OWED),
    "consent_when_planned": ("refused", ("left_consent",)),
    "hours_when_planned": ("outside", ("closing",)),
    "blind_retry": ("doubled", ANY_OWED),
    "silence_is_yes": ("lost", ANY_OWED),
    "no_horizon": ("doubled", ANY_OWED),
    "no_unique_key": ("doubled", ANY_OWED),
    "receipt_trusted": ("doubled", ANY_OWED),
    "no_number_lock": ("doubled", ("pair",)),
}
