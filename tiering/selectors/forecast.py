"""The night's own question, asked of the days to come: of one guest for the page, of a store for its care."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile

from django.db import connection

from customers.models import Visit
from customers.models.visit import COUNTED
from staff.models import Store
from tiering.forecast import (
    Fall,
    Held,
    Rise,
    fall,
    horizon,
    is_foreseeable,
    probe_days,
    rise,
    turning_days,
)
from tiering.models import Adoption, Judgement
from tiering.rules import Known, Scheme, needs_of
from tiering.selectors.decisions import Standing, known_from, rows_of, rows_of_days
from tiering.selectors.schemes import in_force, scheme_of
from tiering.services.decisions import decided_rows, question_of

# Most answers lie in the first of the days: all the others are asked for together, when they are needed.
FIRST_DAYS = 12


@dataclass(frozen=True)
class Outlook:
    """What lies ahead of a guest: the fall if she does not come, the shortest way up. Either may be None."""

    fall: Fall | None
    rise: Rise | None


def outlook(store: Store, customer_id: int, standing: Standing) -> Outlook:
    """Fall and rise of one guest; asks of the first days on which an answer can change, then of the others.

    Nothing is said of a scheme that ranks guests among each other, of labels, and of the unrated.
    """
    scheme, today = standing.scheme, standing.on
    if not is_foreseeable(scheme) or not scheme.is_ladder or standing.unrated:
        return Outlook(None, None)
    visits = sorted(
        Visit.objects.filter(COUNTED, store=store, customer_id=customer_id).values_list(
            "business_date", flat=True
        )
    )
    end = _last_day_of(store, scheme, standing)
    coming = turning_days(scheme, visits, today, _ends(store, customer_id, standing))
    days = [on for on in coming if on <= end]
    asked = {today: standing.known}

    def know(on: date) -> Known:
        if on not in asked:
            ahead = [day for day in dict.fromkeys([on, *days]) if day >= on and day not in asked]
            asked.update(
                _known_on(store, scheme, customer_id, ahead[: FIRST_DAYS if len(asked) == 1 else None])
            )
        return asked[on]

    last = next((on for on in reversed(visits) if on <= today), None)
    found: Fall | None = None
    if scheme.tier(standing.tier):
        held = _held(standing.tier, know(days[0]) if days else standing.known)
        if standing.label != standing.tier and standing.known.given not in scheme.codes:
            held = Held(standing.tier, today)  # as tonight will decide
        found = fall(scheme, held, [today, *days], know, end)
    return Outlook(found, rise(scheme, standing.tier, today, days, know, last))


def _last_day_of(store: Store, scheme: Scheme, standing: Standing) -> date:
    """How far the scheme can be followed: to the horizon, or to the last day before another one grades the store."""
    end = horizon(standing.on)
    coming = (
        Adoption.objects.filter(
            store=store, axis=scheme.axis, withdrawn_at=None, from_date__gt=standing.on, from_date__lte=end
        )
        .exclude(version__scheme__code=scheme.code, version__number=standing.version)
        .order_by("from_date")
        .first()
    )
    return coming.from_date - timedelta(days=1) if coming else end


def _ends(store: Store, customer_id: int, standing: Standing) -> list[date]:
    """The last days of the tier given by hand and of the judgements that the scheme looks at."""
    given = [standing.given_until] if standing.given_until else []
    codes = needs_of(standing.scheme, evidence=False).codes
    if not codes:
        return given
    judged = Judgement.objects.filter(
        store=store, customer_id=customer_id, code__in=codes, withdrawn_at=None, valid_until__gte=standing.on
    )
    return given + [day for day in judged.values_list("valid_until", flat=True) if day]


def _held(tier: str, tomorrow: Known) -> Held:
    """Since when a guest has had a tier by the rules, as the next night will read it from the decisions."""
    prior = tomorrow.prior
    if prior is None or prior.tier != tier:
        return Held(tier)
    return Held(tier, prior.since, prior.fading_since)


def _known_on(store: Store, scheme: Scheme, customer_id: int, days: list[date]) -> dict[date, Known]:
    questions = [question_of(scheme, store, on, customer_ids=(customer_id,)) for on in days]
    return {row["on"]: known_from(scheme, row, row["on"]) for row in rows_of_days(questions, customer_id)}


@dataclass(frozen=True)
class Falling:
    """A guest whom a coming night will lower unless she comes: from, to, and which night."""

    customer_id: int
    tier: str
    fall: Fall


def falling(store: Store, on: date, days: int) -> list[Falling]:
    """Every guest of the store whom one of the next `days` nights lowers if she stays away.

    One statement over all guests for each month in sight finds whom, one small statement a day finds when.
    """
    adoption = in_force(store.pk, on)
    if adoption is None:
        return []
    scheme = scheme_of(adoption.version)
    if not is_foreseeable(scheme) or not scheme.is_ladder:
        return []
    coming = [on + timedelta(days=n) for n in range(1, days + 1)]
    # Other rules decide from their first day on: what they do is told by their preview.
    same = list(
        takewhile(
            lambda day: (then := in_force(store.pk, day)) and then.version_id == adoption.version_id, coming
        )
    )
    if not same:
        return []
    whom = {guest for day in probe_days(scheme, on, len(same)) for guest in _low_on(store, scheme, day)}
    if whom and not scheme.protects:
        # Who stands above the rules already (a night that was held) falls for that, not for staying away.
        whom -= set(_low_on(store, scheme, on, tuple(sorted(whom))))
    if not whom:
        return []
    found = _protected(store, scheme, same, whom) if scheme.protects else _plain(store, scheme, same, whom)
    return sorted(found, key=lambda each: (each.fall.on, each.customer_id))


def _plain(store: Store, scheme: Scheme, coming: list[date], whom: set[int]) -> list[Falling]:
    found: dict[int, Falling] = {}
    for day in coming:
        for guest, (tier, ruled) in _low_on(store, scheme, day, tuple(sorted(whom))).items():
            found.setdefault(guest, Falling(guest, tier, Fall(day, ruled)))
    return list(found.values())


def _protected(store: Store, scheme: Scheme, coming: list[date], whom: set[int]) -> list[Falling]:
    """What protects a guest is followed day by day."""
    ahead: dict[int, dict[date, Known]] = {guest: {} for guest in whom}
    labels: dict[int, str] = {}
    for day in coming:
        for row in rows_of(question_of(scheme, store, day, customer_ids=tuple(sorted(whom)))):
            if (guest := row["customer_id"]) in ahead:
                ahead[guest][day] = known_from(scheme, row, day)
                labels[guest] = row["label"]
    falls = {
        guest: fall(scheme, _held(labels[guest], known[coming[0]]), coming, known.__getitem__, coming[-1])
        for guest, known in ahead.items()
    }
    return [Falling(guest, labels[guest], found) for guest, found in falls.items() if found]


def _low_on(
    store: Store, scheme: Scheme, day: date, guests: tuple[int, ...] | None = None
) -> dict[int, tuple[str, str]]:
    """Whom the rules of `day` put lower than the label: (label, what they say)."""
    rows, params = decided_rows(scheme, store, day, customer_ids=guests)
    values = ", ".join(f"(%(code{rank})s, {rank})" for rank in range(len(scheme.codes)))
    codes = {f"code{rank}": code for rank, code in enumerate(scheme.codes)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"{rows}, ranks(code, rank) AS (VALUES {values}) SELECT t.customer_id, t.label, t.ruled "
            "FROM t JOIN ranks was ON was.code = t.label LEFT JOIN ranks will ON will.code = t.ruled "
            "WHERE (will.rank IS NULL OR will.rank > was.rank) "
            "AND NOT EXISTS (SELECT 1 FROM ranks given WHERE given.code = t.given)",
            params | codes,
        )
        return {guest: (label, ruled) for guest, label, ruled in cursor.fetchall()}
