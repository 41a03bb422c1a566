"""Find, know, log: the floor's pages through plain forms."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from customers.models import Customer, Patronage, Visit
from tests.cast import NOON, put_on_file
from tiering.services.decisions import decide_night
from tiering.services.schemes import adopt_preset


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def floor(waiter) -> Client:
    client = Client()
    client.force_login(waiter)
    return client


def card(floor: Client, guest) -> dict[str, str]:
    """What the card's form sends when nothing was typed."""
    form = floor.get(reverse("tablet-guest", args=[guest.pk])).context["form"]
    return {"uuid": str(form["uuid"].value()), "visited_at": form["visited_at"].value()}


def log(floor: Client, guest, **said: str):
    return floor.post(reverse("tablet-visit", args=[guest.pk]), said)


def test_a_visit_is_logged(floor, waiter, regular):
    answer = log(
        floor,
        regular,
        **card(floor, regular),
        party_size="4",
        amount="1280",
        occasion="friends",
        table="A6",
        note="很高兴",
    )
    assert answer["location"] == reverse("tablet")
    visit = Visit.objects.get()
    assert (visit.amount_fen, visit.party_size, visit.occasion, visit.table_no, visit.note) == (
        128_000,
        4,
        "friends",
        "A6",
        "很高兴",
    )
    assert (visit.entry, visit.recorded_by, visit.visited_at, visit.channel) == (
        "tablet",
        waiter,
        NOON,
        "dine_in",
    )
    assert "已记录：王总，¥1,280，4 位" in floor.get(reverse("tablet")).content.decode()


def test_the_same_form_twice_is_one_visit(floor, regular):
    said = card(floor, regular) | {"party_size": "4", "amount": "88"}
    assert [log(floor, regular, **said).status_code for _ in range(3)] == [302, 302, 302]
    assert (Visit.objects.count(), Patronage.objects.get().visits_total) == (1, 1)


def test_the_same_form_with_another_amount_is_refused_and_the_first_stays(floor, regular):
    said = card(floor, regular)
    log(floor, regular, **said, amount="88")
    answer = log(floor, regular, **said, amount="99")
    assert answer.status_code == 422 and "先前的一条保留" in answer.content.decode()
    assert Visit.objects.get().amount_fen == 8_800


def test_more_than_ten_come_too(floor, regular):
    log(floor, regular, **card(floor, regular), amount="0", more="24")
    assert (Visit.objects.get().party_size, Visit.objects.get().amount_fen) == (24, 0)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"amount": ""}, "请填金额"),
        ({"amount": "abc"}, "不是数字"),
        ({"amount": "-5"}, "是负数"),
        ({"amount": "99999999"}, "请核对"),
        ({"amount": "10", "party_size": "0"}, "至少一位"),
        ({"amount": "10", "more": "999"}, "人数太多"),
        ({"amount": "10", "occasion": "revolution"}, ""),
        ({"amount": "10", "visited_at": "yesterday"}, "打开得不对"),
        ({"amount": "10", "visited_at": "2026-06-20T12:00:00"}, "打开得不对"),
        ({"amount": "10", "visited_at": "2026-06-25T12:00:00+08:00"}, "消费时间在未来"),
        ({"amount": "10", "uuid": "not-one"}, ""),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_logged(floor, regular, said, sentence):
    answer = log(floor, regular, **(card(floor, regular) | said))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode() and sentence in answer.content.decode()
    assert not Visit.objects.exists()


def test_what_was_typed_is_still_there_after_a_mistake(floor, regular):
    said = card(floor, regular)
    page = log(floor, regular, **said, amount="12x", party_size="3", table="A6").content.decode()
    assert 'value="12x"' in page and 'value="A6"' in page and said["uuid"] in page
    assert 'id="party-3" value="3" checked' in page


def test_the_card_tells_what_to_do_now(floor, store, head, regular):
    adopt_preset(
        store=store, code="recent_month_abc", from_date=NOON.date() - timedelta(days=9), actor=head, at=NOON
    )
    log(floor, regular, **card(floor, regular), amount="6000")
    decide_night(store, NOON.date(), at=NOON)
    page = floor.get(reverse("tablet-guest", args=[regular.pk]))
    assert [each.line.zh for each in page.context["treatments"] if each.line.trigger == "each_visit"] == [
        "店长亲身接待"
    ]


def test_a_waiter_sees_no_sums_and_no_numbers(floor, store, regular):
    log(floor, regular, **card(floor, regular), amount="6543")
    floor.get(reverse("tablet"))
    page = floor.get(reverse("tablet-guest", args=[regular.pk])).content.decode()
    assert "6,543" not in page and "13812348899" not in page and "138****8899" in page


def test_another_stores_guest_is_not_here(floor, other_store):
    guest = put_on_file(other_store, "别人")
    assert floor.get(reverse("tablet-guest", args=[guest.pk])).status_code == 404
    said = {"uuid": str(uuid.uuid4()), "visited_at": NOON.isoformat(), "amount": "5"}
    assert log(floor, guest, **said).status_code == 404
    assert not Visit.objects.exists()


def found(floor: Client, query: str) -> list[str]:
    page = floor.post(reverse("tablet-find"), {"q": query}, headers={"HX-Request": "true"})
    return [row.customer.name for row in page.context.get("rows") or []]


def test_the_keys_find_guests(floor, regular, lapsed):
    assert found(floor, "8899") == ["王建国"]
    assert found(floor, "LM") == ["李梅"]
    assert found(floor, "138 1234 8899") == ["王建国"]
    assert found(floor, "13812") == []
    assert found(floor, "") == []


def test_a_name_that_many_have_shows_eight(floor, store):
    for n in range(12):
        put_on_file(store, f"王{'一二三四五六七八九十百千'[n]}")
    assert len(found(floor, "w")) == 8


def test_a_whole_number_in_an_address_is_not_answered(floor, regular):
    assert floor.get(reverse("tablet-find"), {"q": "13812348899"})["location"] == reverse("tablet")


def test_a_new_guest_is_registered_and_opened(floor, store):
    answer = floor.post(reverse("tablet-new"), {"name": "周敏", "phone": "13511112222", "consent": "on"})
    guest = Customer.objects.get()
    assert answer["location"] == reverse("tablet-guest", args=[guest.pk])
    assert [(c.given, c.source) for c in guest.consents.all()] == [(True, "tablet")]


def test_no_tick_means_not_asked(floor, store):
    floor.post(reverse("tablet-new"), {"name": "周敏", "phone": "13511112222"})
    assert not Customer.objects.get().consents.exists()


def test_a_known_number_opens_the_card_that_is_there(floor, regular):
    answer = floor.post(reverse("tablet-new"), {"name": "老王", "phone": "13812348899"}, follow=True)
    assert "已经有档案" in answer.content.decode() and "王总" in answer.content.decode()
    assert Customer.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "sentence"),
    [({"name": ""}, "必须填写"), ({"phone": "138"}, "位数不够"), ({"phone": ""}, "请填手机号")],
)
def test_a_new_guest_needs_both(floor, store, said, sentence):
    answer = floor.post(reverse("tablet-new"), {"name": "周敏", "phone": "13511112222"} | said)
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert not Customer.objects.exists()
