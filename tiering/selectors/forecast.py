"""The night's own question, asked of the days to come: of one guest for the page, of a store for its care."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection

from common.clock import add_months
from customers.models import Visit
from customers.models.visit import COUNTED
from staff.models import Store
from tiering.forecast import Fall, Rise, fall, is_foreseeable, probe_days, rise, turning_days
from tiering.rules import Known, Scheme
from tiering.selectors.decisions import Standing, known_from, rows_of
from tiering.selectors.schemes import in_force, scheme_of
from tiering.services.decisions import decided_rows, question_of

YEAR = 366


@dataclass(frozen=True)
class Outlook:
    """What lies ahead of a guest: the fall if she does not come, the shortest way up. Either may be None."""

    fall: Fall | None
    rise: Rise | None


def outlook(store: Store, customer_id: int, standing: Standing) -> Outlook:
    """Fall and rise of one guest; one small query for each day on which an answer can change.

    Nothing is said of a scheme that ranks guests among each other, of labels, and of the unrated.
    """
    scheme, today = standing.scheme, standing.on
    if not is_foreseeable(scheme) or not scheme.is_ladder or standing.unrated:
        return Outlook(None, None)
    visits = sorted(
        Visit.objects.filter(
            COUNTED, store=store, customer_id=customer_id, business_date__gt=today - timedelta(days=YEAR)
        ).values_list("business_date", flat=True)
    )
    days = turning_days(scheme, [on for on in visits if on <= today], today, standing.given_until)
    last = next((on for on in reversed(visits) if on <= today), None)
    since = standing.since if standing.label == standing.tier else today
    month_end = add_months(today.replace(day=1), 1) - timedelta(days=1)
    ahead: list[tuple[date, Known]] = []
    for on in days:
        if on > month_end and fall(scheme, standing.tier, since, ahead):
            break
        ahead.append((on, _known_on(store, scheme, customer_id, on)))
    return Outlook(
        fall(scheme, standing.tier, since, ahead) if scheme.tier(standing.tier) else None,
        rise(scheme, standing.tier, standing.known, today, ahead, last),
    )


def _known_on(store: Store, scheme: Scheme, customer_id: int, on: date) -> Known:
    [row] = rows_of(question_of(scheme, store, on, customer_ids=(customer_id,)), customer_id)
    return known_from(scheme, row, on)


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
    same = [
        day for day in coming if (then := in_force(store.pk, day)) and then.version_id == adoption.version_id
    ]
    if not same:
        return []
    whom = {guest for day in probe_days(scheme, on, len(same)) for guest in _low_on(store, scheme, day)}
    if whom and not scheme.protects:
        # Who stands above the rules already (a night that was held) falls for that, not for staying away.
        whom -= set(_low_on(store, scheme, on, tuple(sorted(whom))))
    found: dict[int, Falling] = {}
    low_since: dict[int, date] = {}
    for day in same if whom else []:
        low = _low_on(store, scheme, day, tuple(sorted(whom)))
        low_since = {guest: low_since.get(guest) or since or day for guest, (_, _, since, _) in low.items()}
        for guest, (tier, tier_since, _, ruled) in low.items():
            graced = day >= low_since[guest] + timedelta(days=scheme.grace_days)
            stayed = tier_since is None or day >= tier_since + timedelta(days=scheme.min_stay_days)
            if graced and stayed:
                found.setdefault(guest, Falling(guest, tier, Fall(day, ruled)))
    return sorted(found.values(), key=lambda each: (each.fall.on, each.customer_id))


def _low_on(
    store: Store, scheme: Scheme, day: date, guests: tuple[int, ...] | None = None
) -> dict[int, tuple[str, date | None, date | None, str]]:
    """Whom the rules of `day` put lower than the label: (label, since when, fading since when, what they say)."""
    rows, params = decided_rows(scheme, store, day, customer_ids=guests)
    values = ", ".join(f"(%(code{rank})s, {rank})" for rank in range(len(scheme.codes)))
    codes = {f"code{rank}": code for rank, code in enumerate(scheme.codes)}
    fading = "t.fading_since" if scheme.protects else "NULL::date"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{rows}, ranks(code, rank) AS (VALUES {values}) SELECT t.customer_id, t.label, t.label_since, {fading}, "
            "t.ruled FROM t JOIN ranks was ON was.code = t.label LEFT JOIN ranks will ON will.code = t.ruled "
            "WHERE (will.rank IS NULL OR will.rank > was.rank) "
            "AND NOT EXISTS (SELECT 1 FROM ranks given WHERE given.code = t.given)",
            params | codes,
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}
