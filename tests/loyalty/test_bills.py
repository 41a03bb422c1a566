"""A voucher that was used ticks the coupon flag of its bill, and takes back what it ticked."""

import threading
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from common.errors import NotHere, Refused
from crm import nightly
from customers.models import Visit
from customers.services.coupons import tick_coupon
from customers.services.visits import VisitInput, record_visit, void_visit
from loyalty.models import Redemption, Voucher
from loyalty.services.bills import put_on_bills
from loyalty.services.issuing import issue
from loyalty.services.redeeming import Bill, redeem, take_back
from tests.care.stage import adopt
from tests.cast import NOON
from tests.customers.importing import bring_bills
from tests.loyalty.test_vouchers import kind

TODAY = NOON.date()
HOUR = timedelta(hours=1)


def visit(store, guest, number="B1", at=NOON - HOUR, fen=50_000, **said) -> uuid.UUID:
    told = VisitInput(at, fen, customer_id=guest.pk, external_id=number, **said)
    done = record_visit(store=store, visit_id=uuid.uuid4(), visit=told, entry="api", actor=None, at=at)
    return done.visit_id


def vouchers(store, guest, number=1, **said) -> list[Voucher]:
    of = kind(store, **said)
    issue(store=store, kind=of, guests=[(guest.pk, f"x{n}") for n in range(number)], on=TODAY, at=NOON)
    return list(Voucher.objects.filter(kind=of).order_by("pk"))


def use(store, voucher, number="", at=NOON, **said) -> Redemption:
    bill = Bill(50_000, number)
    return redeem(store=store, code=voucher.code, bill=bill, actor=None, at=at, source="desk", **said)


def back(store, redemption, at=NOON + HOUR):
    return take_back(store=store, redemption_id=redemption.pk, reason="点错了", actor=None, at=at)


def flag(pk) -> bool:
    return Visit.objects.get(pk=pk).coupon


def history(pk) -> list[bool]:
    """What the visit's history says it was before, the oldest first."""
    return list(
        Visit.pgh_event_model.objects.filter(pgh_obj_id=pk)
        .order_by("pgh_id")
        .values_list("coupon", flat=True)
    )


@pytest.mark.django_db
def test_used_on_a_bill_that_is_logged(store, regular):
    """The number of the bill finds the visit; the flag goes up, the old row is in its history; taken back it goes down."""
    pk = visit(store, regular)
    other = visit(store, regular, "B2", at=NOON - 2 * HOUR)
    [voucher] = vouchers(store, regular)
    used = use(store, voucher, "B1")
    assert (used.visit_id, used.ticked) == (pk, True)
    assert flag(pk) and not flag(other) and history(pk) == [False]
    assert use(store, voucher, "B1") == used and history(pk) == [False]
    back(store, used)
    back(store, used)
    assert not flag(pk) and history(pk) == [False, True]


@pytest.mark.django_db
def test_without_a_number_it_is_the_guests_only_bill_of_the_hour(store, regular, lapsed):
    visit(store, lapsed, "B9")
    lunch = visit(store, regular, "B1", at=NOON - 6 * HOUR)
    first, second, third = vouchers(store, regular, 3)
    assert use(store, first).visit is None and not flag(lunch)
    now = visit(store, regular, "B2")
    assert use(store, second).visit_id == now and flag(now)
    visit(store, regular, "B3")
    assert use(store, third).visit is None
    assert Visit.objects.filter(coupon=True).count() == 1


@pytest.mark.django_db
def test_a_number_the_floor_does_not_know_is_the_bill_the_floor_logged(store, regular):
    """The tablet's visit has no number of the till; one that has another number is another bill."""
    [one, two] = vouchers(store, regular, 2)
    tablet = visit(store, regular, "")
    assert use(store, one, "T-77").visit_id == tablet
    Visit.objects.filter(pk=tablet).update(external_id="T-1", coupon=False)
    assert use(store, two, "T-78").visit is None and not flag(tablet)


@pytest.mark.django_db
def test_used_before_the_bill_is_logged_the_night_ticks_it(store, regular):
    [voucher, other] = vouchers(store, regular, 2)
    numbered, plain = use(store, voucher, "B1"), use(store, other)
    assert put_on_bills(store=store, at=NOON) == 0
    first = visit(store, regular, "B1", at=NOON + timedelta(minutes=10))
    assert put_on_bills(store=store, at=NOON + HOUR) == 2
    assert put_on_bills(store=store, at=NOON + HOUR) == 0
    numbered.refresh_from_db()
    plain.refresh_from_db()
    assert [(each.visit_id, each.ticked) for each in (numbered, plain)] == [(first, True), (first, False)]
    assert flag(first) and history(first) == [False]


@pytest.mark.django_db
def test_the_night_does_it_before_it_grades(store, regular):
    adopt(store, "recent_month_abc")
    [voucher] = vouchers(store, regular)
    use(store, voucher, "B1")
    pk = visit(store, regular)
    steps = nightly.run(store.pk, TODAY, at=NOON + timedelta(hours=17), by_hand=True)
    assert steps[0] == {"step": "check_sums", "sums_repaired": 0, "coupons_ticked": 1} and flag(pk)
    again = nightly.run(store.pk, TODAY, at=NOON + timedelta(hours=17), by_hand=True)
    assert again[0] == {"step": "check_sums", "sums_repaired": 0} and history(pk) == [False]


@pytest.mark.django_db
def test_a_flag_that_was_up_before_stays_up(store, regular):
    pk = visit(store, regular, coupon=True)
    [voucher] = vouchers(store, regular)
    used = use(store, voucher, "B1")
    assert (used.visit_id, used.ticked) == (pk, False)
    back(store, used)
    assert flag(pk) and history(pk) == []


@pytest.mark.django_db
def test_two_vouchers_on_one_bill_the_last_taken_back_takes_the_flag(store, regular):
    pk = visit(store, regular)
    first, second = (use(store, each, "B1") for each in vouchers(store, regular, 2))
    assert (first.ticked, second.ticked) == (True, False)
    back(store, first)
    assert flag(pk)
    back(store, second)
    assert not flag(pk)


@pytest.mark.django_db
def test_a_bill_that_was_corrected_or_taken_back_meanwhile(store, regular):
    pk = visit(store, regular)
    gone = visit(store, regular, "B2")
    one, two = vouchers(store, regular, 2)
    used, lost = use(store, one, "B1"), use(store, two, "B2")
    bring_bills(store, "消费单号|客户编号|消费时间|金额", "B1|C001|2026-06-20 11:00|460")
    void_visit(store=store, visit_id=gone, reason="不是这位客人", actor=None, at=NOON)
    living = Visit.objects.get(external_id="B1", voided_at=None)
    assert living.pk != pk and living.coupon
    back(store, used)
    back(store, lost)
    assert not flag(living.pk) and flag(pk) and flag(gone)


@pytest.mark.django_db
def test_a_refused_use_ticks_nothing(store, regular):
    pk = visit(store, regular)
    [voucher] = vouchers(store, regular, min_bill_fen=90_000)
    with pytest.raises(Refused):
        use(store, voucher, "B1")
    assert not flag(pk) and history(pk) == []


@pytest.mark.django_db
def test_another_stores_bill_is_not_ticked(store, other_store, regular, lapsed):
    foreign = visit(other_store, put_here(other_store, regular), "B1")
    [voucher] = vouchers(store, regular)
    assert use(store, voucher, "B1").visit is None and not flag(foreign)
    with pytest.raises(NotHere):
        tick_coupon(store=store, visit_id=foreign, used=True)


def put_here(store, customer):
    customer.patronages.create(store=store, external_id="X1", since=TODAY)
    return customer


@pytest.mark.django_db(transaction=True)
def test_used_and_taken_back_by_four_at_the_same_moment(store, regular):
    """One is taken back while three others are used on the bill: the flag is up, and one of them stands for it."""
    pk = visit(store, regular)
    first, *others = vouchers(store, regular, 4)
    used = use(store, first, "B1")
    begin, wrong = threading.Barrier(4), []

    def press(verb) -> None:
        try:
            begin.wait(timeout=20)
            verb()
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    verbs = [lambda: back(store, used), *(lambda each=each: use(store, each, "B1") for each in others)]
    presses = [threading.Thread(target=press, args=[verb]) for verb in verbs]
    for each in presses:
        each.start()
    for each in presses:
        each.join(timeout=20)
    assert wrong == [] and flag(pk)
    living = Redemption.objects.filter(voided_at=None)
    assert living.count() == 3 and living.filter(ticked=True).count() == 1
    for each in living:
        back(store, each)
    assert not flag(pk)


@pytest.mark.django_db
def test_at_the_desk_and_on_the_floor(store, regular, waiter, head):
    """The voucher first, then the visit on the tablet, without a tick: the desk sees 用券; taken back, it does not."""
    client = Client()
    [voucher] = vouchers(store, regular)
    with time_machine.travel(NOON, tick=False):
        client.force_login(waiter)
        said = {"code": voucher.code, "bill": "500"}
        assert client.post(reverse("tablet-redeem"), said).status_code == 302
        form = {"uuid": str(uuid.uuid4()), "visited_at": NOON.isoformat(), "amount": "470", "party_size": "2"}
        assert client.post(reverse("tablet-visit", args=[regular.pk]), form).status_code == 302
        assert Visit.objects.get().coupon is True
        client.force_login(head)
        page = reverse("customer", args=[regular.pk])
        assert ">用券<" in client.get(page).content.decode()
        undo = reverse("redemption-back", args=[Redemption.objects.get().pk])
        assert client.post(undo, {"reason": "点错了"}).status_code == 302
        assert ">用券<" not in client.get(page).content.decode()


@pytest.mark.django_db
def test_what_the_tablet_kept_for_later_finds_its_voucher(store, regular, waiter):
    client = Client()
    client.force_login(waiter)
    [voucher] = vouchers(store, regular)
    use(store, voucher)
    body = {"customer": regular.pk, "visited_at": (NOON - HOUR).isoformat(), "amount": "500"}
    item = {"seq": 1, "uuid": str(uuid.uuid4()), "type": "visit", "body": body}
    with time_machine.travel(NOON + 2 * HOUR, tick=False):
        for status in ("created", "same"):
            answer = client.post("/api/v1/sync/", {"items": [item]}, content_type="application/json")
            assert answer.json()["results"][0]["status"] == status
    assert Visit.objects.get().coupon is True and history(Visit.objects.get().pk) == [False]
