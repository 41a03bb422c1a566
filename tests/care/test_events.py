"""Events of the house: inviting, seats and the waiting list, who came, what it cost and what came of it."""

import threading
import uuid
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection

from care.events.inviting import invite, invite_guest
from care.events.models import Event, Invitation
from care.events.selectors import effect_of, event_list, invitations_of, sheet_of
from care.events.services import Came, answer, cancel_event, record_dinner, save_event, save_results
from care.models import CampaignGuest, Task
from care.services.campaigns import approve_campaign, save_campaign
from care.templatetags.care import ready_words
from common.errors import NotHere, Refused
from customers.models import Consent, Participation
from customers.services.dishes import launch_dish
from customers.services.visits import VisitInput, record_visit, void_visit
from feedback.services import open_complaint
from tests.care.stage import adopt, china, content, grade, guests, night, nights
from tiering.models import Segment

pytestmark = pytest.mark.django_db
AT = china("2026-06-10 15:00")
DAY = date(2026, 6, 20)
EVENING = china("2026-06-20 21:00")


def planned(store, **more: object) -> Event:
    said = {"kind": "tasting", "name": "松茸汤试菜会", "held_on": DAY, "starts_at": time(18), "seats": 20}
    return save_event(store=store, said=said | more, actor=None, at=AT)


def ask(store, event, tiers=("A", "B", "C"), most=200, channel="wechat", at=AT):
    return invite(
        store=store, event_id=event.pk, segment=None, tiers=list(tiers), most=most, channel=channel, actor=None,
        at=at,
    )  # fmt: skip


def says(store, event, guest, said="accepted", at=AT) -> str:
    kept = answer(store=store, event_id=event.pk, customer_id=guest.pk, said=said, actor=None, at=at)
    return kept.answer


def results(store, event, came, cost_fen=None, at=EVENING, **more) -> Event:
    return save_results(
        store=store, event_id=event.pk, guests=came, cost_fen=cost_fen, actor=None, at=at, **more
    )


# ---- a new dish --------------------------------------------------------------------------------------------


def test_row_70_a_tasting_invites_a_first_and_the_21st_waits(store, head):
    adopt(store, "monthly_avg_abc")
    dish = launch_dish(store=store, name="松茸汤", launched_on=DAY, actor=head, at=AT)
    b = guests(store, 20, "B")
    a = guests(store, 15, "A", first=101)
    event = planned(store, dish=dish)
    done = ask(store, event, ("A", "B"), most=30)
    assert (done.guests, done.left, done.blocked) == (30, 5, {})
    rows = list(Invitation.objects.filter(event=event).order_by("place"))
    assert [row.place for row in rows] == list(range(1, 31))
    assert [row.tier for row in rows] == ["A"] * 15 + ["B"] * 15
    assert {row.customer_id for row in rows[:15]} == {guest.pk for guest in a}
    # The next wave goes on where the first ended.
    assert ask(store, event, ("A", "B"), most=30).guests == 5
    assert Invitation.objects.filter(event=event, tier="B").count() == 20
    assert max(row.place for row in event.invitations.all()) == 35

    people = [*a, *b]
    heard = [says(store, event, guest, at=AT + timedelta(minutes=n)) for n, guest in enumerate(people[:21])]
    assert heard == ["accepted"] * 20 + ["waiting"]
    opinions = [5, 4, 4, 5, 3]
    came = [Came(guest.pk, True, opinion) for guest, opinion in zip(people, opinions, strict=False)]
    results(store, event, came)
    assert str(sheet_of(event).opinion) == "4.2"
    assert str(event_list(store)[0].opinion) == "4.2"


def test_who_withdraws_gives_the_seat_to_whoever_waits_longest(store):
    adopt(store, "monthly_avg_abc")
    first, second, third, fourth = guests(store, 4, "A")
    event = planned(store, seats=1)
    ask(store, event)
    for minutes, guest in enumerate((first, second, third)):
        says(store, event, guest, at=AT + timedelta(minutes=minutes))
    says(store, event, fourth, "declined")
    assert [row.answer for row in event.invitations.order_by("customer_id")] == [
        "accepted", "waiting", "waiting", "declined",
    ]  # fmt: skip
    says(store, event, first, "declined", at=AT + timedelta(hours=1))
    assert [row.answer for row in event.invitations.order_by("customer_id")] == [
        "declined", "accepted", "waiting", "declined",
    ]  # fmt: skip
    call = Task.objects.get(occasion=f"event:{event.pk}:seat")
    assert (call.customer_id, call.channel, call.due_on, call.state) == (
        second.pk, "phone", date(2026, 6, 10), "open",
    )  # fmt: skip
    # Who said no and changes her mind waits behind the others.
    assert says(store, event, first, at=AT + timedelta(hours=2)) == "waiting"
    save_event(store=store, event_id=event.pk, said={"seats": 2}, actor=None, at=AT + timedelta(hours=3))
    assert [row.answer for row in event.invitations.order_by("customer_id")] == [
        "waiting", "accepted", "accepted", "declined",
    ]  # fmt: skip
    # No end of seats: nobody waits.
    save_event(store=store, event_id=event.pk, said={"seats": None}, actor=None, at=AT + timedelta(hours=3))
    assert not event.invitations.filter(answer="waiting").exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_accept_the_last_seat_at_one_moment(store):
    adopt(store, "monthly_avg_abc")
    people = guests(store, 8, "A")
    event = planned(store, seats=3)
    ask(store, event)
    heard: list[str] = []
    barrier = threading.Barrier(8)

    def accept(guest) -> None:
        try:
            barrier.wait()
            heard.append(says(store, event, guest))
        finally:
            connection.close()

    threads = [threading.Thread(target=accept, args=[guest]) for guest in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(heard) == {"accepted": 3, "waiting": 5}
    assert Counter(event.invitations.values_list("answer", flat=True)) == {"accepted": 3, "waiting": 5}


def test_the_same_answer_again_changes_nothing(store):
    adopt(store, "monthly_avg_abc")
    one, two = guests(store, 2, "A")
    event = planned(store, seats=1)
    ask(store, event)
    says(store, event, one), says(store, event, two)
    before = content(Invitation, Task)
    assert says(store, event, one, at=EVENING) == "accepted"
    assert says(store, event, two, at=EVENING) == "waiting"
    assert content(Invitation, Task) == before


# ---- inviting ----------------------------------------------------------------------------------------------


def test_an_invitation_is_a_task_with_its_words_for_the_guests_owner(store, manager):
    adopt(store, "monthly_avg_abc")
    mine, nobodys = guests(store, 2, "A")
    grade(mine, store, "A", owner=manager)
    event = planned(store)
    ask(store, event, channel="phone")
    rows = {task.customer_id: task for task in Task.objects.all()}
    assert {pk: (task.assignee, task.role) for pk, task in rows.items()} == {
        mine.pk: (manager, "manager"), nobodys.pk: (None, "manager"),
    }  # fmt: skip
    task = rows[mine.pk]
    assert (task.code, task.occasion, task.channel, task.zh) == (
        "event", f"event:{event.pk}", "phone", "打电话邀请：松茸汤试菜会（6月20日 18:00）",
    )  # fmt: skip
    assert (task.due_on, task.close_on, task.event_on) == (date(2026, 6, 11), DAY, DAY)
    assert task.words.startswith("${name}您好！6月20日 18:00我们办“松茸汤试菜会”")
    # Noting the answer is doing the task.
    says(store, event, mine)
    assert Task.objects.get(pk=task.pk).state == "done"


def test_the_words_of_the_house_are_used_with_the_guests_name_in_them(store):
    adopt(store, "monthly_avg_abc")
    guests(store, 1, "A")
    ask(store, planned(store, words="{称呼}，周六来尝尝新汤吧"))
    task = Task.objects.select_related("customer").get()
    assert ready_words(task) == f"{task.customer.called}，周六来尝尝新汤吧"


def test_who_may_not_be_told_is_not_invited_and_counted(store, manager):
    adopt(store, "monthly_avg_abc")
    fine, angry, refusing, numberless = guests(store, 4, "A")
    open_complaint(store=store, customer_id=angry.pk, text="等了四十分钟", actor=manager, at=AT, on=AT.date())
    Consent.objects.create(customer=refusing, given=False, at=AT, source="desk", recorded_at=AT)
    numberless.phones.all().delete()
    event = planned(store)
    done = ask(store, event)
    assert (done.guests, done.blocked) == (1, {"complaint_open": 1, "no_consent": 1, "no_phone": 1})
    assert [row.customer_id for row in event.invitations.all()] == [fine.pk]
    # Somebody who asked in person may put her on the list all the same, once, and without a task.
    for _turn in range(2):
        invite_guest(store=store, event_id=event.pk, customer_id=numberless.pk, actor=manager, at=AT)
    assert [(row.customer_id, row.place) for row in event.invitations.all()] == [
        (fine.pk, 1), (numberless.pk, 2),
    ]  # fmt: skip
    assert Task.objects.count() == 1


def test_of_a_segment_only_those_of_the_tiers_and_the_biggest_spender_first(store, head):
    adopt(store, "monthly_avg_abc")
    small, big = guests(store, 2, "A")
    grade(big, store, "A", spend_total_fen=900_000)
    [never] = guests(store, 1, "B", first=11)
    for guest in (small, big, never):
        record_visit(
            store=store, visit_id=uuid.uuid4(), entry="api", actor=head, at=AT,
            visit=VisitInput(AT - timedelta(days=2), 100, customer_id=guest.pk),
        )  # fmt: skip
    guests(store, 3, "A", first=21)
    here = Segment.objects.create(
        store=store, name="来过", rule={"fact": "visits_90d", "op": ">=", "value": 1}, made_at=AT
    )
    event = planned(store)
    told = {"store": store, "event_id": event.pk, "most": 10, "channel": "phone", "actor": head, "at": AT}
    assert invite(**told, segment=here, tiers=["A"]).guests == 2
    assert [row.customer_id for row in event.invitations.all()] == [big.pk, small.pk]
    assert invite(**told, segment=here, tiers=[]).guests == 1


def test_what_cannot_be_asked_is_refused_and_nothing_has_moved(store, other_store):
    adopt(store, "monthly_avg_abc")
    guests(store, 2, "A")
    event = planned(store)
    late = planned(store, name="昨天", held_on=date(2026, 6, 9))
    theirs = Segment.objects.create(store=other_store, name="来过", rule={"otherwise": True}, made_at=AT)
    told = {"store": store, "event_id": event.pk, "segment": None, "tiers": ["A"], "most": 5, "channel": "phone",
            "actor": None, "at": AT}  # fmt: skip
    before = content(Event, Invitation, Task)
    for change, code in (
        ({"tiers": []}, "campaign_no_group"), ({"most": 0}, "event_how_many"), ({"most": 2001}, "event_how_many"),
        ({"channel": "sms"}, "event_how_many"), ({"event_id": late.pk}, "event_past"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            invite(**told | change)
        assert refused.value.code == code
    for change in ({"segment": theirs}, {"store": other_store}):
        with pytest.raises(NotHere):
            invite(**told | change)
    assert content(Event, Invitation, Task) == before


def test_row_56_high_spenders_are_invited_and_the_others_get_a_points_notice(store, manager, head):
    """50 and 450: no guest gets both."""
    adopt(store, "spend_loyalty")
    guests(store, 50, "HIGH"), guests(store, 450, "ORDINARY", first=1001)
    event = planned(store, kind="party", name="贵宾答谢会", seats=None)
    assert ask(store, event, ["HIGH"], most=2000).guests == 50
    said = {
        "kind": "promotion", "name": "积分提醒", "segment": None, "tiers": ["ORDINARY"], "what": "会员积分",
        "detail": "年底前可以换菜品券", "channel": "wechat", "call_fallback": False, "send_on": date(2026, 6, 10),
        "window_days": 2, "held_out": 0,
    }  # fmt: skip
    campaign = save_campaign(store=store, said=said, actor=manager, at=AT)
    approve_campaign(store=store, campaign_id=campaign.pk, number=450, actor=head, at=AT)
    invited = set(Invitation.objects.values_list("customer_id", flat=True))
    noticed = set(CampaignGuest.objects.filter(arm="told").values_list("customer_id", flat=True))
    assert (len(invited), len(noticed), len(invited & noticed)) == (50, 450, 0)
    assert Counter(Task.objects.values_list("code", flat=True)) == {"event": 50, "campaign": 450}


# ---- after it ----------------------------------------------------------------------------------------------


def test_row_76_31_of_40_came_and_what_it_cost_and_brought(store, head):
    adopt(store, "monthly_avg_abc")
    people = guests(store, 40, "A")
    event = planned(store, kind="party", name="VIP答谢会", seats=None)
    assert ask(store, event).guests == 40

    def spend(guest, day: date, yuan: int):
        at = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
        return record_visit(
            store=store, visit_id=uuid.uuid4(), entry="api", actor=head, at=at,
            visit=VisitInput(at, yuan * 100, customer_id=guest.pk),
        )  # fmt: skip

    came = people[:31]
    for days, yuan in ((-31, 7), (-30, 100), (-1, 200), (0, 5_000), (1, 400), (30, 800), (31, 9)):
        spend(came[0], DAY + timedelta(days=days), yuan)
    wrong = spend(came[1], DAY + timedelta(days=2), 6_000)
    void_visit(
        store=store, visit_id=wrong.visit_id, reason="录错", actor=head, at=EVENING + timedelta(days=3)
    )
    # Who stayed away does not count.
    spend(people[35], DAY + timedelta(days=3), 3_000)
    results(store, event, [Came(guest.pk, guest in came) for guest in people], 620_000, over=True)

    sheet = sheet_of(Event.objects.get(pk=event.pk))
    assert (len(sheet.rows), sheet.attended, sheet.each) == (40, 31, 20_000)
    assert event_list(store)[0].each == 20_000
    effect = effect_of(event, DAY + timedelta(days=30))
    assert (effect.guests, effect.before_fen, effect.after_fen, effect.more_fen) == (
        31,
        30_000,
        120_000,
        90_000,
    )
    assert (effect.before_visits, effect.after_visits, effect.over) == (2, 2, False)
    assert effect_of(event, DAY + timedelta(days=31)).over is True
    assert Participation.objects.filter(event="VIP答谢会", attended_on=DAY, voided_at=None).count() == 31
    assert Event.objects.get(pk=event.pk).state == "closed"
    # The invitations nobody asked about any more are no tasks.
    assert set(Task.objects.values_list("state", "reason")) == {("closed", "event_over")}


def test_who_did_not_come_after_all_is_taken_back(store):
    adopt(store, "monthly_avg_abc")
    [guest] = guests(store, 1, "A")
    event = planned(store)
    ask(store, event)
    results(store, event, [Came(guest.pk, True, 5, "汤鲜", "茶叶")], 10_000)
    results(store, event, [Came(guest.pk, True, 4, "汤鲜", "茶叶")], 10_000)
    assert Participation.objects.count() == 1
    row = event.invitations.get()
    assert (row.attended, row.opinion, row.words, row.gift) == (True, 4, "汤鲜", "茶叶")
    results(store, event, [Came(guest.pk, False, 4, "", "")], 10_000)
    row.refresh_from_db()
    assert (row.attended, row.opinion, row.participation) == (False, None, None)
    assert Participation.objects.get().voided_at is not None


def test_results_come_on_the_day_and_not_of_what_was_called_off(store):
    adopt(store, "monthly_avg_abc")
    [guest] = guests(store, 1, "A")
    [stranger] = guests(store, 1, "A", first=50)
    event = planned(store)
    invite_guest(store=store, event_id=event.pk, customer_id=guest.pk, actor=None, at=AT)
    before = content(Event, Invitation, Participation)
    for came, at, code in (
        (Came(guest.pk, True), AT, "event_not_yet"), (Came(stranger.pk, True), EVENING, "event_nobody_invited"),
        (Came(guest.pk, True, 6), EVENING, "event_opinion"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            results(store, event, [came], at=at)
        assert refused.value.code == code
    assert content(Event, Invitation, Participation) == before
    results(store, event, [Came(guest.pk, True)])
    with pytest.raises(Refused) as refused:
        save_event(store=store, event_id=event.pk, said={"name": "另一个名字"}, actor=None, at=EVENING)
    assert refused.value.code == "event_started"


def test_an_event_called_off_is_told_to_those_who_said_they_would_come(store):
    adopt(store, "monthly_avg_abc")
    coming, waiting, no, silent = guests(store, 4, "A")
    event = planned(store, seats=1)
    ask(store, event)
    says(store, event, coming), says(store, event, waiting), says(store, event, no, "declined")
    for expected in (2, 0):
        assert cancel_event(store=store, event_id=event.pk, actor=None, at=AT) == expected
    told = Task.objects.filter(state="open")
    assert {task.customer_id for task in told} == {coming.pk, waiting.pk}
    assert {task.zh for task in told} == {"活动取消，请告知客人：松茸汤试菜会（6月20日 18:00）"}
    assert Task.objects.get(customer=silent).reason == "cancelled"
    with pytest.raises(Refused):
        says(store, event, silent)
    with pytest.raises(Refused):
        ask(store, event)


def test_a_guest_sees_what_she_was_invited_to_and_another_store_does_not(store, other_store):
    adopt(store, "monthly_avg_abc")
    [guest] = guests(store, 1, "A")
    event = planned(store)
    ask(store, event)
    assert [row.event for row in invitations_of(store, guest.pk)] == [event]
    assert invitations_of(other_store, guest.pk) == []
    for verb in (
        lambda: says(other_store, event, guest), lambda: results(other_store, event, []),
        lambda: cancel_event(store=other_store, event_id=event.pk, actor=None, at=AT),
        lambda: invite_guest(store=other_store, event_id=event.pk, customer_id=guest.pk, actor=None, at=AT),
        lambda: save_event(store=other_store, event_id=event.pk, said={}, actor=None, at=AT),
    ):  # fmt: skip
        with pytest.raises(NotHere):
            verb()


# ---- dinners -----------------------------------------------------------------------------------------------


def test_row_73_two_dinners_a_year_and_a_missed_one_is_overdue(store, head):
    """Visible on 1 January and on 1 July; not held by 30 June: run out."""
    adopt(store, "recent_month_abc")
    guests(store, 1, "A")
    owed = Task.objects.filter(code="a_dinner")
    night(store, "2025-12-31")
    first = owed.get(occasion="half_year:2026-H1:1")
    assert (first.opened_on, first.close_on, first.role) == (date(2025, 12, 31), date(2026, 6, 30), "head")
    nights(store, "2026-06-28", "2026-06-29")
    assert owed.count() == 1 and owed.get().state == "open"
    night(store, "2026-06-30")
    assert sorted(owed.values_list("occasion", "state")) == [
        ("half_year:2026-H1:1", "expired"), ("half_year:2026-H2:1", "open"),
    ]  # fmt: skip


def test_row_73_a_dinner_held_is_an_event_with_invitee_day_gift_and_cost(store, head):
    adopt(store, "recent_month_abc")
    [guest] = guests(store, 1, "A")
    night(store, "2025-12-31")
    task = Task.objects.get(code="a_dinner")
    told = {
        "store": store, "task_id": task.pk, "held_on": date(2026, 3, 8), "words": "带了太太和儿子", "gift": "新春礼盒",
        "said": {"name": "店长宴请", "cost_fen": 98_000}, "actor": head, "at": china("2026-03-09 10:00"),
    }  # fmt: skip
    event = record_dinner(**told)
    row = event.invitations.get()
    assert (event.kind, event.state, event.held_on, event.cost_fen) == (
        "dinner", "closed", date(2026, 3, 8), 98_000,
    )  # fmt: skip
    assert (row.customer_id, row.attended, row.gift, row.words) == (
        guest.pk, True, "新春礼盒", "带了太太和儿子",
    )  # fmt: skip
    task.refresh_from_db()
    assert (task.state, task.settled_by) == ("done", head)
    assert Participation.objects.get().attended_on == date(2026, 3, 8)
    # Pressed twice it is one dinner.
    with pytest.raises(Refused) as refused:
        record_dinner(**told)
    assert (refused.value.code, refused.value.status, Event.objects.count()) == ("task_settled", 409, 1)


def test_a_dinner_planned_as_an_event_settles_the_dinner_task_of_each_who_came(store, head):
    adopt(store, "recent_month_abc")
    came, away = guests(store, 2, "A")
    night(store, "2025-12-31")
    at = china("2026-03-01 10:00")
    event = planned(store, kind="dinner", name="开春家宴", held_on=date(2026, 3, 8), seats=10)
    ask(store, event, ["A"], at=at)
    results(
        store, event, [Came(came.pk, True, 5), Came(away.pk, False)], 88_000, at=china("2026-03-08 22:00")
    )
    assert dict(Task.objects.filter(code="a_dinner").values_list("customer_id", "state")) == {
        came.pk: "done", away.pk: "open",
    }  # fmt: skip


def test_a_dinner_of_another_half_year_or_another_kind_of_task_is_refused(store, head):
    adopt(store, "recent_month_abc")
    guests(store, 1, "A")
    night(store, "2025-12-31")
    dinner, call = Task.objects.get(code="a_dinner"), Task.objects.filter(code="a_phone").first()
    said = {"name": "店长宴请", "cost_fen": None}
    for task, held_on, code in (
        (dinner, date(2025, 12, 30), "event_other_period"), (dinner, date(2026, 7, 1), "event_other_period"),
        (dinner, date(2026, 7, 3), "event_not_yet"), (call, date(2026, 3, 8), "event_no_dinner"),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            record_dinner(
                store=store,
                task_id=task.pk,
                held_on=held_on,
                said=said,
                actor=head,
                at=china("2026-07-02 10:00"),
            )
        assert refused.value.code == code
    assert not Event.objects.exists()
