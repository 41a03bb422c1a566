"""The long relation: agreements, guests won back, feedback asked again, return visits, topics, letters, nine steps."""

import csv
import io
import uuid
from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from care.models import (
    AccountNote,
    Agreement,
    AskedAgain,
    CallAnswer,
    Outcome,
    Piece,
    RelationRules,
    StepTarget,
    Task,
    TaskEvent,
    Topic,
)
from care.relations.selectors.accounts import account_page, accounts_of, price_of
from care.relations.selectors.card import floor_card, put_topics
from care.relations.selectors.lists import lapsed_guests, letters, voices, week_of_returns, won_back_report
from care.relations.selectors.steps import month_of_steps, step_of, stuck_guests
from care.relations.services import accounts, notes
from care.relations.services.calls import CallSaid, complete_call, open_win_back, plan_return
from care.relations.services.opening import open_relations
from care.services.outcomes import settle_outcomes
from care.services.served import write_served
from common.errors import NotHere, Refused
from crm import nightly
from customers.models import Customer, Patronage
from customers.services.customers import Profile, add_tag, change_customer
from customers.services.events import record_participation
from customers.services.visits import VisitInput, record_visit, void_visit
from feedback.models import Suggestion
from feedback.selectors import unjudged
from feedback.services import close_complaint, open_complaint, record_suggestion, withdraw_complaint
from staff.models import Role
from tests.care.stage import china, content, guests, morning
from tests.cast import put_on_file

pytestmark = pytest.mark.django_db


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def visit(store, customer, when: str, fen: int = 30_000, **more):
    at = china(when)
    said = VisitInput(visited_at=at, amount_fen=fen, customer_id=customer.pk, **more)
    return record_visit(store=store, visit_id=uuid.uuid4(), visit=said, entry="api", actor=None, at=at)


def night(store, on: str) -> dict[str, int]:
    """The step of the night of business date `on`, run the morning after."""
    day = date.fromisoformat(on)
    following = day + timedelta(days=1)
    return open_relations(store=store, on=day, at=morning(following), today=following)


def said(**more) -> dict[str, str]:
    return {"act": "done", **more}


# ---- rows 47, 48, 49: organisations --------------------------------------------------------------------------


@pytest.fixture
def zhang(store, head) -> Customer:
    """张总 of 宏达公司, whom the head looks after."""
    return put_on_file(
        store,
        "张宏",
        salutation="张总",
        phone="13811110001",
        external_id="Z1",
        employer="宏达公司",
        owner=head,
    )


@pytest.fixture
def colleague(store) -> Customer:
    return put_on_file(store, "小李", phone="13811110002", external_id="Z2", employer=" 宏达公司 ")


def agree(store, contact, actor=None, *, level=1, on="2026-01-01", **more) -> Agreement:
    terms = {
        "contact_id": contact.pk, "level": level, "valid_from": date.fromisoformat(on), "valid_to": date(2026, 12, 31),
        "call_days": {1: 90, 2: 30}[level], "renewal_days": 60, "discount": Decimal("8"),
    }  # fmt: skip
    return accounts.make_agreement(
        store=store, terms=accounts.Terms(**(terms | more)), actor=actor, at=china(f"{on} 10:00"),
        today=date.fromisoformat(on),
    )  # fmt: skip


def test_row_47_the_renewal_is_a_task_sixty_days_before_the_end(store, zhang, head):
    agree(store, zhang, call_days=400)
    assert night(store, "2026-10-30") == {}
    assert night(store, "2026-10-31") == {"renewals": 1}
    task = Task.objects.get()
    assert (task.code, task.due_on, task.close_on, task.assignee, task.state) == (
        "renewal", date(2026, 11, 1), date(2026, 12, 31), head, "open",
    )  # fmt: skip
    before = content()
    night(store, "2026-10-31"), night(store, "2026-11-01")
    assert content() == before


def test_row_47_the_quarterly_call_is_logged_with_a_score_and_shown_on_the_account(store, zhang, head):
    agreement = agree(store, zhang)
    assert night(store, "2026-03-30") == {}
    assert night(store, "2026-03-31") == {"account_calls": 1}
    task = Task.objects.get(code="account_call")
    assert (task.due_on, task.assignee, task.channel) == (date(2026, 4, 1), head, "phone")
    desk = signed_in(head)
    with time_machine.travel(china("2026-04-01 15:00"), tick=False):
        without = desk.post(reverse("task-act", args=[task.pk]), said(), headers={"HX-Request": "true"})
        assert without.status_code == 422 and "1 到 5" in without.content.decode()
        assert TaskEvent.objects.count() == CallAnswer.objects.count() == 0
        assert desk.post(reverse("task-act", args=[task.pk]), said(score="6")).status_code == 302
        assert TaskEvent.objects.count() == 0
        desk.post(reverse("task-act", args=[task.pk]), said(score="4", note="想要开发票快一点"))
    assert CallAnswer.objects.get().score == 4
    # The next one is counted from this one; an organisation that was called is not called again the same quarter.
    assert night(store, "2026-06-28") == {}
    assert night(store, "2026-06-29") == {"account_calls": 1}
    second = Task.objects.get(code="account_call", state="open")
    with time_machine.travel(china("2026-07-01 11:00"), tick=False):
        desk.post(reverse("task-act", args=[second.pk]), said(score="5"))
        page = desk.get(reverse("account", args=[agreement.pk])).content.decode()
    told = account_page(store, agreement, date(2026, 7, 1))
    assert [each.score for each in told.calls] == [5, 4] and told.mean == 4.5
    assert "想要开发票快一点" in page and "<b>4.5</b>" in page


def test_row_48_thirty_one_days_without_contact_at_a_cadence_of_thirty_is_overdue(store, zhang, head):
    agree(store, zhang, level=2, on="2026-05-01")
    task = plan_return(
        store=store, customer_id=zhang.pk, on=date(2026, 5, 10), channel="phone", to=head, actor=head,
        at=china("2026-05-10 09:00"),
    )  # fmt: skip
    complete_call(store=store, task_id=task.pk, actor=head, at=china("2026-05-10 12:00"), said=CallSaid())
    assert [(each.last_on, each.overdue) for each in accounts_of(store, date(2026, 6, 9))] == [
        (date(2026, 5, 10), 0)
    ]
    assert [each.overdue for each in accounts_of(store, date(2026, 6, 10))] == [1]
    with time_machine.travel(china("2026-06-10 12:00"), tick=False):
        assert "超过 1 天" in signed_in(head).get(reverse("accounts")).content.decode()


def test_row_48_a_call_to_a_colleague_or_a_noted_letter_is_a_contact_a_meal_is_none(
    store, zhang, colleague, head
):
    agreement = agree(store, zhang, level=2, on="2026-05-01")
    visit(store, zhang, "2026-06-05 18:00")
    assert [each.overdue for each in accounts_of(store, date(2026, 6, 10))] == [10]
    told = {
        "store": store,
        "pk": agreement.pk,
        "actor": head,
        "at": china("2026-06-10 10:00"),
        "today": date(2026, 6, 10),
    }
    accounts.write_note(**told, kind="event", on=date(2026, 6, 1), words="联合品鉴会，来了 30 人")
    assert [each.overdue for each in accounts_of(store, date(2026, 6, 10))] == [10]
    for _twice in range(2):
        accounts.write_note(**told, kind="contact", on=date(2026, 6, 2), words="发邮件问意见")
    assert AccountNote.objects.count() == 2
    assert [each.last_on for each in accounts_of(store, date(2026, 6, 10))] == [date(2026, 6, 2)]
    task = plan_return(
        store=store, customer_id=colleague.pk, on=date(2026, 6, 8), channel="wechat", to=None, actor=head,
        at=china("2026-06-08 09:00"),
    )  # fmt: skip
    complete_call(store=store, task_id=task.pk, actor=head, at=china("2026-06-08 12:00"), said=CallSaid())
    assert [each.last_on for each in accounts_of(store, date(2026, 6, 10))] == [date(2026, 6, 8)]


def test_row_48_the_library_keeps_texts_to_send(store, head, waiter, other_store):
    desk = signed_in(head)
    told = {"kind": "food", "title": "菌菇怎么煮", "words": "先煮二十分钟，再放青菜。"}
    for _twice in range(2):
        assert desk.post(reverse("care-library"), told).status_code == 302
    piece = Piece.objects.get()
    page = desk.get(reverse("care-library")).content.decode()
    assert "先煮二十分钟" in page and f'data-copy="piece-{piece.pk}"' in page and "mailto:?subject=" in page
    assert desk.post(reverse("care-library"), told | {"words": "煮"}).status_code == 422
    with pytest.raises(NotHere):
        notes.remove_piece(store=other_store, pk=piece.pk)
    assert signed_in(waiter).get(reverse("care-library")).status_code == 403
    desk.post(reverse("care-library"), {"remove": piece.pk})
    assert not Piece.objects.exists()


def test_row_49_the_price_list_is_shown_for_the_organisations_own_people_only(
    store, zhang, colleague, regular, waiter
):
    Customer.objects.filter(pk=regular.pk).update(employer="别家公司")
    agree(store, zhang, on="2026-06-01")
    with time_machine.travel(china("2026-06-20 12:00"), tick=False):
        floor = signed_in(waiter)
        shown = {
            each.name: "协议价：减 8%（9.2 折）"
            in floor.get(reverse("tablet-guest", args=[each.pk])).content.decode()
            for each in (zhang, colleague, regular)
        }
    assert shown == {"张宏": True, "小李": True, "王建国": False}


def test_row_49_no_price_before_after_or_when_it_was_ended_nor_in_another_store(
    store, other_store, zhang, head
):
    agreement = agree(store, zhang, on="2026-06-01")
    days = [date(2026, 5, 31), date(2026, 6, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [price_of(store, zhang, day) is not None for day in days] == [False, True, True, False]
    assert price_of(other_store, zhang, date(2026, 6, 1)) is None
    accounts.end_agreement(store=store, pk=agreement.pk, actor=head, at=china("2026-06-02 10:00"))
    assert price_of(store, zhang, date(2026, 6, 1)) is None


def test_an_agreement_that_is_changed_or_ended_takes_its_tasks_with_it(store, zhang, head):
    agreement = agree(store, zhang, call_days=400)
    night(store, "2026-10-31")
    later = {"contact_id": zhang.pk, "level": 1, "valid_from": date(2026, 1, 1), "valid_to": date(2027, 12, 31),
             "call_days": 400, "renewal_days": 60}  # fmt: skip
    change = {"store": store, "pk": agreement.pk, "at": china("2026-11-01 10:00"), "today": date(2026, 11, 1)}
    accounts.change_agreement(**change, terms=accounts.Terms(**later))
    assert [(each.state, each.reason) for each in Task.objects.all()] == [("closed", "agreement_changed")]
    assert night(store, "2026-11-01") == {}
    # Back to the old day: the same task is open again.
    accounts.change_agreement(**change, terms=accounts.Terms(**(later | {"valid_to": date(2026, 12, 31)})))
    assert night(store, "2026-11-01") == {"renewals": 1}
    assert [(each.state, each.due_on) for each in Task.objects.all()] == [("open", date(2026, 11, 2))]
    for _twice in range(2):
        accounts.end_agreement(store=store, pk=agreement.pk, actor=head, at=china("2026-11-03 10:00"))
    assert Task.objects.get().state == "closed" and night(store, "2026-11-03") == {}
    with pytest.raises(Refused) as refused:
        accounts.change_agreement(**change, terms=accounts.Terms(**later))
    assert refused.value.code == "agreement_ended"


def test_an_organisation_reached_in_another_way_needs_no_call(store, zhang, colleague, head):
    agree(store, zhang, level=2, on="2026-05-01")
    night(store, "2026-05-31")
    assert Task.objects.filter(code="account_call", state="open").count() == 1
    task = plan_return(
        store=store, customer_id=colleague.pk, on=date(2026, 6, 2), channel="phone", to=None, actor=head,
        at=china("2026-06-02 09:00"),
    )  # fmt: skip
    complete_call(store=store, task_id=task.pk, actor=head, at=china("2026-06-02 12:00"), said=CallSaid())
    assert night(store, "2026-06-02") == {"contacted": 1}
    assert Task.objects.get(code="account_call").reason == "contacted"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"valid_to": date(2025, 12, 31)}, "agreement_days"),
        ({"valid_from": date(2025, 1, 1), "valid_to": date(2025, 12, 31)}, "agreement_over"),
        ({"call_days": 0}, "call_days_range"),
        ({"renewal_days": 366}, "renewal_days_range"),
        ({"discount": Decimal(100)}, "discount_range"),
    ],
)
def test_an_agreement_that_cannot_be_is_refused(store, zhang, more, code):
    with pytest.raises(Refused) as refused:
        agree(store, zhang, **more)
    assert refused.value.code == code and not Agreement.objects.exists()


def test_one_agreement_an_organisation_with_somebody_of_it(store, other_store, zhang, colleague, regular):
    agree(store, zhang)
    with pytest.raises(Refused) as refused:
        agree(store, colleague)
    assert (refused.value.code, refused.value.status) == ("agreement_taken", 409)
    with pytest.raises(Refused) as refused:
        agree(store, regular)
    assert refused.value.code == "contact_no_employer"
    with pytest.raises(NotHere):
        agree(other_store, zhang)
    assert Agreement.objects.count() == 1


def test_an_agreement_is_made_changed_and_ended_on_its_pages(store, zhang, regular, head, manager, host):
    with time_machine.travel(china("2026-06-20 12:00"), tick=False):
        desk = signed_in(manager)
        told = {
            "contact": "Z1", "level": "2", "discount": "8", "valid_from": "2026-06-20", "valid_to": "2026-12-31",
            "call_days": "", "renewal_days": "60", "terms": "月结",
        }  # fmt: skip
        assert desk.post(reverse("account-new"), told | {"contact": "C001"}).status_code == 422
        assert desk.post(reverse("account-new"), told | {"contact": "不存在"}).status_code == 422
        assert desk.post(reverse("account-new"), told).status_code == 302
        agreement = Agreement.objects.get()
        assert (agreement.employer, agreement.call_days, agreement.discount) == ("宏达公司", 30, Decimal(8))
        assert "Z1" in desk.get(reverse("account-edit", args=[agreement.pk])).content.decode()
        assert (
            desk.post(reverse("account-edit", args=[agreement.pk]), told | {"discount": ""}).status_code
            == 302
        )
        agreement.refresh_from_db()
        assert agreement.discount is None
        note = {"kind": "event", "on": "2026-06-20", "words": "联合讲座"}
        assert desk.post(reverse("account-act", args=[agreement.pk]), note).status_code == 302
        late = desk.post(reverse("account-act", args=[agreement.pk]), note | {"on": "2026-06-31"})
        assert late.status_code == 422
        assert "联合讲座" in desk.get(reverse("account", args=[agreement.pk])).content.decode()
        desk.post(reverse("account-act", args=[agreement.pk]), {"remove": AccountNote.objects.get().pk})
        assert not AccountNote.objects.exists()
        desk.post(reverse("account-act", args=[agreement.pk]), {"act": "end"})
        agreement.refresh_from_db()
        assert agreement.ended_by == manager
        assert signed_in(host).get(reverse("accounts")).status_code == 403


# ---- row 52: won back ----------------------------------------------------------------------------------------

CAUSES = ["taste"] * 20 + ["price"] * 10 + ["moved"] * 8 + ["service"] * 12


def test_row_52_fifty_contacted_twelve_returned_is_24_per_cent_split_by_reason(store, head):
    """Each fourth of the first 48 comes back: the twelve come on the sixtieth day at the latest."""
    people = guests(store, 50, last_visit_on=date(2026, 3, 1))
    ids = [each.pk for each in people]
    with time_machine.travel(china("2026-06-01 10:00"), tick=False):
        desk = signed_in(head)
        assert len(lapsed_guests(store, date(2026, 6, 1))) == 50
        for _twice in range(2):
            desk.post(reverse("list-win-back"), {"guest": ids})
        tasks = list(Task.objects.filter(code="win_back").order_by("customer"))
        assert len(tasks) == 50 and lapsed_guests(store, date(2026, 6, 1)) == []
        for task, cause in zip(tasks, CAUSES, strict=True):
            told = said(cause=cause, measure="coupon" if cause == "price" else "invite")
            assert desk.post(reverse("task-act", args=[task.pk]), told).status_code == 302
    for n in range(11):
        visit(store, people[4 * n], "2026-06-20 18:00")
    visit(store, people[44], "2026-07-31 18:00")  # the sixtieth day
    visit(store, people[45], "2026-08-01 18:00")  # a day late
    visit(store, people[46], "2026-06-01 09:00")  # before the call
    span = (china("2026-06-01 04:00"), china("2026-07-01 04:00"))
    report = won_back_report(store, span, 60, date(2026, 8, 2))
    assert (report.counts, f"{report.rate:.0%}") == (
        {"guests": 50, "returned": 12, "lost": 38, "waiting": 0}, "24%",
    )  # fmt: skip
    assert {each.code: each.guests for each in report.causes} == {
        "taste": 20,
        "price": 10,
        "moved": 8,
        "service": 12,
    }
    assert {each.code: each.returned for each in report.causes} == {
        "taste": 5,
        "price": 3,
        "moved": 2,
        "service": 2,
    }
    assert {each.code: (each.guests, each.returned) for each in report.measures} == {
        "coupon": (10, 3),
        "invite": (40, 9),
    }
    early = won_back_report(store, span, 60, date(2026, 7, 1))
    assert early.counts["waiting"] == 38
    with time_machine.travel(china("2026-08-02 10:00"), tick=False):
        desk = signed_in(head)
        page = desk.get(reverse("list-win-back")).content.decode()
        assert "<b>24.0%</b>" in page and "<b>12</b>" in page
        assert (
            desk.post(reverse("relation-rules"), {"name": "win_back_days", "number": "10"}).status_code == 302
        )
        assert RelationRules.objects.get().win_back_days == 10
        assert "<b>24.0%</b>" not in desk.get(reverse("list-win-back")).content.decode()


def test_row_52_a_visit_that_was_taken_back_wins_nobody(store, head):
    (guest,) = guests(store, 1, last_visit_on=date(2026, 3, 1))
    open_win_back(
        store=store, customer_ids=[guest.pk], actor=head, at=china("2026-06-01 10:00"), today=date(2026, 6, 1)
    )
    complete_call(
        store=store, task_id=Task.objects.get().pk, actor=head, at=china("2026-06-01 11:00"),
        said=CallSaid(cause="taste", measure="dish"),
    )  # fmt: skip
    came = visit(store, guest, "2026-06-10 18:00")
    span = (china("2026-06-01 04:00"), china("2026-06-02 04:00"))
    assert won_back_report(store, span, 60, date(2026, 6, 11)).counts["returned"] == 1
    void_visit(store=store, visit_id=came.visit_id, reason="记错了", actor=head, at=china("2026-06-11 10:00"))
    assert won_back_report(store, span, 60, date(2026, 6, 11)).counts["returned"] == 0


def test_row_52_only_a_visit_after_the_own_call_counts(store, head):
    first, second = guests(store, 2, last_visit_on=date(2026, 3, 1))
    told = {"store": store, "actor": head}
    for guest, day in ((first, "2026-06-01"), (second, "2026-06-08")):
        at = china(f"{day} 10:00")
        open_win_back(**told, customer_ids=[guest.pk], at=at, today=date.fromisoformat(day))
        task = Task.objects.get(code="win_back", customer=guest)
        complete_call(**told, task_id=task.pk, at=at, said=CallSaid(cause="taste", measure="dish"))
    visit(store, second, "2026-06-05 18:00")
    span = (china("2026-06-01 04:00"), china("2026-07-01 04:00"))
    assert won_back_report(store, span, 60, date(2026, 6, 30)).counts["returned"] == 0
    visit(store, second, "2026-06-20 18:00")
    report = won_back_report(store, span, 60, date(2026, 6, 30))
    assert [each.came_on for each in report.rows] == [date(2026, 6, 20), None]


def test_row_52_a_guest_who_comes_before_the_call_needs_none(store, head):
    (guest,) = guests(store, 1, last_visit_on=date(2026, 3, 1))
    open_win_back(
        store=store, customer_ids=[guest.pk], actor=head, at=china("2026-06-01 10:00"), today=date(2026, 6, 1)
    )
    visit(store, guest, "2026-06-03 18:00")
    assert night(store, "2026-06-03") == {"came": 1}
    assert Task.objects.get().reason == "came"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (CallSaid(), "cause_missing"),
        (CallSaid(cause="weather", measure="coupon"), "cause_missing"),
        (CallSaid(cause="taste"), "measure_missing"),
        (CallSaid(cause="taste", measure="coupon", score=9), "score_range"),
    ],
)
def test_row_52_a_call_without_cause_and_measure_settles_nothing(store, head, told, code):
    (guest,) = guests(store, 1, last_visit_on=date(2026, 3, 1))
    at = china("2026-06-01 10:00")
    open_win_back(store=store, customer_ids=[guest.pk], actor=head, at=at, today=date(2026, 6, 1))
    before = content(Task, TaskEvent, CallAnswer)
    with pytest.raises(Refused) as refused:
        complete_call(store=store, task_id=Task.objects.get().pk, actor=head, at=at, said=told)
    assert refused.value.code == code and content(Task, TaskEvent, CallAnswer) == before


def test_row_52_nobody_who_came_lately_never_came_or_is_elsewhere_is_called_back(store, other_store, head):
    recent, never = (
        guests(store, 1, last_visit_on=date(2026, 4, 3))[0],
        guests(store, 1, first=2)[0],
    )
    lapsed, stranger = (
        guests(store, 1, last_visit_on=date(2026, 4, 2), first=3)[0],
        guests(other_store, 1, last_visit_on=date(2026, 3, 1), first=4)[0],
    )
    call = {"store": store, "actor": head, "at": china("2026-06-01 10:00"), "today": date(2026, 6, 1)}
    for ids, refusal in (
        ([], Refused),
        ([lapsed.pk, recent.pk], Refused),
        ([never.pk], Refused),
        ([stranger.pk], NotHere),
    ):
        with pytest.raises(refusal):
            open_win_back(**call, customer_ids=ids)
    assert not Task.objects.exists()
    assert open_win_back(**call, customer_ids=[lapsed.pk]) == 1
    assert open_win_back(**call, customer_ids=[lapsed.pk]) == 0


# ---- row 53: feedback ----------------------------------------------------------------------------------------


@pytest.fixture
def closed(store, regular, head):
    """A complaint told on 30 May and closed on 1 June."""
    told = open_complaint(
        store=store, customer_id=regular.pk, text="等了四十分钟", actor=head, at=china("2026-05-30 20:00")
    )
    return close_complaint(
        store=store, complaint_id=told.pk, resolution="当面道歉", actor=head, at=china("2026-06-01 11:00")
    )


def floor_of(person, customer, when: str) -> str:
    with time_machine.travel(china(when), tick=False):
        return signed_in(person).get(reverse("tablet-guest", args=[customer.pk])).content.decode()


def test_row_53_closed_on_1_june_the_tablet_asks_again_at_the_next_visit(store, closed, regular, waiter):
    ask = "再问一句"
    assert ask in floor_of(waiter, regular, "2026-06-05 18:00")
    visit(store, regular, "2026-06-05 18:30")
    assert ask in floor_of(waiter, regular, "2026-06-05 21:00")  # still at the table
    assert ask in floor_of(waiter, regular, "2026-06-06 01:00")  # the business day is not over
    assert ask not in floor_of(waiter, regular, "2026-06-06 12:00")


def test_row_53_it_is_gone_when_the_answer_was_noted_and_not_content_opens_the_complaint(
    store, closed, regular, waiter, head
):
    with time_machine.travel(china("2026-06-05 18:00"), tick=False):
        floor = signed_in(waiter)
        said_no = {"content": "no", "words": "还是上得慢"}
        for _twice in range(2):
            answer = floor.post(reverse("asked-again", args=[closed.pk]), said_no)
            assert answer.status_code == 302 and answer["location"] == reverse(
                "tablet-guest", args=[regular.pk]
            )
    closed.refresh_from_db()
    assert closed.is_open and AskedAgain.objects.get().words == "还是上得慢"
    page = floor_of(waiter, regular, "2026-06-05 18:01")
    assert "再问一句" not in page and "有未了结的投诉" in page
    close_complaint(
        store=store, complaint_id=closed.pk, resolution="换了出菜口", actor=head, at=china("2026-06-06 10:00")
    )
    assert "再问一句" in floor_of(waiter, regular, "2026-06-08 18:00")
    with time_machine.travel(china("2026-06-08 18:30"), tick=False):
        floor = signed_in(waiter)
        floor.post(reverse("asked-again", args=[closed.pk]), {"content": "yes"})
        floor.post(reverse("asked-again", args=[closed.pk]), {"content": "no"})
    closed.refresh_from_db()
    assert not closed.is_open and AskedAgain.objects.count() == 2
    assert "再问一句" not in floor_of(waiter, regular, "2026-06-08 18:31")


def test_row_53_an_open_or_withdrawn_complaint_is_not_asked_about(store, closed, regular, head):
    assert [each.pk for each in floor_card(store, regular, date(2026, 6, 2)).to_ask] == [closed.pk]
    told = open_complaint(
        store=store, customer_id=regular.pk, text="汤太咸", actor=head, at=china("2026-06-02 10:00")
    )
    with pytest.raises(Refused):
        notes.answer_again(
            store=store,
            complaint_id=told.pk,
            content=True,
            words="",
            actor=head,
            at=china("2026-06-03 10:00"),
        )
    withdraw_complaint(store=store, complaint_id=closed.pk, actor=head, at=china("2026-06-02 10:00"))
    assert floor_card(store, regular, date(2026, 6, 2)).to_ask == []


def test_row_53_after_closing_a_follow_up_is_on_somebodys_list(store, closed, regular, head):
    change_customer(
        store=store,
        customer_id=regular.pk,
        profile=Profile(owner=head),
        actor=head,
        at=china("2026-06-01 12:00"),
        source="desk",
    )
    assert night(store, "2026-06-01") == {"follow_ups": 1}
    task = Task.objects.get()
    assert (task.code, task.due_on, task.close_on, task.assignee, task.channel) == (
        "follow_up", date(2026, 6, 4), date(2026, 6, 18), head, "phone",
    )  # fmt: skip
    before = content()
    assert night(store, "2026-06-01") == night(store, "2026-06-02") == {}
    assert content() == before
    withdraw_complaint(store=store, complaint_id=closed.pk, actor=head, at=china("2026-06-03 10:00"))
    assert night(store, "2026-06-03") == {"complaint_reopened": 1}


def test_row_53_everybody_with_feedback_is_on_the_list(
    store, other_store, closed, regular, silent, newcomer, head
):
    record_suggestion(
        store=store, customer_id=silent.pk, text="换大杯子", actor=head, at=china("2026-06-03 10:00")
    )
    found = voices(store)
    assert [(each.guest.customer_id, each.complaints, each.suggestions, each.to_ask) for each in found] == [
        (silent.pk, 0, 1, 0), (regular.pk, 1, 0, 1),
    ]  # fmt: skip
    assert voices(other_store) == []
    page = signed_in(head).get(reverse("feedback-guests")).content.decode()
    assert "王总" in page and "赵静" in page and "要再问一句" in page and "单晓东" not in page


# ---- row 68: return visits -----------------------------------------------------------------------------------


def test_row_68_thirty_planned_in_week_23_twenty_seven_done_nine_suggestions(store, head, manager):
    people = [put_on_file(store, f"客人{n}", phone=f"138000010{n:02}") for n in range(30)]
    with time_machine.travel(china("2026-05-31 12:00"), tick=False):
        desk = signed_in(manager)
        for n, guest in enumerate(people):
            number = Patronage.objects.get(customer=guest).external_id
            plan = {
                "guest": number,
                "on": f"2026-06-0{1 + n % 7}",
                "channel": ("phone", "visit", "wechat")[n % 3],
                "to": str(head.pk),
            }
            assert desk.post(reverse("list-returns"), plan).status_code == 302
        assert desk.post(reverse("list-returns"), plan).status_code == 422  # the same day again
    tasks = list(Task.objects.filter(code="return_plan").order_by("pk"))
    with time_machine.travel(china("2026-06-07 12:00"), tick=False):
        for n, task in enumerate(tasks[:27]):
            told = said(suggestion=f"建议{n}") if n % 3 == 0 else said(score="5")
            for _twice in range(2):
                desk.post(reverse("task-act", args=[task.pk]), told)
        page = desk.get(reverse("list-returns") + "?week=2026-W23").content.decode()
    week = week_of_returns(store, date(2026, 6, 1))
    assert (week.planned, week.done, len(week.suggestions)) == (30, 27, 9)
    assert {each.pk for each in unjudged(store)} == {each.pk for each in week.suggestions}
    assert Suggestion.objects.count() == 9
    assert "第 23 周" in page and "<b>30</b>" in page and "<b>27</b>" in page and "<b>9</b>" in page
    empty = week_of_returns(store, date(2026, 6, 8))
    assert (empty.planned, empty.done, empty.suggestions) == (0, 0, [])


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"on": date(2026, 5, 30)}, "return_too_far"),
        ({"on": date(2026, 7, 31)}, "return_too_far"),
        ({"channel": "gift"}, "return_channel"),
    ],
)
def test_row_68_a_return_visit_that_cannot_be_is_refused(store, regular, head, more, code):
    plan = {"on": date(2026, 6, 1), "channel": "phone"} | more
    with pytest.raises(Refused) as refused:
        plan_return(
            store=store, customer_id=regular.pk, to=head, actor=head, at=china("2026-05-31 12:00"), **plan
        )
    assert refused.value.code == code and not Task.objects.exists()


def test_row_68_only_a_return_visit_takes_a_suggestion(store, regular, head):
    task = Task.objects.create(
        store=store, customer=regular, code="card", occasion="x", channel="card", zh="卡", en="card", role=Role.HEAD,
        due_on=date(2026, 6, 1), close_on=date(2026, 6, 9), opened_on=date(2026, 6, 1), opened_at=china("2026-06-01 09:00"),
    )  # fmt: skip
    with pytest.raises(Refused):
        complete_call(
            store=store,
            task_id=task.pk,
            actor=head,
            at=china("2026-06-01 10:00"),
            said=CallSaid(suggestion="大杯子"),
        )
    assert not Suggestion.objects.exists() and not TaskEvent.objects.exists()


# ---- row 77: topics ------------------------------------------------------------------------------------------


def test_row_77_a_topic_of_20_august_is_suggested_once_on_the_card_of_5_september(
    store, regular, head, manager
):
    with time_machine.travel(china("2026-08-20 20:00"), tick=False):
        desk = signed_in(head)
        told = {"words": "儿子上大学了", "depth": "2"}
        for _twice in range(2):
            assert desk.post(reverse("customer-topic", args=[regular.pk]), told).status_code == 302
    topic = Topic.objects.get()
    plan = {"store": store, "customer_id": regular.pk, "channel": "phone", "to": head, "actor": head}
    first = plan_return(**plan, on=date(2026, 9, 5), at=china("2026-08-21 10:00"))
    second = plan_return(**plan, on=date(2026, 9, 6), at=china("2026-08-21 10:00"))
    with time_machine.travel(china("2026-09-05 10:00"), tick=False):
        desk = signed_in(head)
        assert "儿子上大学了" in desk.get(reverse("tasks")).content.decode()
        desk.post(reverse("task-act", args=[first.pk]), {"act": "not_reached", "topic": topic.pk})
        topic.refresh_from_db()
        assert topic.used_at is None
        desk.post(reverse("task-act", args=[first.pk]), said(topic=topic.pk))
        topic.refresh_from_db()
        assert (topic.used_at, topic.used_by) == (china("2026-09-05 10:00"), head)
        # The other call of the same guest has nothing to suggest any more.
        assert "儿子上大学了" not in desk.get(reverse("tasks")).content.decode()
        assert "聊过" in desk.get(reverse("customer-relation", args=[regular.pk])).content.decode()
    put_topics(store, [second])
    assert second.topic is None


def test_row_77_what_is_told_about_a_guest_is_encrypted_and_stays_in_the_store(
    store, other_store, regular, silent, head, stranger
):
    topic = notes.note_topic(
        store=store,
        customer_id=regular.pk,
        words="儿子上大学了",
        depth=2,
        actor=head,
        at=china("2026-08-20 20:00"),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT words FROM care_topic")
        assert "儿子".encode() not in bytes(cursor.fetchone()[0])
    assert Topic.objects.get().words == "儿子上大学了"
    # A topic of another guest is not used up by this one's call.
    task = plan_return(
        store=store, customer_id=silent.pk, on=date(2026, 9, 5), channel="phone", to=head, actor=head,
        at=china("2026-09-05 09:00"),
    )  # fmt: skip
    complete_call(
        store=store,
        task_id=task.pk,
        actor=head,
        at=china("2026-09-05 10:00"),
        said=CallSaid(topic_id=topic.pk),
    )
    assert Topic.objects.get().used_at is None
    for refused in (
        lambda: notes.forget_topic(store=other_store, customer_id=regular.pk, pk=topic.pk),
        lambda: notes.forget_topic(store=store, customer_id=silent.pk, pk=topic.pk),
        lambda: notes.note_topic(
            store=other_store,
            customer_id=regular.pk,
            words="旅行",
            depth=1,
            actor=None,
            at=china("2026-09-05 10:00"),
        ),
    ):
        with pytest.raises(NotHere):
            refused()
    with pytest.raises(Refused):
        notes.note_topic(
            store=store,
            customer_id=regular.pk,
            words="旅行",
            depth=4,
            actor=None,
            at=china("2026-09-05 10:00"),
        )
    assert signed_in(stranger).get(reverse("customer-relation", args=[regular.pk])).status_code == 404


# ---- row 78: letters -----------------------------------------------------------------------------------------


def test_row_78_forty_two_labels_and_three_without_an_address(store, other_store, regular, manager):
    people = guests(store, 46)
    Customer.objects.filter(pk__in=[each.pk for each in people[:45]]).update(preferred_channel="card")
    Customer.objects.filter(pk__in=[each.pk for each in people]).update(address="滨江路 8 号 3 单元")
    Customer.objects.filter(pk__in=[each.pk for each in people[42:45]]).update(address="")
    Customer.objects.filter(pk=people[45].pk).update(preferred_channel="wechat")
    for each in guests(other_store, 1, first=100):
        Customer.objects.filter(pk=each.pk).update(preferred_channel="card", address="城西路 1 号")
    found = letters(store)
    assert (len(found.labels), [reason for _guest, reason in found.faults]) == (42, ["no_address"] * 3)
    desk = signed_in(manager)
    page = desk.get(reverse("list-labels")).content.decode()
    assert page.count("<span>滨江路 8 号 3 单元</span>") == 42 and page.count("没有地址") == 3
    Customer.objects.filter(pk=people[0].pk).update(name="=HYPERLINK(1)")
    table = desk.get(reverse("list-labels") + "?as=csv")
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert (
        len(rows) == 43 and rows[0] == ["客户编号", "姓名", "称呼", "地址"] and rows[1][1] == "'=HYPERLINK(1)"
    )
    assert "attachment" in table["Content-Disposition"]


def test_row_78_the_preferred_channel_is_in_the_profile_and_on_the_call_card(store, regular, head):
    desk = signed_in(head)
    page = desk.get(reverse("customer-edit", args=[regular.pk])).content.decode()
    assert "首选联系方式" in page
    change = {
        "name": "王建国",
        "preferred_channel": "wechat",
        "owner": "",
        "birthday": "",
        "birthday_calendar": "",
    }
    assert desk.post(reverse("customer-edit", args=[regular.pk]), change).status_code == 302
    regular.refresh_from_db()
    assert regular.preferred_channel == "wechat"
    with time_machine.travel(china("2026-06-20 12:00"), tick=False):
        plan_return(
            store=store, customer_id=regular.pk, on=date(2026, 6, 20), channel="phone", to=head, actor=head,
            at=china("2026-06-20 12:00"),
        )  # fmt: skip
        assert "客人更愿意用微信联系" in desk.get(reverse("tasks")).content.decode()
    assert (
        desk.post(
            reverse("customer-edit", args=[regular.pk]), change | {"preferred_channel": "pigeon"}
        ).status_code
        == 422
    )


def test_row_78_a_guest_in_mourning_gets_no_card(store, regular, head):
    Customer.objects.filter(pk=regular.pk).update(preferred_channel="card")
    add_tag(customer=regular, word="守孝", actor=head, at=china("2026-06-20 12:00"))
    assert [reason for _guest, reason in letters(store).faults] == ["in_mourning"]


# ---- row 81: nine steps --------------------------------------------------------------------------------------


def test_row_81_the_funnel_of_june(store, head):
    """180 of 400 on file in June: 60 called, 33 of them reached, 30 came, 27 were called again after their visit."""
    people = guests(store, 180)
    Patronage.objects.filter(store=store).update(since=date(2026, 6, 3))
    for n, guest in enumerate(people[:60]):
        task = plan_return(
            store=store, customer_id=guest.pk, on=date(2026, 6, 5), channel="phone", to=head, actor=head,
            at=china("2026-06-05 09:00"),
        )  # fmt: skip
        at = china("2026-06-05 10:00")
        if n < 33:
            complete_call(store=store, task_id=task.pk, actor=head, at=at, said=CallSaid())
        else:
            TaskEvent.objects.create(task=task, outcome="not_reached", at=at, by=head)
    for guest in people[:30]:
        visit(store, guest, "2026-06-10 18:00")
    for guest in people[:27]:
        task = plan_return(
            store=store, customer_id=guest.pk, on=date(2026, 6, 15), channel="phone", to=head, actor=head,
            at=china("2026-06-15 09:00"),
        )  # fmt: skip
        complete_call(store=store, task_id=task.pk, actor=head, at=china("2026-06-15 10:00"), said=CallSaid())
    with time_machine.travel(china("2026-06-30 12:00"), tick=False):
        desk = signed_in(head)
        for _twice in range(2):
            assert (
                desk.post(reverse("relation-target"), {"month": "2026-06", "number": "400"}).status_code
                == 302
            )
        page = desk.get(reverse("relation-steps")).content.decode()
    assert StepTarget.objects.get().number == 400
    month = month_of_steps(store, date(2026, 6, 1), 30, date(2026, 6, 30))
    reached = {name: number for name, number, _share in month.rows}
    assert reached == {
        "define": 400, "recognise": 180, "develop": 60, "respond": 33, "receive": 30, "serve": 27, "care": 27,
        "return": 27, "interact": 0,
    }  # fmt: skip
    shares = {name: share for name, _number, share in month.rows}
    assert f"{shares['develop']:.1%}" == "33.3%" and "33.3%" in page
    assert month_of_steps(store, date(2026, 7, 1), 30, date(2026, 7, 30)).rows[1][1] == 0


def test_row_81_who_stands_at_a_step_for_too_long_is_listed(store, head):
    first, second = guests(store, 2)
    Patronage.objects.filter(store=store).update(since=date(2026, 6, 3))
    visit(store, second, "2026-06-20 18:00")
    month = month_of_steps(store, date(2026, 6, 1), 30, date(2026, 7, 4))
    assert (month.at, month.stuck) == ({"recognise": 1, "receive": 1}, {"recognise": 1})
    found = stuck_guests(store, month, "recognise", 30, date(2026, 7, 4))
    assert [(each.customer_id, since) for each, since in found] == [(first.pk, date(2026, 6, 3))]
    assert month_of_steps(store, date(2026, 6, 1), 30, date(2026, 7, 3)).stuck == {}
    with time_machine.travel(china("2026-07-04 12:00"), tick=False):
        page = (
            signed_in(head).get(reverse("relation-steps") + "?month=2026-06&step=recognise").content.decode()
        )
    assert "客人1" in page and "客人2" not in page


def test_row_81_each_fact_moves_a_guest_a_step(store, head, regular):
    Patronage.objects.filter(store=store, customer=regular).update(since=date(2026, 6, 1))

    def step() -> tuple[str, date]:
        found = step_of(store, regular.pk, date(2026, 6, 30))
        return found.step, found.since

    assert step() == ("recognise", date(2026, 6, 1))
    change_customer(
        store=store,
        customer_id=regular.pk,
        profile=Profile(owner=head),
        actor=head,
        at=china("2026-06-01 12:00"),
        source="desk",
    )
    assert step() == ("develop", date(2026, 6, 1))
    call = {"store": store, "customer_id": regular.pk, "channel": "phone", "to": head, "actor": head}
    before = plan_return(**call, on=date(2026, 6, 3), at=china("2026-06-03 09:00"))
    complete_call(store=store, task_id=before.pk, actor=head, at=china("2026-06-03 10:00"), said=CallSaid())
    assert step() == ("respond", date(2026, 6, 3))
    came = visit(store, regular, "2026-06-05 18:00")
    assert step() == ("receive", date(2026, 6, 5))
    write_served(
        store=store, visit_id=came.visit_id, by=head, note="", actor=head, at=china("2026-06-05 21:00")
    )
    assert step() == ("serve", date(2026, 6, 5))
    change_customer(
        store=store,
        customer_id=regular.pk,
        profile=Profile(likes="清淡"),
        actor=head,
        at=china("2026-06-05 21:00"),
        source="desk",
    )
    assert step() == ("care", date(2026, 6, 5))
    after = plan_return(**call, on=date(2026, 6, 8), at=china("2026-06-08 09:00"))
    complete_call(store=store, task_id=after.pk, actor=head, at=china("2026-06-08 10:00"), said=CallSaid())
    assert step() == ("return", date(2026, 6, 8))
    record_participation(
        store=store,
        customer_id=regular.pk,
        event="品鉴会",
        attended_on=date(2026, 6, 12),
        actor=head,
        at=china("2026-06-12 20:00"),
    )
    assert step() == ("interact", date(2026, 6, 12))
    void_visit(store=store, visit_id=came.visit_id, reason="记错了", actor=head, at=china("2026-06-13 10:00"))
    assert step() == ("respond", date(2026, 6, 3))


# ---- the night, the numbers ----------------------------------------------------------------------------------


def test_the_night_opens_what_the_long_relation_owes(store, zhang, closed):
    agree(store, zhang, level=2, on="2026-05-02")
    steps = nightly.run(store.pk, date(2026, 6, 1), at=morning(date(2026, 6, 2)), by_hand=True)
    opened = next(step for step in steps if step["step"] == "open_care")
    assert (opened["account_calls"], opened["follow_ups"]) == (1, 1)
    again = nightly.run(store.pk, date(2026, 6, 1), at=morning(date(2026, 6, 2)), by_hand=True)
    assert "account_calls" not in next(step for step in again if step["step"] == "open_care")
    assert Task.objects.filter(code__in=("account_call", "follow_up")).count() == 2


@pytest.mark.parametrize(("name", "days"), [("win_back_days", 0), ("stuck_days", 366), ("other", 3)])
def test_a_number_out_of_range_is_refused(store, head, name, days):
    with pytest.raises(Refused):
        notes.change_rule(store=store, name=name, days=days)
    assert not RelationRules.objects.exists()


def test_the_numbers_are_the_heads(store, head, manager):
    target = {"month": "2026-06", "number": "400"}
    assert signed_in(manager).post(reverse("relation-target"), target).status_code == 403
    assert (
        signed_in(head).post(reverse("relation-target"), {"month": "2026-13", "number": "4"}).status_code
        == 404
    )
    signed_in(head).post(reverse("relation-target"), {"month": "2026-06", "number": "很多"})
    assert not StepTarget.objects.exists()


def test_what_came_of_these_calls_is_settled_like_that_of_any_other(store, regular, zhang, closed, head):
    """One of each kind, done on 2 June: by the seventeenth it is known who came."""
    told = {"store": store, "actor": head, "at": china("2026-06-02 10:00")}
    agree(store, zhang, level=2, on="2026-05-02", valid_to=date(2026, 7, 1))
    night(store, "2026-06-01")
    plan_return(**told, customer_id=zhang.pk, on=date(2026, 6, 2), channel="phone", to=head)
    Patronage.objects.filter(customer=regular).update(last_visit_on=date(2026, 3, 1))
    open_win_back(**told, customer_ids=[regular.pk], today=date(2026, 6, 2))
    for task in Task.objects.order_by("pk"):
        said = {"renewal": CallSaid(), "win_back": CallSaid(cause="taste", measure="dish")}.get(
            task.code, CallSaid(score=4)
        )
        complete_call(**told, task_id=task.pk, said=said)
    visit(store, regular, "2026-06-10 18:00")
    settle_outcomes(store=store, on=date(2026, 6, 16), at=morning(date(2026, 6, 17)), today=date(2026, 6, 17))
    assert {(each.code, each.came_on) for each in Outcome.objects.all()} == {
        ("renewal", None), ("account_call", None), ("return_plan", None), ("follow_up", date(2026, 6, 10)),
        ("win_back", date(2026, 6, 10)),
    }  # fmt: skip
    with time_machine.travel(china("2026-06-17 12:00"), tick=False):
        page = signed_in(head).get(reverse("care-results")).content.decode()
    assert "挽回电话" in page and "win_back" not in page
