"""From what came over the wire to what it proves: the same reasoning for every provider."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from care.channels.base import CODE_LENGTH, Answer, Finding, Found, Outcome, without_numbers
from care.channels.wire import Result


class Verdict(NamedTuple):
    """What a provider's documented code proves. `scope` is set for CIRCUIT, `wait` for RETRY."""

    outcome: Outcome
    scope: str = ""
    wait: timedelta | None = None


TAKEN = Verdict(Outcome.ACCEPTED)
REFUSED = Verdict(Outcome.REFUSED)
ACCOUNT = Verdict(Outcome.CIRCUIT, scope="account")
TEMPLATE = Verdict(Outcome.CIRCUIT, scope="template")
SOON = Verdict(Outcome.RETRY, wait=timedelta(minutes=1))
NEXT_HOUR = Verdict(Outcome.RETRY, wait=timedelta(hours=1))
NEXT_DAY = Verdict(Outcome.RETRY, wait=timedelta(hours=24))
NOBODY_KNOWS = Verdict(Outcome.UNKNOWN)


def answer_from(
    result: Result,
    codes: Mapping[str, Verdict],
    *,
    code: object,
    message: object,
    message_id: object,
) -> Answer:
    """Judge one send call.

    Not sent: RETRY. No answer, a 5xx (it may come from a proxy after the provider took the
    message), no readable code, or a code outside `codes`: UNKNOWN. Else what the code proves;
    "taken" counts with HTTP 200 only.
    """
    if not result.sent:
        verdict, name = SOON, "Local.NotSent"
    elif not isinstance(code, str) or not code:
        verdict, name = NOBODY_KNOWS, f"Local.{result.error or 'Unreadable'}"
    else:
        verdict, name = codes.get(code, NOBODY_KNOWS), code
    if result.status is None or result.status >= 500 or (verdict is TAKEN and result.status != 200):
        verdict = NOBODY_KNOWS if result.sent else verdict
    return Answer(
        verdict.outcome,
        code=name[:CODE_LENGTH],
        message_id=str(message_id or "") if verdict is TAKEN else "",
        http=result.status,
        took_ms=result.took_ms,
        detail=result.error or without_numbers(str(message or "")),
        scope=verdict.scope,
        wait=verdict.wait,
    )


def finding_from(
    result: Result, found: Found, *, code: str = "", message_id: str = "", count: int = 0
) -> Finding:
    """Dress one query's result."""
    return Finding(
        found,
        message_id=message_id,
        code=code[:CODE_LENGTH],
        count=count,
        http=result.status,
        took_ms=result.took_ms,
        detail=result.error,
    )


def strongest(states: list[Found]) -> int:
    """The index of the row that tells most: delivered, else under way, else undelivered."""
    order = [Found.FOUND_DELIVERED, Found.FOUND_ACCEPTED, Found.FOUND_UNDELIVERED]
    return min(range(len(states)), key=lambda index: order.index(states[index]))
