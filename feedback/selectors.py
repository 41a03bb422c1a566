"""The questions that pages and rooms above ask about what guests told us, each in a fixed number of queries."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch, QuerySet

from customers.models import Patronage
from feedback.models import LIVING_OPEN, Complaint, Suggestion
from staff.models import Store

SHOWN = 200


@dataclass(frozen=True)
class Said:
    """One line of what a guest said, with the day on which it was said: a closed complaint or a suggestion."""

    on: date
    complaint: Complaint | None = None
    suggestion: Suggestion | None = None


@dataclass(frozen=True)
class Told:
    """What one guest told one store, withdrawn rows left out: the complaints that wait, the oldest first, and
    everything else, the latest first.
    """

    open: list[Complaint]
    past: list[Said]


def open_complaints(store: Store) -> list[Complaint]:
    """The store's open complaints, the oldest first, at most 200, with guest (and `patronages_here`) and writers."""
    living = Complaint.objects.filter(LIVING_OPEN, store=store).select_related(
        "customer", "opened_by", "reopened_by"
    )
    return list(living.prefetch_related(_here(store)).order_by("opened_on", "opened_at", "pk")[:SHOWN])


def open_complaints_of(store: Store, customer_id: int) -> list[Complaint]:
    """The open complaints of one guest here, the oldest first: one query, for a card."""
    living = Complaint.objects.filter(LIVING_OPEN, store=store, customer_id=customer_id)
    return list(living.order_by("opened_on", "opened_at", "pk"))


def unjudged(store: Store) -> list[Suggestion]:
    """The store's suggestions that nobody judged yet, the oldest first, at most 200, with guest and writer."""
    waiting = Suggestion.objects.filter(store=store, judged="", withdrawn_at=None).select_related(
        "customer", "recorded_by"
    )
    return list(waiting.prefetch_related(_here(store)).order_by("made_on", "recorded_at", "pk")[:SHOWN])


def feedback_of(store: Store, customer_id: int) -> Told:
    """What a guest told this store, at most the 200 latest suggestions: two queries."""
    complaints = list(
        Complaint.objects.filter(store=store, customer_id=customer_id, withdrawn_at=None)
        .select_related("opened_by", "closed_by", "reopened_by")
        .order_by("opened_on", "opened_at", "pk")
    )
    suggestions = (
        Suggestion.objects.filter(store=store, customer_id=customer_id, withdrawn_at=None)
        .select_related("recorded_by", "judged_by")
        .order_by("-made_on", "-recorded_at", "-pk")
    )
    past = [Said(each.opened_on, complaint=each) for each in reversed(complaints) if not each.is_open]
    past += [Said(each.made_on, suggestion=each) for each in suggestions[:SHOWN]]
    return Told(
        open=[each for each in complaints if each.is_open],
        past=sorted(past, key=lambda said: said.on, reverse=True),
    )


def has_open_complaint(brand_id: int, customer_id: int) -> bool:
    """Whether the guest waits for an answer in any store of the brand."""
    return Complaint.objects.filter(LIVING_OPEN, customer_id=customer_id, store__brand_id=brand_id).exists()


def complaints_of(store: Store) -> QuerySet[Complaint]:
    """The store's complaints, withdrawn ones too."""
    return Complaint.objects.filter(store=store)


def suggestions_of(store: Store) -> QuerySet[Suggestion]:
    """The store's suggestions, withdrawn ones too."""
    return Suggestion.objects.filter(store=store)


def _here(store: Store) -> Prefetch:
    return Prefetch(
        "customer__patronages", queryset=Patronage.objects.filter(store=store), to_attr="patronages_here"
    )
