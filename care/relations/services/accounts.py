"""Agreements with organisations: made, changed, ended; what was done together, written down."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from care.models import AccountNote, Agreement, Task
from care.relations.rules import MOST_CALL_DAYS, MOST_RENEWAL_DAYS
from common.errors import NotHere, Refused
from customers.models import Patronage
from staff.models import Person, Store

WORDS_AT_LEAST = 2
RENEWAL, ACCOUNT_CALL = "renewal", "account_call"


@dataclass(frozen=True)
class Terms:
    """What is agreed on. `contact_id`: a guest of the store whose profile names the organisation; `discount` in percent."""

    contact_id: int
    level: int
    valid_from: date
    valid_to: date
    call_days: int
    renewal_days: int
    terms: str = ""
    discount: Decimal | None = None


@transaction.atomic
def make_agreement(
    *, store: Store, terms: Terms, actor: Person | None, at: datetime, today: date
) -> Agreement:
    """A new agreement with the organisation in the contact's profile.

    Refuses (Refused) a contact without one, days in disorder or over, numbers out of range, and (409) an organisation
    that has an agreement already; NotHere for a contact of another store.
    """
    employer = _checked(store, terms, today)
    if not employer:
        raise Refused("contact_no_employer", field="contact")
    agreement = Agreement(store=store, employer=employer, made_at=at, made_by=actor, **_columns(terms))
    try:
        with transaction.atomic():
            agreement.save()
    except IntegrityError as error:
        if "one_living_agreement" not in str(error):
            raise
        raise Refused("agreement_taken", field="contact", status=409, name=employer) from error
    return agreement


@transaction.atomic
def change_agreement(*, store: Store, pk: int, terms: Terms, at: datetime, today: date) -> Agreement:
    """Other terms for the same organisation; the history keeps the old ones. Open tasks that no longer fit close.

    Refuses as `make_agreement` does, a contact from elsewhere, and (409) an agreement that was ended.
    """
    agreement = _living(store, pk)
    employer = _checked(store, terms, today)
    if not is_same(employer, agreement.employer):
        raise Refused("contact_elsewhere", field="contact", name=employer or "—")
    changed = {name: value for name, value in _columns(terms).items() if getattr(agreement, name) != value}
    if not changed:
        return agreement
    _close_tasks(agreement, at)
    for name, value in changed.items():
        setattr(agreement, name, value)
    agreement.save(update_fields=list(changed))
    return agreement


@transaction.atomic
def end_agreement(*, store: Store, pk: int, actor: Person | None, at: datetime) -> Agreement:
    """It holds no more: no price, no tasks. Twice is once."""
    agreement = Agreement.objects.select_for_update().filter(store=store, pk=pk).first()
    if agreement is None:
        raise NotHere()
    if agreement.ended_at is None:
        agreement.ended_at, agreement.ended_by = at, actor
        agreement.save(update_fields=["ended_at", "ended_by"])
        _close_tasks(agreement, at)
    return agreement


@transaction.atomic
def write_note(
    *, store: Store, pk: int, kind: str, on: date, words: str, actor: Person | None, at: datetime, today: date
) -> AccountNote:
    """What was done together on a day, or a contact that was no task. The same words of the same day are once.

    Refuses too few words and a day to come; (409) for an agreement that was ended.
    """
    agreement = _living(store, pk)
    said = words.strip()
    if len(said) < WORDS_AT_LEAST:
        raise Refused("words_missing", field="words")
    if on > today:
        raise Refused("note_future", field="on")
    note, _new = AccountNote.objects.get_or_create(
        agreement=agreement, kind=kind, on=on, words=said, defaults={"at": at, "by": actor}
    )
    return note


def remove_note(*, store: Store, pk: int, note_id: int) -> None:
    """Take a note away. NotHere for one that is not this agreement's."""
    if not AccountNote.objects.filter(agreement__store=store, agreement=pk, pk=note_id).delete()[0]:
        raise NotHere()


def is_same(one: str, other: str) -> bool:
    """Whether two names are of one organisation: without case and blanks around them."""
    return one.strip().lower() == other.strip().lower()


def _living(store: Store, pk: int) -> Agreement:
    agreement = Agreement.objects.select_for_update().filter(store=store, pk=pk).first()
    if agreement is None:
        raise NotHere()
    if agreement.ended_at is not None:
        raise Refused("agreement_ended", status=409)
    return agreement


def _checked(store: Store, terms: Terms, today: date) -> str:
    """The organisation of the contact, where everything else is in order."""
    contact = (
        Patronage.objects.select_related("customer").filter(store=store, customer_id=terms.contact_id).first()
    )
    if contact is None:
        raise NotHere()
    if terms.valid_to < terms.valid_from:
        raise Refused("agreement_days", field="valid_to")
    if terms.valid_to < today:
        raise Refused("agreement_over", field="valid_to")
    if not 1 <= terms.call_days <= MOST_CALL_DAYS:
        raise Refused("call_days_range", field="call_days", most=MOST_CALL_DAYS)
    if not 0 <= terms.renewal_days <= MOST_RENEWAL_DAYS:
        raise Refused("renewal_days_range", field="renewal_days", most=MOST_RENEWAL_DAYS)
    if terms.discount is not None and not 0 < terms.discount < 100:
        raise Refused("discount_range", field="discount")
    return contact.customer.employer.strip()


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "contact_id": terms.contact_id, "level": terms.level, "valid_from": terms.valid_from,
        "valid_to": terms.valid_to, "call_days": terms.call_days, "renewal_days": terms.renewal_days,
        "terms": terms.terms.strip(), "discount": terms.discount,
    }  # fmt: skip


def _close_tasks(agreement: Agreement, at: datetime) -> None:
    """The next night opens those that still fit anew."""
    mine = Task.objects.filter(
        store_id=agreement.store_id, customer_id=agreement.contact_id, code__in=(RENEWAL, ACCOUNT_CALL)
    )
    mine.filter(state=Task.State.OPEN).update(
        state=Task.State.CLOSED, reason="agreement_changed", settled_at=at
    )
