"""The texts, what they cost, what guests replied."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, Sum

from care.models import GuestReply, Message, TextRules
from care.parts import cost_fen
from care.services.rules import rules_of
from care.services.standing import month_start
from staff.models import Store

SHOWN = 200
PAGE = 50
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Totals:
    """Messages per state (every state, in the order of their life) and, within a state, per reason; `parts`: what
    those of a state are billed as.
    """

    total: int
    states: dict[str, int]
    reasons: dict[str, dict[str, int]]
    parts: dict[str, int]


@dataclass(frozen=True)
class Month:
    """A brand's texts of a calendar month: what was handed to a provider, or may have been, against the budget."""

    rules: TextRules
    texts: int
    parts: int

    @property
    def cost_fen(self) -> int:
        """What the month's parts cost so far."""
        return cost_fen(self.parts, self.rules.thousand_parts_fen)

    @property
    def is_used_up(self) -> bool:
        """Whether the budget allows no more."""
        return self.rules.month_parts is not None and self.parts >= self.rules.month_parts


@dataclass(frozen=True)
class Page:
    """One page of messages, newest first; `cursor` asks for the next one ("" on the last)."""

    rows: list[Message]
    cursor: str


def outbox_totals(store: Store | None = None, within: Span | None = None) -> Totals:
    """How many messages are in which state, and why; of all stores where none is named, of all times without
    `within` (from its first moment to just before its last, by when they were planned).
    """
    found = Message.objects.all() if store is None else Message.objects.filter(store=store)
    if within is not None:
        found = found.filter(created_at__gte=within[0], created_at__lt=within[1])
    states = dict.fromkeys(Message.State.values, 0)
    parts = dict.fromkeys(Message.State.values, 0)
    reasons: dict[str, dict[str, int]] = {}
    rows = (
        found.values_list("state", "reason")
        .annotate(number=Count("pk"), parts=Sum("parts"))
        .order_by("state", "-number", "reason")
    )
    for state, reason, number, billed in rows:
        states[state] += number
        parts[state] += billed
        if reason:
            reasons.setdefault(state, {})[reason] = number
    return Totals(sum(states.values()), states, reasons, parts)


def outbox_page(
    store: Store,
    state: str = "",
    reason: str = "",
    cursor: str = "",
    most: int = PAGE,
    within: Span | None = None,
) -> Page:
    """The store's messages, newest first, of one state and reason if named. An unreadable cursor begins
    anew.
    """
    found = Message.objects.filter(store=store)
    if within is not None:
        found = found.filter(created_at__gte=within[0], created_at__lt=within[1])
    if state:
        found = found.filter(state=state)
    if reason:
        found = found.filter(reason=reason)
    if (after := _cursor(cursor)) is not None:
        found = found.filter(Q(created_at__lt=after[0]) | Q(created_at=after[0], pk__lt=after[1]))
    # The ids come from the index alone, also where few of many rows are asked for; only they are looked up.
    ids = list(found.order_by("-created_at", "-pk").values_list("pk", flat=True)[: most + 1])
    rows = sorted(
        Message.objects.filter(pk__in=ids[:most]).select_related("customer"),
        key=lambda row: (row.created_at, row.pk),
        reverse=True,
    )
    more = f"{rows[-1].created_at.isoformat()}_{rows[-1].pk}" if len(ids) > most else ""
    return Page(rows, more)


def month_of_texts(brand_id: int, zone: str, at: datetime) -> Month:
    """The brand's calendar month so far, on the clock of `zone`."""
    handed = Message.objects.filter(
        brand_id=brand_id, claimed_at__gte=month_start(zone, at), state__in=Message.HANDED
    )
    told = handed.aggregate(texts=Count("pk"), parts=Sum("parts"))
    return Month(rules_of(brand_id), told["texts"], told["parts"] or 0)


def replies_of(store: Store) -> tuple[list[GuestReply], list[GuestReply]]:
    """What guests answered: the unread ones (what was stopped first, the latest first), and the last that were read."""
    found = GuestReply.objects.filter(store=store).select_related("customer", "read_by")
    unread = list(found.filter(read_at=None).order_by("-stopped", "-at")[:SHOWN])
    return unread, list(found.exclude(read_at=None).order_by("-at")[:PAGE])


def unread_replies(store: Store) -> int:
    """How many replies nobody has read yet."""
    return GuestReply.objects.filter(store=store, read_at=None).count()


def _cursor(text: str) -> tuple[datetime, UUID] | None:
    moment, _, pk = text.partition("_")
    try:
        return datetime.fromisoformat(moment), UUID(pk)
    except ValueError:
        return None
