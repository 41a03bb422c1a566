"""Complaints until they are closed, suggestions until they are judged: each verb, twice, and where it may not."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from common.errors import NotHere, Refused
from common.fields import decrypt
from common.keys import current_keys
from common.messages import sentence
from feedback import services as verbs
from feedback.models import Complaint, Suggestion
from feedback.selectors import (
    feedback_of,
    has_open_complaint,
    open_complaints,
    open_complaints_of,
    unjudged,
)
from tests.cast import NOON, put_on_file

TODAY = date(2026, 6, 20)
LATER = NOON + timedelta(hours=5)


def complain(store, guest, text="羊肉等了四十分钟", **more):
    said = {"actor": None, "at": NOON} | more
    return verbs.open_complaint(store=store, customer_id=guest.pk, text=text, **said)


def suggest(store, guest, text="杯子换大一点", **more):
    said = {"actor": None, "at": NOON} | more
    return verbs.record_suggestion(store=store, customer_id=guest.pk, text=text, **said)


def row(of) -> dict[str, object]:
    """Every column of the row as it stands in the database, without its own number."""
    return {k: v for k, v in type(of).objects.filter(pk=of.pk).values()[0].items() if k != "id"}


def read(sealed) -> str | None:
    """What an encrypted value of a history row says."""
    return None if sealed is None else decrypt(bytes(sealed), current_keys())


def blank_complaint(store, guest) -> dict[str, object]:
    nothing = dict.fromkeys(
        ("opened_by_id", "closed_at", "closed_by_id", "resolution", "reopened_at", "reopened_by_id",
         "withdrawn_at", "withdrawn_by_id")
    )  # fmt: skip
    return nothing | {
        "store_id": store.pk, "customer_id": guest.pk, "text": "羊肉等了四十分钟", "severity": "",
        "opened_on": TODAY, "opened_at": NOON,
    }  # fmt: skip


def blank_suggestion(store, guest) -> dict[str, object]:
    nothing = dict.fromkeys(
        ("recorded_by_id", "judged_on", "judged_at", "judged_by_id", "withdrawn_at", "withdrawn_by_id")
    )
    return nothing | {
        "store_id": store.pk, "customer_id": guest.pk, "text": "杯子换大一点", "made_on": TODAY,
        "recorded_at": NOON, "judged": "",
    }  # fmt: skip


def refused(verb, *args, **kwargs) -> tuple[str, str, int]:
    with pytest.raises(Refused) as caught:
        verb(*args, **kwargs)
    # Every refusal has words of its own.
    assert sentence(caught.value.code, caught.value.params) != caught.value.code
    return caught.value.code, caught.value.field, caught.value.status


# ---- complaints ----------------------------------------------------------------------------------------------


def test_a_complaint_is_written_down_as_it_was_told(store, regular, waiter):
    complaint = complain(store, regular, "  羊肉等了四十分钟\n", severity="serious", actor=waiter)
    assert row(complaint) == blank_complaint(store, regular) | {
        "severity": "serious",
        "opened_by_id": waiter.pk,
    }


def test_the_small_hours_belong_to_the_evening_before(store, regular):
    at = datetime(2026, 6, 20, 19, 30, tzinfo=UTC)  # half past three in the morning of the 21st
    assert complain(store, regular, at=at).opened_on == TODAY
    assert suggest(store, regular, at=at).made_on == TODAY


def test_a_card_found_next_morning_keeps_its_day(store, regular):
    assert complain(store, regular, on=date(2026, 6, 18)).opened_on == date(2026, 6, 18)
    assert suggest(store, regular, on=date(2026, 6, 18)).made_on == date(2026, 6, 18)


def test_the_words_lie_encrypted(store, regular):
    complaint = complain(store, regular)
    verbs.close_complaint(store=store, complaint_id=complaint.pk, resolution="免了羊肉", actor=None, at=LATER)
    with connection.cursor() as cursor:
        cursor.execute("SELECT text, resolution FROM feedback_complaint")
        stored = [bytes(value) for value in cursor.fetchone()]
    assert all("羊肉".encode() not in value for value in stored)


def test_the_same_words_of_the_same_day_are_one_complaint(store, regular, lapsed):
    first = complain(store, regular)
    assert complain(store, regular, at=LATER) == first
    verbs.close_complaint(store=store, complaint_id=first.pk, resolution="致歉", actor=None, at=LATER)
    assert complain(store, regular, at=LATER) == first
    others = [
        complain(store, regular, "锅底太咸"),
        complain(store, regular, on=TODAY - timedelta(days=1)),
        complain(store, lapsed),
    ]
    assert len({first.pk, *(each.pk for each in others)}) == Complaint.objects.count() == 4


def test_withdrawn_words_may_be_written_again(store, regular):
    first = complain(store, regular)
    verbs.withdraw_complaint(store=store, complaint_id=first.pk, actor=None, at=LATER)
    assert complain(store, regular) != first
    said = suggest(store, regular)
    verbs.withdraw_suggestion(store=store, suggestion_id=said.pk, actor=None, at=LATER)
    assert suggest(store, regular) != said


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_are_one_complaint_and_one_suggestion(store, regular):
    def press(verb) -> None:
        try:
            verb(store, regular)
        finally:
            connection.close()

    for verb in (complain, suggest):
        presses = [threading.Thread(target=press, args=[verb]) for _ in range(6)]
        for each in presses:
            each.start()
        for each in presses:
            each.join(timeout=20)
    assert (Complaint.objects.count(), Suggestion.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"text": " \n "}, ("complaint_empty", "text", 400)),
        ({"text": "慢" * 1001}, ("field_too_long", "text", 400)),
        ({"text": "慢\x00"}, ("field_has_nul", "text", 400)),
        ({"severity": "terrible"}, ("severity_unknown", "severity", 400)),
        ({"on": TODAY + timedelta(days=1)}, ("told_in_future", "on", 400)),
    ],
)
def test_what_cannot_be_a_complaint_leaves_nothing(store, regular, said, why):
    assert refused(complain, store, regular, **said) == why
    assert Complaint.objects.count() == 0
    complain(store, regular, "慢" * 1000)
    assert Complaint.objects.get().text == "慢" * 1000


def test_a_complaint_is_closed_with_how_it_was_settled(store, regular, waiter, manager):
    complaint = complain(store, regular, actor=waiter)
    close = {"store": store, "complaint_id": complaint.pk, "actor": manager}
    verbs.close_complaint(**close, resolution=" 致歉，送果盘 ", at=LATER)
    closed = blank_complaint(store, regular) | {
        "opened_by_id": waiter.pk, "closed_at": LATER, "closed_by_id": manager.pk, "resolution": "致歉，送果盘",
    }  # fmt: skip
    assert row(complaint) == closed
    # The same again is once; other words are refused.
    verbs.close_complaint(**close, resolution="致歉，送果盘", at=LATER + timedelta(hours=1))
    again = refused(verbs.close_complaint, **close, resolution="什么也没做", at=LATER)
    assert again == ("complaint_closed", "", 409)
    assert row(complaint) == closed


@pytest.mark.parametrize(
    ("resolution", "why"),
    [
        ("  ", ("resolution_empty", "resolution", 400)),
        ("好" * 1001, ("field_too_long", "resolution", 400)),
        ("好\x00", ("field_has_nul", "resolution", 400)),
    ],
)
def test_a_complaint_is_not_closed_without_words(store, regular, manager, resolution, why):
    complaint = complain(store, regular)
    close = {"store": store, "complaint_id": complaint.pk, "actor": manager, "at": LATER}
    assert refused(verbs.close_complaint, **close, resolution=resolution) == why
    assert row(complaint) == blank_complaint(store, regular)


def test_the_table_refuses_a_closed_complaint_without_a_resolution(store, regular):
    complaint = complain(store, regular)
    with pytest.raises(IntegrityError, match="closed_with_a_resolution"), transaction.atomic():
        Complaint.objects.filter(pk=complaint.pk).update(closed_at=LATER)


def test_a_complaint_is_opened_again_and_keeps_what_did_not_help(store, regular, manager):
    complaint = complain(store, regular)
    one = {"store": store, "complaint_id": complaint.pk, "actor": manager}
    verbs.close_complaint(**one, resolution="致歉", at=NOON)
    verbs.reopen_complaint(**one, at=LATER)
    reopened = blank_complaint(store, regular) | {
        "resolution": "致歉", "reopened_at": LATER, "reopened_by_id": manager.pk,
    }  # fmt: skip
    assert row(complaint) == reopened
    verbs.reopen_complaint(**one, at=LATER + timedelta(hours=1))
    assert row(complaint) == reopened
    verbs.close_complaint(**one, resolution="店长登门道歉", at=LATER)
    assert row(complaint) == reopened | {
        "closed_at": LATER, "closed_by_id": manager.pk, "resolution": "店长登门道歉",
    }  # fmt: skip


def test_history_keeps_every_earlier_row(store, regular):
    complaint = complain(store, regular)
    one = {"store": store, "complaint_id": complaint.pk, "actor": None}
    verbs.close_complaint(**one, resolution="致歉", at=NOON)
    verbs.reopen_complaint(**one, at=LATER)
    verbs.withdraw_complaint(**one, at=LATER)
    assert [
        (event.pgh_label, event.closed_at, read(event.resolution), event.reopened_at)
        for event in complaint.events.order_by("pgh_id")
    ] == [
        ("update", None, None, None),
        ("update", NOON, "致歉", None),
        ("update", None, "致歉", LATER),
    ]


def test_a_mistake_is_withdrawn_stays_on_file_and_does_not_move_any_more(store, regular, manager):
    complaint = complain(store, regular)
    one = {"store": store, "complaint_id": complaint.pk, "actor": manager}
    verbs.withdraw_complaint(**one, at=LATER)
    gone = blank_complaint(store, regular) | {"withdrawn_at": LATER, "withdrawn_by_id": manager.pk}
    assert row(complaint) == gone
    verbs.withdraw_complaint(**one, at=LATER + timedelta(hours=1))
    for verb, more in ((verbs.close_complaint, {"resolution": "致歉"}), (verbs.reopen_complaint, {})):
        assert refused(verb, **one, **more, at=LATER) == ("complaint_withdrawn", "", 409)
    assert row(complaint) == gone
    assert not has_open_complaint(store.brand_id, regular.pk)
    assert (open_complaints(store), open_complaints_of(store, regular.pk)) == ([], [])
    told = feedback_of(store, regular.pk)
    assert (told.open, told.past) == ([], [])


def test_another_stores_guest_and_complaint_are_not_here(store, other_store, rival, regular):
    complaint, suggestion = complain(store, regular), suggest(store, regular)
    before = row(complaint), row(suggestion)
    for place in (other_store, rival):
        one = {"store": place, "complaint_id": complaint.pk, "actor": None, "at": LATER}
        two = {"store": place, "suggestion_id": suggestion.pk, "actor": None, "at": LATER}
        for verb, said in (
            (verbs.close_complaint, one | {"resolution": "致歉"}),
            (verbs.reopen_complaint, one),
            (verbs.withdraw_complaint, one),
            (verbs.judge_suggestion, two | {"valid": True}),
            (verbs.withdraw_suggestion, two),
        ):
            with pytest.raises(NotHere):
                verb(**said)
        for tell in (complain, suggest):
            with pytest.raises(NotHere):
                tell(place, regular)
    assert (row(complaint), row(suggestion)) == before
    assert (Complaint.objects.count(), Suggestion.objects.count()) == (1, 1)


# ---- suggestions ---------------------------------------------------------------------------------------------


def test_a_suggestion_is_written_down_once(store, regular, waiter):
    suggestion = suggest(store, regular, " 杯子换大一点 ", actor=waiter)
    assert suggest(store, regular, at=LATER) == suggestion
    assert row(suggestion) == blank_suggestion(store, regular) | {"recorded_by_id": waiter.pk}
    assert Suggestion.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"text": ""}, ("suggestion_empty", "text", 400)),
        ({"text": "好" * 401}, ("field_too_long", "text", 400)),
        ({"text": "好\x00"}, ("field_has_nul", "text", 400)),
        ({"on": TODAY + timedelta(days=1)}, ("told_in_future", "on", 400)),
    ],
)
def test_what_cannot_be_a_suggestion_leaves_nothing(store, regular, said, why):
    assert refused(suggest, store, regular, **said) == why
    assert Suggestion.objects.count() == 0


@pytest.mark.parametrize(
    ("valid", "word", "at", "day"),
    [
        # 1 July, half past three and five in the morning: the restaurant's day ends at four.
        (True, "valid", datetime(2026, 6, 30, 19, 30, tzinfo=UTC), date(2026, 6, 30)),
        (False, "not_valid", datetime(2026, 6, 30, 21, 0, tzinfo=UTC), date(2026, 7, 1)),
    ],
)
def test_a_suggestion_is_judged_once_on_the_day_of_the_judgement(
    store, regular, manager, valid, word, at, day
):
    suggestion = suggest(store, regular, on=date(2026, 5, 30))
    one = {"store": store, "suggestion_id": suggestion.pk, "actor": manager}
    verbs.judge_suggestion(**one, valid=valid, at=at)
    judged = blank_suggestion(store, regular) | {
        "made_on": date(2026, 5, 30), "judged": word, "judged_on": day, "judged_at": at,
        "judged_by_id": manager.pk,
    }  # fmt: skip
    assert row(suggestion) == judged
    verbs.judge_suggestion(**one, valid=valid, at=at + timedelta(days=3))
    assert refused(verbs.judge_suggestion, **one, valid=not valid, at=LATER) == ("suggestion_judged", "", 409)
    assert row(suggestion) == judged


def test_a_wrong_suggestion_is_withdrawn_judged_or_not(store, regular, manager):
    for valid in (None, True):
        suggestion = suggest(store, regular)
        one = {"store": store, "suggestion_id": suggestion.pk, "actor": manager}
        if valid is not None:
            verbs.judge_suggestion(**one, valid=valid, at=NOON)
        standing = row(suggestion)
        verbs.withdraw_suggestion(**one, at=LATER)
        verbs.withdraw_suggestion(**one, at=LATER + timedelta(hours=1))
        assert row(suggestion) == standing | {"withdrawn_at": LATER, "withdrawn_by_id": manager.pk}
        why = refused(verbs.judge_suggestion, **one, valid=True, at=LATER)
        assert why == ("suggestion_withdrawn", "", 409)
    assert unjudged(store) == [] and feedback_of(store, regular.pk).past == []


@pytest.mark.parametrize("half", [{"judged": "valid"}, {"judged_on": TODAY}, {"judged": "perhaps"}])
def test_the_table_refuses_half_a_judgement(store, regular, half):
    suggestion = suggest(store, regular)
    with pytest.raises(IntegrityError, match="judged_with_a_date"), transaction.atomic():
        Suggestion.objects.filter(pk=suggestion.pk).update(**half)


# ---- what is asked -------------------------------------------------------------------------------------------


def test_who_has_waited_longest_stands_first(store, other_store, regular, lapsed):
    elsewhere = put_on_file(other_store, "别人", phone="13500007777")
    new = complain(store, regular, "新")
    old = complain(store, lapsed, "旧", on=TODAY - timedelta(days=9))
    closed = complain(store, regular, "完", on=TODAY - timedelta(days=30))
    verbs.close_complaint(store=store, complaint_id=closed.pk, resolution="好", actor=None, at=NOON)
    complain(other_store, elsewhere, "那边")
    late, early = suggest(store, regular, "晚"), suggest(store, lapsed, "早", on=TODAY - timedelta(days=3))
    done = suggest(store, regular, "判过")
    verbs.judge_suggestion(store=store, suggestion_id=done.pk, valid=False, actor=None, at=NOON)
    suggest(other_store, elsewhere, "那边")
    assert open_complaints(store) == [old, new]
    assert unjudged(store) == [early, late]
    assert open_complaints_of(store, regular.pk) == [new]
    told = feedback_of(store, regular.pk)
    assert told.open == [new]
    assert [(said.on, said.complaint or said.suggestion) for said in told.past] == [
        (TODAY, done), (TODAY, late), (TODAY - timedelta(days=30), closed),
    ]  # fmt: skip


def test_an_open_complaint_is_known_in_the_whole_brand_and_nowhere_else(
    store, other_store, rival, regular, lapsed
):
    complaint = complain(store, regular)
    assert has_open_complaint(store.brand_id, regular.pk)
    assert not has_open_complaint(store.brand_id, lapsed.pk)
    assert not has_open_complaint(rival.brand_id, regular.pk)
    verbs.close_complaint(store=store, complaint_id=complaint.pk, resolution="致歉", actor=None, at=NOON)
    assert not has_open_complaint(store.brand_id, regular.pk)
    verbs.reopen_complaint(store=store, complaint_id=complaint.pk, actor=None, at=LATER)
    assert has_open_complaint(store.brand_id, regular.pk)
