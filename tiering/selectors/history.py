"""How a guest's tier went: each decision with its reasons, the numbers then known, and what came to be known late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from customers.models import Visit
from staff.models import Store
from tiering import facts
from tiering.models import TierDecision
from tiering.rules import Scheme
from tiering.selectors.schemes import scheme_of
from tiering.sentences import amount, language, reason_sentences
from tiering.why import why_moved

NUMBERS_SHOWN = 8
# A visit of longer ago than any window of the rules cannot have moved a tier.
WINDOW_DAYS = 366


@dataclass(frozen=True)
class Late:
    """A visit that was written down after its day was over, or taken back afterwards."""

    visit: Visit
    taken_back: bool


@dataclass(frozen=True)
class Passage:
    """A decision as people read it. `late`: what this night knew that the night of that day could not."""

    decision: TierDecision
    scheme: Scheme
    why: list[str]
    numbers: list[tuple[str, str]]
    late: list[Late]

    @property
    def is_first(self) -> bool:
        return not self.decision.previous


def passages(store: Store, decisions: Sequence[TierDecision]) -> list[Passage]:
    """The decisions of one guest on one axis (the newest first, as `decisions_of` gives them), told. One query."""
    moved = [decision for decision in decisions if decision.previous]
    visits = _visits(store, moved) if moved else []
    found = []
    for n, decision in enumerate(decisions):
        scheme = scheme_of(decision.version)
        before = decisions[n + 1] if n + 1 < len(decisions) else None
        found.append(
            Passage(
                decision,
                scheme,
                _why(decision, scheme, before),
                _numbers(decision),
                _late(store, decision, decisions, visits) if decision.previous else [],
            )
        )
    return found


def _visits(store: Store, decisions: Sequence[TierDecision]) -> list[Visit]:
    days = [decision.business_date for decision in decisions]
    return list(
        Visit.objects.filter(
            store=store,
            customer_id=decisions[0].customer_id,
            business_date__range=(min(days) - timedelta(days=WINDOW_DAYS), max(days)),
            counted_at__isnull=False,
        )
        .order_by("visited_at")
        .only("business_date", "amount_fen", "counted_at", "voided_at", "visited_at")[:1000]
    )


def _why(decision: TierDecision, scheme: Scheme, before: TierDecision | None) -> list[str]:
    """The lines that held; of one who fell the line that holds no more."""
    fell = decision.previous and scheme.rank(decision.tier) > scheme.rank(decision.previous)
    if fell and scheme.is_ladder and not any(isinstance(reason, dict) for reason in decision.reasons):
        held = [reason for reason in before.reasons if isinstance(reason, str)] if before else []
        missed = why_moved(decision, scheme, held)
        if missed:
            return [missed]
    return reason_sentences(scheme, decision.reasons)


def _numbers(decision: TierDecision) -> list[tuple[str, str]]:
    """The numbers that the rules looked at that night, as stored."""
    return [
        (facts.name_of(key, language()), amount(key, facts.value_of(value)))
        for key, value in list(decision.facts.items())[:NUMBERS_SHOWN]
        if facts.is_measured(key)
    ]


def _late(
    store: Store, decision: TierDecision, decisions: Sequence[TierDecision], visits: Sequence[Visit]
) -> list[Late]:
    """Of the visits up to the decision's day those that became known, or false, after the night had passed them.

    A correction is measured against the decision that it replaces, a night against the day before it.
    """
    day = decision.business_date
    replaced = next((d for d in decisions if d.pk < decision.pk and d.business_date <= day), None)

    def is_news(visit: Visit, moment: datetime) -> bool:
        if store.business_day(moment) <= visit.business_date or moment > decision.known_at:
            return False
        if decision.corrected:
            return replaced is None or moment > replaced.known_at
        return visit.business_date < day <= store.business_day(moment)

    found = []
    for visit in visits:
        assert visit.counted_at, "only visits that count, or did"
        if not day - timedelta(days=WINDOW_DAYS) < visit.business_date <= day:
            continue
        entered = is_news(visit, visit.counted_at)
        if visit.voided_at is not None and visit.voided_at <= decision.known_at:
            if is_news(visit, visit.voided_at) and not entered:
                found.append(Late(visit, True))
        elif entered:
            found.append(Late(visit, False))
    return found
