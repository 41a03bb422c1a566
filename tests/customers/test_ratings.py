"""Credit, influence and distance: how they are written, who may say them, what a file says of them."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from common.cells import CellError
from common.errors import Refused
from customers.models import Customer
from customers.ratings import parse_distance, parse_rating
from customers.services.customers import Profile, change_customer
from tests.cast import NOON, put_on_file
from tests.customers.importing import bring_guests, contents, done, faults


def judged(guest):
    guest = Customer.objects.get(pk=guest.pk)
    return guest.credit, guest.influence, guest.distance_km


def change(store, guest, at=NOON, **said):
    return change_customer(
        store=store, customer_id=guest.pk, profile=Profile(**said), actor=None, at=at, source="desk"
    )


@pytest.mark.parametrize(
    ("text", "value"), [("4", 4), ("4.0", 4), (" 5分", 5), ("３", 3), ("1 星", 1), ("2级", 2)]
)
def test_a_rating_as_people_write_it(text, value):
    assert parse_rating(text) == value


@pytest.mark.parametrize("text", ["0", "6", "4.5", "-1", "高", "44", ""])
def test_what_is_no_rating(text):
    with pytest.raises(CellError) as error:
        parse_rating(text)
    assert error.value.code == "rating_unreadable"


@pytest.mark.parametrize(
    ("text", "km"),
    [("0.6", "0.6"), ("1.25", "1.3"), ("1.249", "1.2"), ("3", "3.0"), ("0.6公里", "0.6"), ("2 km", "2.0"),
     ("600米", "0.6"), ("649m", "0.6"), ("0", "0.0"), ("9999.9", "9999.9"), ("１．５", "1.5")],
)  # fmt: skip
def test_a_distance_as_people_write_it(text, km):
    assert parse_distance(text) == Decimal(km)


@pytest.mark.parametrize(
    ("text", "code"),
    [("-1", "distance_unreadable"), ("近", "distance_unreadable"), ("1,5", "distance_unreadable"),
     ("", "distance_unreadable"), ("1e3", "distance_unreadable"), ("9999.95", "distance_too_far"),
     ("100000", "distance_too_far")],
)  # fmt: skip
def test_what_is_no_distance(text, code):
    with pytest.raises(CellError) as error:
        parse_distance(text)
    assert error.value.code == code


def test_they_are_said_kept_and_taken_back(store, regular):
    change(store, regular, credit=4, influence=5, distance_km=Decimal("0.6"))
    assert judged(regular) == (4, 5, Decimal("0.6"))
    change(store, regular, position="董事长")
    assert judged(regular) == (4, 5, Decimal("0.6"))
    change(store, regular, credit=3, cleared=frozenset({"influence"}))
    assert judged(regular) == (3, None, Decimal("0.6"))
    told = Customer.pgh_event_model.objects.filter(pgh_obj_id=regular.pk).order_by("pgh_id")
    assert list(told.values_list("credit", "influence", "distance_km"))[-3:] == [
        (4, 5, Decimal("0.6")), (4, 5, Decimal("0.6")), (3, None, Decimal("0.6")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "code"),
    [({"credit": 0}, "rating_out_of_range"), ({"influence": 6}, "rating_out_of_range"),
     ({"distance_km": Decimal("-0.1")}, "distance_out_of_range"),
     ({"distance_km": Decimal(10000)}, "distance_out_of_range")],
)  # fmt: skip
def test_what_is_out_of_range_is_refused_and_nothing_else_is_kept(store, regular, said, code):
    with pytest.raises(Refused) as refused:
        change(store, regular, position="别的", **said)
    assert (refused.value.code, refused.value.field) == (code, next(iter(said)))
    assert judged(regular) == (None, None, None)
    assert Customer.objects.get(pk=regular.pk).position == "总经理"


@pytest.mark.parametrize("said", [{"credit": 6}, {"influence": 0}, {"distance_km": Decimal("-1")}])
def test_the_table_itself_refuses_them(regular, said):
    with pytest.raises(IntegrityError), transaction.atomic():
        Customer.objects.filter(pk=regular.pk).update(**said)


# ---- the pages -----------------------------------------------------------------------------------------------


@time_machine.travel(NOON, tick=False)
def test_the_desk_writes_reads_and_erases_them(store, regular, head):
    client = Client()
    client.force_login(head)
    edit, page = reverse("customer-edit", args=[regular.pk]), reverse("customer", args=[regular.pk])
    form = {"name": "王建国", "owner": "", "credit": "4", "influence": "5", "distance_km": "0.6"}
    assert client.post(edit, form).status_code == 302
    assert judged(regular) == (4, 5, Decimal("0.6"))
    shown = client.get(page).content.decode()
    assert "消费信誉" in shown and "4 / 5" in shown and "5 / 5" in shown and "0.6 公里" in shown
    again = client.get(edit).content.decode()
    assert '<option value="4" selected>' in again and 'value="0.6"' in again
    for name, value in (("credit", "6"), ("influence", "x"), ("distance_km", "0.65"), ("distance_km", "-1")):
        answer = client.post(edit, form | {name: value})
        assert answer.status_code == 422 and answer.context["form"].errors[name]
    assert judged(regular) == (4, 5, Decimal("0.6"))
    client.post(edit, form | {"credit": "", "distance_km": ""})
    assert judged(regular) == (None, 5, None)
    assert "消费信誉" not in client.get(page).content.decode()


# ---- a file --------------------------------------------------------------------------------------------------

HEADER = "客户编号|姓名|消费信誉|影响力|距离"


def test_a_file_says_them_and_a_blank_says_nothing(store, regular):
    report = bring_guests(store, HEADER, "C001|王建国|4|5|0.6公里", "N1|新客|2||1.25")
    assert done(report) == {"created": 1, "updated": 1}
    assert judged(regular) == (4, 5, Decimal("0.6"))
    assert judged(Customer.objects.get(name="新客")) == (2, None, Decimal("1.3"))
    before = contents()
    again = bring_guests(
        store, HEADER, "C001|王建国|4|5|600米", "N1|新客|2||1.25", at=NOON + timedelta(days=1)
    )
    assert done(again) == {"unchanged": 2} and contents() == before
    bring_guests(store, "external_id|name|credit|influence|distance_km", "C001|王建国|||", "N1|新客|3||")
    assert judged(regular) == (4, 5, Decimal("0.6"))
    assert judged(Customer.objects.get(name="新客")) == (3, None, Decimal("1.3"))


def test_a_file_fills_what_another_store_of_the_brand_left_open(store, other_store, regular):
    change(store, regular, credit=4)
    report = bring_guests(other_store, "手机|姓名|消费信誉|影响力", "13812348899|王建国|1|3")
    assert done(report) == {"linked": 1}
    assert judged(regular) == (4, 3, None)


def test_a_file_with_nonsense_is_refused_by_cell(store, regular):
    before = contents()
    report = bring_guests(store, HEADER, "C001|王建国|9|5|0.6", "N1|新客|2|高|远")
    assert faults(report) == [
        (2, "消费信誉", "rating_unreadable"), (3, "影响力", "rating_unreadable"), (3, "距离", "distance_unreadable"),
    ]  # fmt: skip
    assert contents() == before


def test_registering_says_them_at_once(store):
    guest = put_on_file(store, "周敏", credit=5, influence=1, distance_km=Decimal("12.5"))
    assert judged(guest) == (5, 1, Decimal("12.5"))
