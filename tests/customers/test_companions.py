"""Who else sat at a table: named, taken off, carried over by a correction; what somebody's presence brought."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.errors import NotHere, Refused
from customers.models import Visit, VisitGuest
from customers.selectors.company import companions_of, influence_of
from customers.services.companions import seat_guest, unseat_guest
from customers.services.visits import VisitInput, record_visit, release_visit, void_visit
from tests.cast import NOON, hire, put_on_file
from tests.customers.importing import bring_bills, contents, done

TODAY = NOON.date()
BILLS = "消费单号|客户编号|消费时间|金额"


def dine(store, guest, yuan=2000, days_ago=1, at=NOON, **more):
    """A visit of a guest some days ago; its id."""
    when = NOON - timedelta(days=days_ago)
    said = VisitInput(visited_at=when, amount_fen=yuan * 100, customer_id=guest.pk, **more)
    return record_visit(
        store=store, visit_id=uuid.uuid4(), visit=said, entry="api", actor=None, at=at
    ).visit_id


def seat(store, visit_id, guest, role="guest", actor=None, at=NOON):
    return seat_guest(store=store, visit_id=visit_id, customer_id=guest.pk, role=role, actor=actor, at=at)


def table(visit_id) -> list[tuple[str, str]]:
    """Who sits there now, and as what."""
    seats = VisitGuest.objects.filter(visit_id=visit_id, removed_at=None).select_related("customer")
    return sorted((each.customer.name, each.role) for each in seats)


@pytest.fixture
def li(store):
    """李女士, who never pays."""
    return put_on_file(store, "李女士", salutation="李姐", external_id="C009", phone="13712340009")


# ---- the verbs -----------------------------------------------------------------------------------------------


def test_a_companion_is_named_once_a_role(store, regular, li, manager):
    visit_id = dine(store, regular)
    first, again = seat(store, visit_id, li, actor=manager), seat(store, visit_id, li)
    seat(store, visit_id, li, "orderer")
    assert first.pk == again.pk
    assert (first.recorded_at, first.recorded_by, first.removed_at) == (NOON, manager, None)
    assert table(visit_id) == [("李女士", "guest"), ("李女士", "orderer")]


def test_taken_off_the_row_stays_and_may_be_named_anew(store, regular, li, manager):
    visit_id = dine(store, regular)
    row = seat(store, visit_id, li)
    later = NOON + timedelta(hours=1)
    unseat_guest(store=store, visit_id=visit_id, seat_id=row.pk, actor=manager, at=later)
    unseat_guest(store=store, visit_id=visit_id, seat_id=row.pk, actor=None, at=later + timedelta(hours=1))
    row.refresh_from_db()
    assert (row.removed_at, row.removed_by) == (later, manager)
    assert table(visit_id) == []
    assert seat(store, visit_id, li).pk != row.pk
    assert VisitGuest.objects.count() == 2


def test_what_cannot_be_is_refused_and_leaves_nothing(store, other_store, regular, li):
    visit_id, gone = dine(store, regular), dine(store, regular, 10)
    void_visit(store=store, visit_id=gone, reason="记错", actor=None, at=NOON)
    elsewhere = put_on_file(other_store, "别店客人", phone="13712340010")
    for guest, role, visit, code in (
        (regular, "guest", visit_id, "companion_is_host"),
        (elsewhere, "guest", visit_id, "companion_unknown"),
        (li, "host", visit_id, "role_unknown"),
        (li, "guest", gone, "visit_voided"),
    ):
        with pytest.raises(Refused) as refused:
            seat(store, visit, guest, role)
        assert refused.value.code == code
    for place, visit in ((other_store, visit_id), (store, uuid.uuid4())):
        with pytest.raises(NotHere):
            seat(place, visit, li)
    row = seat(store, visit_id, li)
    for place, visit in ((other_store, visit_id), (store, gone)):
        with pytest.raises(NotHere):
            unseat_guest(store=place, visit_id=visit, seat_id=row.pk, actor=None, at=NOON)
    assert table(visit_id) == [("李女士", "guest")] and VisitGuest.objects.count() == 1


# ---- what a presence brought ---------------------------------------------------------------------------------


def test_ms_li_never_paid_and_was_a_guest_at_three_banquets(store, regular, lapsed, li):
    for host, yuan, days in ((regular, 2000, 3), (regular, 3000, 40), (lapsed, 1500, 200)):
        seat(store, dine(store, host, yuan, days, at=NOON - timedelta(days=days)), li)
    brought = influence_of(store, li.pk, TODAY)
    assert brought.total_fen == 650_000
    assert [each.visit.amount_fen for each in brought.seats] == [200_000, 300_000, 150_000]
    assert li.patronages.get().spend_total_fen == 0
    assert influence_of(store, regular.pk, TODAY).total_fen == 0


def test_only_counted_visits_to_which_the_guest_was_invited_count(store, other_store, regular, li):
    kept = dine(store, regular, 100)
    seat(store, kept, li)
    seat(store, dine(store, regular, 7), li, "orderer")
    seat(store, dine(store, regular, 7), li, "payer")
    voided = dine(store, regular, 7)
    seat(store, voided, li)
    void_visit(store=store, visit_id=voided, reason="退单", actor=None, at=NOON)
    off = seat(store, dine(store, regular, 7), li)
    unseat_guest(store=store, visit_id=off.visit_id, seat_id=off.pk, actor=None, at=NOON)
    held = dine(store, regular, 50, days_ago=9)
    seat(store, held, li)
    assert influence_of(store, li.pk, TODAY).total_fen == 10_000
    assert influence_of(other_store, li.pk, TODAY).total_fen == 0
    release_visit(store=store, visit_id=held, actor=None, at=NOON)
    assert influence_of(store, li.pk, TODAY).total_fen == 15_000


def test_the_window_is_365_business_days(store, regular, li):
    for days, yuan in ((364, 10), (365, 1)):
        seat(store, dine(store, regular, yuan, days, at=NOON - timedelta(days=days)), li)
    assert influence_of(store, li.pk, TODAY).total_fen == 1000


# ---- a correction --------------------------------------------------------------------------------------------


def test_a_correction_takes_the_table_along(store, regular, lapsed, li, manager, head):
    bring_bills(store, BILLS, "B1|C001|2026-06-19 19:00|2000", "B2|C001|2026-06-18 19:00|50")
    old = Visit.objects.get(external_id="B1")
    seat(store, old.pk, li, actor=manager)
    seat(store, old.pk, lapsed, "payer")
    off = seat(store, old.pk, lapsed, "orderer")
    unseat_guest(store=store, visit_id=old.pk, seat_id=off.pk, actor=None, at=NOON)
    later = NOON + timedelta(hours=2)
    report = bring_bills(
        store, BILLS, "B1|C001|2026-06-19 19:00|2100", "B2|C001|2026-06-18 19:00|50", at=later, actor=head
    )
    assert done(report) == {"corrected": 1, "unchanged": 1}
    new = Visit.objects.get(external_id="B1", voided_at=None)
    assert table(new.pk) == [("李女士", "guest"), ("李梅", "payer")]
    # The voided bill keeps its own table, so that the past can be read as it was known.
    assert table(old.pk) == [("李女士", "guest"), ("李梅", "payer")]
    carried = VisitGuest.objects.get(visit=new, customer=li)
    assert (carried.recorded_at, carried.recorded_by) == (later, manager)
    assert influence_of(store, li.pk, TODAY).total_fen == 210_000
    before = contents()
    bring_bills(store, BILLS, "B1|C001|2026-06-19 19:00|2100", "B2|C001|2026-06-18 19:00|50", at=later)
    assert contents() == before


def test_who_turns_out_to_be_the_host_is_no_companion(store, regular, li):
    bring_bills(store, BILLS, "B1|C001|2026-06-19 19:00|2000")
    seat(store, Visit.objects.get().pk, li)
    bring_bills(store, BILLS, "B1|C009|2026-06-19 19:00|2000")
    assert table(Visit.objects.get(voided_at=None).pk) == []


# ---- with the visit itself -----------------------------------------------------------------------------------


def test_companions_come_with_the_visit_or_the_visit_does_not_come(store, regular, li):
    visit_id = dine(store, regular, companions=(("C009", "guest"),))
    assert table(visit_id) == [("李女士", "guest")]
    for companions, code in (
        ((("C009", "guest"), ("C999", "guest")), "companion_not_found"),
        ((("C001", "payer"),), "companion_is_host"),
        ((("C009", "waiter"),), "role_unknown"),
    ):
        with pytest.raises(Refused) as refused:
            dine(store, regular, 5, companions=companions)
        assert (refused.value.code, refused.value.field) == (code, "companions")
    assert Visit.objects.count() == 1 and VisitGuest.objects.count() == 1
    assert regular.patronages.get().visits_total == 1


def test_the_same_body_again_does_not_seat_again(store, regular, li):
    visit_id, said = (
        uuid.uuid4(),
        VisitInput(NOON, 100, customer_id=regular.pk, companions=(("C009", "guest"),)),
    )
    told = {"store": store, "visit_id": visit_id, "visit": said, "entry": "api", "actor": None, "at": NOON}
    assert record_visit(**told).status == "created"
    row = VisitGuest.objects.get()
    unseat_guest(store=store, visit_id=visit_id, seat_id=row.pk, actor=None, at=NOON)
    assert record_visit(**told).status == "same"
    assert table(visit_id) == []


# ---- the page ------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    with time_machine.travel(NOON, tick=False):
        yield client


@pytest.mark.parametrize("who", ["C009", "13712340009", "0009"])
def test_the_desk_names_a_companion_by_number_or_phone(desk, store, regular, li, head, who):
    visit_id = dine(store, regular)
    ask = {"visit": str(visit_id), "who": who, "role": "guest"}
    answer = desk.post(reverse("customer-seat", args=[regular.pk]), ask, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == reverse("customer", args=[regular.pk])
    assert "李姐" in page and "受邀客人" in page
    assert VisitGuest.objects.get().recorded_by == head
    hers = desk.get(reverse("customer", args=[li.pk])).content.decode()
    assert "带来的影响 ¥2,000" in hers and "近 365 天受邀出席 1 次" in hers
    assert "带来的影响" not in page
    desk.post(reverse("visit-unseat", args=[visit_id, VisitGuest.objects.get().pk]))
    assert table(visit_id) == []
    assert "带来的影响" not in desk.get(reverse("customer", args=[li.pk])).content.decode()


def test_the_desk_is_told_why_not(desk, store, regular, li):
    visit_id = dine(store, regular)
    put_on_file(store, "李同名", phone="13712350009", external_id="C010")
    fine = {"visit": str(visit_id), "who": "C009", "role": "guest"}
    for change, field, sentence in (
        ({"who": ""}, "who", "请填同席客人的客户编号"),
        ({"who": "nobody"}, "who", "没有找到这位同席的客人"),
        ({"who": "0009"}, "who", "有几位客人都符合"),
        ({"who": "C001"}, "who", "就是这次消费的主人"),
        ({"role": "host"}, "role", "host"),
        ({"visit": "nonsense"}, "visit", "请选是哪一次消费"),
    ):
        answer = desk.post(reverse("customer-seat", args=[regular.pk]), fine | change)
        assert answer.status_code == 422 and sentence in answer.context["seat_form"].errors[field][0], change
        assert sentence in answer.content.decode()
    for guest, visit in ((li, visit_id), (regular, uuid.uuid4())):
        answer = desk.post(reverse("customer-seat", args=[guest.pk]), fine | {"visit": str(visit)})
        assert answer.status_code == 404
    assert not VisitGuest.objects.exists()


def test_each_visit_leads_to_its_own_table(desk, store, regular):
    first, second = dine(store, regular, 10, 3), dine(store, regular, 20, 1)
    page = desk.get(reverse("customer", args=[regular.pk])).content.decode()
    for visit_id in (first, second):
        assert f"?table={visit_id}#companions" in page
        shown = desk.get(reverse("customer", args=[regular.pk]), {"table": str(visit_id)}).content.decode()
        assert f'value="{visit_id}" selected' in shown
    assert " selected" not in page.split('id="id_visit"')[1].split("</select>")[0]
    assert desk.get(reverse("customer", args=[regular.pk]), {"table": "a\x00b"}).status_code == 400


def test_another_stores_table_is_not_found(store, other_store, regular, li):
    visit_id = dine(store, regular)
    row = seat(store, visit_id, li)
    client = Client()
    client.force_login(hire("wu2", "吴", "head", other_store))
    ask = {"visit": str(visit_id), "who": "C009", "role": "payer"}
    assert client.post(reverse("customer-seat", args=[regular.pk]), ask).status_code == 404
    assert client.post(reverse("visit-unseat", args=[visit_id, row.pk])).status_code == 404
    assert table(visit_id) == [("李女士", "guest")]


def test_companions_of_many_visits_cost_one_query(store, regular, lapsed, li, django_assert_num_queries):
    visits = [Visit.objects.get(pk=dine(store, regular)) for _ in range(3)]
    for visit in visits:
        seat(store, visit.pk, li)
        seat(store, visit.pk, lapsed)
    with django_assert_num_queries(1):
        found = companions_of(visits)
        names = {tuple(each.customer.name for each in found[visit.pk]) for visit in visits}
    assert names == {("李女士", "李梅")}
