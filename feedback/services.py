"""What people do with what guests told them. Each verb is for a row of the actor's store; another's is not there.

A press of a button that is sent twice is once: the same words about the same day, the same resolution, the same
judgement change nothing the second time. Something else than what was settled is refused.
"""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _lazy

from common.errors import NotHere, Refused
from common.messages import add_sentences
from customers.models import Patronage
from feedback.models import Complaint, Judged, Severity, Suggestion
from staff.models import Person, Store

COMPLAINT_AT_MOST = 1000
SUGGESTION_AT_MOST = 400

add_sentences(
    {
        "complaint_empty": _lazy("请写下客人不满意的是什么。"),
        "resolution_empty": _lazy("请写明是怎么处理的，客人是否满意。"),
        "complaint_closed": _lazy("这条投诉已经了结；客人又提起时请先重新打开。"),
        "complaint_withdrawn": _lazy("这条投诉已作为误记撤销，不能再改。"),
        "severity_unknown": _lazy("轻重只能选“轻微”或“严重”。"),
        "suggestion_empty": _lazy("请写下客人的建议。"),
        "suggestion_judged": _lazy("这条建议已经判定过，不能改判；判错了请撤销，再记一次。"),
        "suggestion_withdrawn": _lazy("这条建议已作为误记撤销，不能再改。"),
        "told_in_future": _lazy("日期还没有到，请填今天或以前的日期。"),
    }
)


@transaction.atomic
def open_complaint(
    *,
    store: Store,
    customer_id: int,
    text: str,
    actor: Person | None,
    at: datetime,
    on: date | None = None,
    severity: str = "",
) -> Complaint:
    """Write down what a guest of this store was not content with, told on business date `on` (today's by default).

    The same words about the same day again are the complaint that stands. Refuses (Refused) an empty or too long
    text, a severity that is none, a day to come; NotHere for a guest without a file here.
    """
    words = _words(text, "complaint_empty", "text", COMPLAINT_AT_MOST)
    if severity and severity not in Severity.values:
        raise Refused("severity_unknown", field="severity")
    told_on = _told_on(store, on, at)
    _guest(store, customer_id)
    standing = Complaint.objects.filter(
        store=store, customer_id=customer_id, opened_on=told_on, withdrawn_at=None
    )
    for complaint in standing:
        if complaint.text == words:
            return complaint
    return Complaint.objects.create(
        store=store, customer_id=customer_id, text=words, severity=severity, opened_on=told_on, opened_at=at,
        opened_by=actor,
    )  # fmt: skip


@transaction.atomic
def close_complaint(
    *, store: Store, complaint_id: int, resolution: str, actor: Person | None, at: datetime
) -> Complaint:
    """The matter is settled, and how. Refuses (409) one that was closed with other words or withdrawn."""
    words = _words(resolution, "resolution_empty", "resolution", COMPLAINT_AT_MOST)
    complaint = _complaint(store, complaint_id)
    if complaint.closed_at is not None:
        if complaint.resolution == words:
            return complaint
        raise Refused("complaint_closed", status=409)
    complaint.closed_at, complaint.closed_by, complaint.resolution = at, actor, words
    complaint.save(update_fields=["closed_at", "closed_by", "resolution"])
    return complaint


@transaction.atomic
def reopen_complaint(*, store: Store, complaint_id: int, actor: Person | None, at: datetime) -> Complaint:
    """The guest is not content after all: open again, with the resolution that did not help beside it.

    One that is open stays as it is; a withdrawn one is refused (409).
    """
    complaint = _complaint(store, complaint_id)
    if complaint.closed_at is not None:
        complaint.closed_at = complaint.closed_by = None
        complaint.reopened_at, complaint.reopened_by = at, actor
        complaint.save(update_fields=["closed_at", "closed_by", "reopened_at", "reopened_by"])
    return complaint


@transaction.atomic
def withdraw_complaint(*, store: Store, complaint_id: int, actor: Person | None, at: datetime) -> Complaint:
    """It was entered by mistake: it stays on file and counts nowhere, open or closed. Twice is once."""
    complaint = _complaint(store, complaint_id, withdrawn_too=True)
    if complaint.withdrawn_at is None:
        complaint.withdrawn_at, complaint.withdrawn_by = at, actor
        complaint.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return complaint


@transaction.atomic
def record_suggestion(
    *,
    store: Store,
    customer_id: int,
    text: str,
    actor: Person | None,
    at: datetime,
    on: date | None = None,
) -> Suggestion:
    """Write down what a guest of this store would do better, said on business date `on` (today's by default).

    The same words of the same day again are the suggestion that stands. Refuses (Refused) an empty or too long
    text, a day to come; NotHere for a guest without a file here.
    """
    words = _words(text, "suggestion_empty", "text", SUGGESTION_AT_MOST)
    made_on = _told_on(store, on, at)
    _guest(store, customer_id)
    standing = Suggestion.objects.filter(
        store=store, customer_id=customer_id, made_on=made_on, text=words, withdrawn_at=None
    ).first()
    return standing or Suggestion.objects.create(
        store=store, customer_id=customer_id, text=words, made_on=made_on, recorded_at=at, recorded_by=actor
    )


@transaction.atomic
def judge_suggestion(
    *, store: Store, suggestion_id: int, valid: bool, actor: Person | None, at: datetime
) -> Suggestion:
    """A manager finds the suggestion worth having, or not; it counts in the month of the judgement.

    The same judgement again changes nothing; the other one is refused (409), and so is a withdrawn suggestion.
    """
    suggestion = _suggestion(store, suggestion_id)
    verdict = Judged.VALID if valid else Judged.NOT_VALID
    if suggestion.judged == verdict:
        return suggestion
    if suggestion.judged:
        raise Refused("suggestion_judged", status=409)
    suggestion.judged, suggestion.judged_by = verdict, actor
    suggestion.judged_on, suggestion.judged_at = store.business_day(at), at
    suggestion.save(update_fields=["judged", "judged_on", "judged_at", "judged_by"])
    return suggestion


@transaction.atomic
def withdraw_suggestion(
    *, store: Store, suggestion_id: int, actor: Person | None, at: datetime
) -> Suggestion:
    """It was entered or judged by mistake: it stays on file and counts nowhere. Twice is once."""
    suggestion = _suggestion(store, suggestion_id, withdrawn_too=True)
    if suggestion.withdrawn_at is None:
        suggestion.withdrawn_at, suggestion.withdrawn_by = at, actor
        suggestion.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return suggestion


def _words(text: str, empty: str, name: str, most: int) -> str:
    words = text.strip()
    if not words:
        raise Refused(empty, field=name)
    if len(words) > most:
        raise Refused("field_too_long", field=name, most=most)
    if "\x00" in words:
        raise Refused("field_has_nul", field=name)
    return words


def _told_on(store: Store, on: date | None, at: datetime) -> date:
    today = store.business_day(at)
    if on is not None and on > today:
        raise Refused("told_in_future", field="on")
    return on or today


def _guest(store: Store, customer_id: int) -> Patronage:
    """The guest's file here, held until the end: two presses of one button come one after the other."""
    patronage = (
        Patronage.objects.select_for_update(no_key=True).filter(store=store, customer_id=customer_id).first()
    )
    if patronage is None:
        raise NotHere()
    return patronage


def _complaint(store: Store, complaint_id: int, withdrawn_too: bool = False) -> Complaint:
    complaint = Complaint.objects.select_for_update().filter(store=store, pk=complaint_id).first()
    if complaint is None:
        raise NotHere()
    if complaint.withdrawn_at is not None and not withdrawn_too:
        raise Refused("complaint_withdrawn", status=409)
    return complaint


def _suggestion(store: Store, suggestion_id: int, withdrawn_too: bool = False) -> Suggestion:
    suggestion = Suggestion.objects.select_for_update().filter(store=store, pk=suggestion_id).first()
    if suggestion is None:
        raise NotHere()
    if suggestion.withdrawn_at is not None and not withdrawn_too:
        raise Refused("suggestion_withdrawn", status=409)
    return suggestion
