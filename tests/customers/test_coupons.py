"""Whether a coupon was used on a bill: told by a machine, a file or the floor."""

import hashlib
import json
import uuid
from datetime import UTC

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from customers.models import Visit
from customers.services.visits import VisitInput, record_visit
from tests.cast import NOON
from tests.customers.importing import bring_bills, contents, done, faults, living

BILLS = "消费单号|客户编号|消费时间|金额|用券"


def test_a_body_without_the_new_keys_is_what_it_was():
    """Bodies sent before coupons and companions were known are the same bodies still."""
    said = VisitInput(NOON, 128000, customer_external_id="C001", dishes=(("毛肚", 2.0),))
    values = {
        "visited_at": NOON.astimezone(UTC).isoformat(), "amount_fen": 128000, "customer_id": None,
        "customer_external_id": "C001", "customer_phone": "", "external_id": "", "party_size": None, "table": "",
        "occasion": "", "channel": "", "dishes": [["毛肚", 2.0]], "note": "",
    }  # fmt: skip
    assert said.digest() == hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest()
    others = [
        VisitInput(NOON, 128000, customer_external_id="C001", dishes=(("毛肚", 2.0),), **more)
        for more in ({"coupon": True}, {"companions": (("C2", "guest"),)})
    ]
    assert len({said.digest(), *(other.digest() for other in others)}) == 3


def test_it_is_kept_with_the_visit_in_one_statement(store, regular, django_assert_num_queries):
    for coupon in (True, False):
        said = VisitInput(NOON, 100, customer_id=regular.pk, coupon=coupon)
        with django_assert_num_queries(1):
            done = record_visit(
                store=store, visit_id=uuid.uuid4(), visit=said, entry="api", actor=None, at=NOON
            )
        assert Visit.objects.get(pk=done.visit_id).coupon is coupon


def test_a_file_says_it_and_a_blank_says_nothing(store, regular):
    rows = [
        f"B{n}|C001|2026-06-{10 + n} 19:00|100|{text}"
        for n, text in enumerate(["是", "no", "1", "0", "yes", "", "否"])
    ]
    assert done(bring_bills(store, BILLS, *rows)) == {"created": 7}
    used = {number: visit.coupon for number, visit in living(store).items()}
    assert used == {"B0": True, "B1": False, "B2": True, "B3": False, "B4": True, "B5": False, "B6": False}
    before = contents()
    assert done(bring_bills(store, BILLS, *rows)) == {"unchanged": 7} and contents() == before
    blank = ["消费单号|客户编号|消费时间|金额", "B0|C001|2026-06-10 19:00|100"]
    assert done(bring_bills(store, *blank)) == {"unchanged": 1} and contents() == before


def test_a_file_corrects_it_and_a_correction_keeps_it(store, regular):
    bring_bills(store, BILLS, "B0|C001|2026-06-10 19:00|100|是", "B1|C001|2026-06-11 19:00|100|是")
    report = bring_bills(store, BILLS, "B0|C001|2026-06-10 19:00|100|否", "B1|C001|2026-06-11 19:00|120|")
    assert done(report) == {"corrected": 2}
    assert {n: (v.coupon, v.amount_fen) for n, v in living(store).items()} == {
        "B0": (False, 10_000), "B1": (True, 12_000),
    }  # fmt: skip
    assert sorted(Visit.objects.exclude(voided_at=None).values_list("external_id", "coupon")) == [
        ("B0", True), ("B1", True),
    ]  # fmt: skip


def test_a_cell_that_says_neither_is_refused(store, regular):
    report = bring_bills(store, BILLS, "B0|C001|2026-06-10 19:00|100|也许")
    assert faults(report) == [(2, "用券", "yes_no_unreadable")] and not Visit.objects.exists()


@pytest.fixture
def floor(waiter) -> Client:
    client = Client()
    client.force_login(waiter)
    with time_machine.travel(NOON, tick=False):
        yield client


@pytest.mark.parametrize("ticked", [True, False])
def test_the_floor_ticks_it_and_the_desk_sees_it(floor, store, regular, head, ticked):
    form = {"uuid": str(uuid.uuid4()), "visited_at": NOON.isoformat(), "amount": "88", "party_size": "2"}
    post = reverse("tablet-visit", args=[regular.pk])
    assert floor.post(post, form | ({"coupon": "on"} if ticked else {})).status_code == 302
    assert Visit.objects.get().coupon is ticked
    floor.force_login(head)
    assert (">用券<" in floor.get(reverse("customer", args=[regular.pk])).content.decode()) is ticked
