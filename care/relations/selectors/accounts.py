"""Organisations with an agreement: who is overdue, how content they are, what their people spend, whose price it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max, Q, Sum
from django.db.models.functions import Lower, Trim

from care.models import AccountNote, Agreement, CallAnswer, TaskEvent
from care.playbook import CONTACTS
from care.relations.rules import counted_from, days_overdue, tenths
from customers.models import Customer, Patronage, Visit
from customers.models.visit import COUNTED
from customers.selectors.listing import guests_of
from staff.models import Store

SPEND_DAYS = 365
SHOWN = 100


@dataclass(frozen=True)
class Account:
    """An agreement as the list shows it. `last_on`: the last contact; `overdue`: days beyond what was agreed."""

    agreement: Agreement
    last_on: date | None
    overdue: int
    score: int | None
    state: str


def last_contacts(store: Store, agreements: Sequence[Agreement], until: date) -> dict[int, date]:
    """The last contact of each organisation up to and including `until`, by agreement: a call, a visit or a WeChat message
    that reached any of its people, or a note of a contact. Two queries.
    """
    names = {each.employer.strip().lower(): each.pk for each in agreements}
    found: dict[int, date] = {}
    reached = (
        TaskEvent.objects.filter(
            task__store=store, task__channel__in=CONTACTS, outcome=TaskEvent.Outcome.DONE
        )
        .annotate(name=Lower(Trim("task__customer__employer")))
        .filter(name__in=names)
    )
    for name, at in reached.values_list("name").annotate(Max("at")).order_by():
        day = store.business_day(at)
        if day <= until:
            found[names[name]] = day
    notes = AccountNote.objects.filter(
        agreement__in=names.values(), kind=AccountNote.Kind.CONTACT, on__lte=until
    )
    for pk, day in notes.values_list("agreement").annotate(Max("on")).order_by():
        found[pk] = max(day, found.get(pk, day))
    return found


def accounts_of(store: Store, today: date) -> list[Account]:
    """The store's agreements that are not ended: the overdue first, the longest; then by the day they end. Four queries."""
    rows = list(
        Agreement.objects.filter(store=store, ended_at=None)
        .select_related("contact")
        .order_by("valid_to", "pk")
    )
    last, scores = last_contacts(store, rows, today), _last_scores(store, rows)
    found = [_account(each, last.get(each.pk), scores.get(each.pk), today) for each in rows]
    return sorted(found, key=lambda each: -each.overdue)


def _account(agreement: Agreement, last: date | None, score: int | None, today: date) -> Account:
    state = "over" if agreement.valid_to < today else "coming" if agreement.valid_from > today else "living"
    since = counted_from(last, agreement.valid_from)
    overdue = days_overdue(since, agreement.call_days, today) if state == "living" else 0
    if state == "living" and agreement.valid_to - timedelta(days=agreement.renewal_days) <= today:
        state = "renew"
    return Account(agreement, last, overdue, score, state)


def _last_scores(store: Store, agreements: Sequence[Agreement]) -> dict[int, int]:
    names = {each.employer.strip().lower(): each.pk for each in agreements}
    told = (
        CallAnswer.objects.filter(event__task__store=store, score__isnull=False)
        .annotate(name=Lower(Trim("event__task__customer__employer")))
        .filter(name__in=names)
    )
    rows = told.order_by("event__at", "pk").values_list("name", "score")
    return {names[name]: score for name, score in rows if score is not None}


@dataclass(frozen=True)
class AccountPage:
    """Everything about one organisation: its people (who spent most first), what they spent in 365 days in fen, the scores
    (the latest first) with their mean, joint events and other notes.
    """

    account: Account
    people: Sequence[Patronage]
    spend_fen: int
    visits: int
    calls: Sequence[CallAnswer]
    mean: float | None
    notes: list[AccountNote]


def account_page(store: Store, agreement: Agreement, today: date) -> AccountPage:
    """One organisation's page: seven queries."""
    mine = Q(customer__brand_id=store.brand_id) & _of(agreement.employer)
    people = list(guests_of(store).alias(name=_NAME).filter(mine).order_by("-spend_total_fen", "pk")[:SHOWN])
    visits = Visit.objects.filter(
        COUNTED, store=store, business_date__gt=today - timedelta(days=SPEND_DAYS), business_date__lte=today,
        customer__in=[each.customer_id for each in people],
    )  # fmt: skip
    spent = visits.aggregate(fen=Sum("amount_fen"), last=Max("business_date"))
    calls = list(
        CallAnswer.objects.filter(event__task__store=store, score__isnull=False)
        .alias(name=Lower(Trim("event__task__customer__employer")))
        .filter(_of(agreement.employer))
        .select_related("event__task__customer", "event__by")
        .order_by("-event__at", "-pk")[:SHOWN]
    )
    scores = [each.score for each in calls if each.score is not None]
    last = last_contacts(store, [agreement], today).get(agreement.pk)
    return AccountPage(
        _account(agreement, last, scores[0] if scores else None, today),
        people,
        spent["fen"] or 0,
        visits.count(),
        calls,
        sum(scores) / len(scores) if scores else None,
        list(agreement.notes.select_related("by").order_by("-on", "-pk")[:SHOWN]),
    )


_NAME = Lower(Trim("customer__employer"))


def _of(employer: str) -> Q:
    return Q(name=employer.strip().lower())


@dataclass(frozen=True)
class Price:
    """The agreed price of a guest's organisation: per cent off, and as 折."""

    employer: str
    discount: Decimal
    tenths: float


def price_of(store: Store, customer: Customer, on: date) -> Price | None:
    """The price list that holds for a guest on a day: that of the organisation in the profile; None for everybody else."""
    if not customer.employer.strip():
        return None
    found = (
        Agreement.objects.filter(
            store=store, ended_at=None, discount__isnull=False, valid_from__lte=on, valid_to__gte=on
        )
        .alias(name=Lower("employer"))
        .filter(_of(customer.employer))
        .first()
    )
    if found is None or found.discount is None:
        return None
    return Price(found.employer, found.discount, tenths(float(found.discount)))
