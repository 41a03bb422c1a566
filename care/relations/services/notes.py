"""What people write down: topics, answers to a question asked again, texts of the library, numbers of the store."""

from datetime import date, datetime

from django.db import transaction

from care.models import AskedAgain, Piece, RelationRules, StepTarget, Topic
from common.errors import NotHere, Refused
from customers.models import Patronage
from feedback.models import Complaint
from feedback.services import reopen_complaint
from staff.models import Person, Store

WORDS_AT_LEAST, PIECES_AT_MOST = 2, 200
MOST_DAYS = {"win_back_days": 365, "follow_up_days": 60, "stuck_days": 365}
MOST_TARGET = 1_000_000


@transaction.atomic
def note_topic(
    *, store: Store, customer_id: int, words: str, depth: int, actor: Person | None, at: datetime
) -> Topic:
    """Something to talk about, `depth` 1 to 3. The same words that wait already are once.

    Refuses too few words; NotHere for a guest of another store.
    """
    if not Patronage.objects.select_for_update().filter(store=store, customer_id=customer_id).exists():
        raise NotHere()
    said = _said(words)
    if depth not in Topic.Depth.values:
        raise Refused("topic_depth", field="depth")
    for each in Topic.objects.filter(store=store, customer_id=customer_id, used_at=None):
        if each.words == said:
            return each
    return Topic.objects.create(
        store=store, customer_id=customer_id, words=said, depth=depth, noted_at=at, noted_by=actor
    )


def forget_topic(*, store: Store, customer_id: int, pk: int) -> None:
    """Take a topic away. NotHere for one that is not this guest's here."""
    if not Topic.objects.filter(store=store, customer_id=customer_id, pk=pk).delete()[0]:
        raise NotHere()


@transaction.atomic
def answer_again(
    *, store: Store, complaint_id: int, content: bool, words: str, actor: Person | None, at: datetime
) -> AskedAgain | None:
    """The guest whose complaint was closed was asked how it is now. Not content: the complaint is open again.

    Once since it was closed: the second answer changes nothing. Refuses (409) one that is open; NotHere for another
    store's, or one that was withdrawn.
    """
    complaint = Complaint.objects.select_for_update().filter(store=store, pk=complaint_id).first()
    if complaint is None or complaint.withdrawn_at is not None:
        raise NotHere()
    last = complaint.asked_again.order_by("-pk").first()
    if complaint.closed_at is None:
        # Two presses of "not content": the first has opened it.
        if last is not None and not last.content and complaint.reopened_at == last.at:
            return last
        raise Refused("complaint_still_open", status=409)
    if last is not None and last.at >= complaint.closed_at:
        return last
    said = AskedAgain.objects.create(
        complaint=complaint, content=content, words=words.strip()[:400] or None, at=at, by=actor
    )
    if not content:
        reopen_complaint(store=store, complaint_id=complaint_id, actor=actor, at=at)
    return said


@transaction.atomic
def add_piece(
    *, store: Store, kind: str, title: str, words: str, actor: Person | None, at: datetime
) -> Piece:
    """A text for the library. The same again is once. Refuses too few words, and more than 200 texts."""
    said = {"kind": kind, "title": _said(title, "title"), "words": _said(words)}
    Store.objects.select_for_update().get(pk=store.pk)
    same = Piece.objects.filter(store=store, **said).first()
    if same is not None:
        return same
    if Piece.objects.filter(store=store).count() >= PIECES_AT_MOST:
        raise Refused("pieces_full", most=PIECES_AT_MOST)
    return Piece.objects.create(store=store, made_at=at, made_by=actor, **said)


def remove_piece(*, store: Store, pk: int) -> None:
    """Take a text away. NotHere for another store's."""
    if not Piece.objects.filter(store=store, pk=pk).delete()[0]:
        raise NotHere()


@transaction.atomic
def change_rule(*, store: Store, name: str, days: int) -> None:
    """Set one of the store's numbers (`RelationRules`). Refuses one that is none, and days out of range."""
    if name not in MOST_DAYS or not 1 <= days <= MOST_DAYS[name]:
        raise Refused("rule_days_range", field="days", most=MOST_DAYS.get(name, 365))
    RelationRules.objects.update_or_create(store=store, defaults={name: days})


@transaction.atomic
def set_target(*, store: Store, month: date, number: int) -> None:
    """How many people are to be made guests in the month that begins on `month`. Refuses a number out of range."""
    if not 0 <= number <= MOST_TARGET:
        raise Refused("target_range", field="number", most=MOST_TARGET)
    StepTarget.objects.update_or_create(store=store, month=month, defaults={"number": number})


def _said(words: str, field: str = "words") -> str:
    said = words.strip()
    if len(said) < WORDS_AT_LEAST:
        raise Refused("words_missing", field=field)
    if "\x00" in said:
        raise Refused("field_has_nul", field=field)
    return said
