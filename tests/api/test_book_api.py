"""Vouchers, bookings and campaigns through the JSON API."""

import json
from datetime import date, time, timedelta

import pytest
import time_machine
from django.test import Client

from care.models import Campaign
from care.services.campaigns import approve_campaign, save_campaign
from customers.models import Booking
from customers.services.bookings import add_table, book
from loyalty.models import Redemption, Voucher
from loyalty.services.issuing import issue
from loyalty.services.kinds import retire_kind, save_kind
from staff.access import issue_token
from staff.models import Role
from tests.care.stage import guests
from tests.cast import NOON, hire, put_on_file

TODAY = NOON.date()
PHONE = "13812348899"


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


def machine_of(place) -> Client:
    _, key = issue_token(store=place, name="POS 1", actor=None, at=NOON)
    return Client(headers={"authorization": f"Bearer {key}"})


@pytest.fixture
def machine(store):
    return machine_of(store)


def post(client, path, body=None):
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def get(client, path, **ask):
    answer = client.get(f"/api/v1/{path}", ask)
    assert answer.status_code == 200, answer.content
    assert PHONE not in answer.content.decode()
    return answer.json()


def pages(client, path, limit, **ask):
    """Every row of a list, page by page, and how many pages there were."""
    seen, cursor, turns = [], "", 0
    while True:
        page = get(client, path, limit=limit, cursor=cursor, **ask)
        seen += page["results"]
        cursor, turns = page["next_cursor"], turns + 1
        if not cursor:
            return seen, turns


def signed_in(role, store) -> Client:
    client = Client()
    client.force_login(hire(f"api_{role}", role, role, store))
    return client


def kind(store, name="满200减30", **more):
    said = {
        "name": name, "gives": "amount", "worth": 3_000, "item": "", "min_bill_fen": 20_000, "valid_days": 30,
        "transferable": False, "once": False,
    }  # fmt: skip
    return save_kind(store=store, said=said | more, actor=None, at=NOON)


# ---- vouchers ------------------------------------------------------------------------------------------------


def test_given_used_and_taken_back(machine, store, regular):
    of = kind(store)
    [listed] = get(machine, "vouchers/kinds/")["results"]
    assert listed == {
        "id": of.pk, "name": "满200减30", "gives": "amount", "worth": 3_000, "item": "", "min_bill_fen": 20_000,
        "valid_days": 30, "transferable": False, "once": False,
    }  # fmt: skip
    place = f"customers/{regular.pk}/vouchers/"
    first, again = (post(machine, place, {"kind": of.pk}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200) and first.json() == again.json()
    voucher = Voucher.objects.get()
    assert first.json() == {
        "id": voucher.pk, "code": voucher.shown, "kind": of.pk, "name": "满200减30", "customer": regular.pk,
        "occasion": "hand:2026-06-20", "for_friend": False, "issued_on": "2026-06-20", "valid_until": "2026-07-20",
        "state": "usable",
    }  # fmt: skip
    bill = {"code": voucher.shown, "bill_fen": 50_000, "bill_number": "B1"}
    used, same = (post(machine, "vouchers/redeem/", bill) for _ in range(2))
    assert used.status_code == 200 and used.json() == same.json()
    assert used.json() == {
        "id": Redemption.objects.get().pk, "voucher": voucher.pk, "name": "满200减30", "customer": regular.pk,
        "is_new": False, "bill_fen": 50_000, "bill_number": "B1", "saved_fen": 3_000, "pays_fen": 47_000,
        "visit": None, "on": "2026-06-20", "voided_at": None,
    }  # fmt: skip
    taken = post(machine, "vouchers/redeem/", bill | {"bill_number": "B2"})
    assert (taken.status_code, taken.json()["code"]) == (409, "voucher_used")
    assert get(machine, place)["results"][0]["state"] == "used"
    for _twice in range(2):
        back = post(machine, f"redemptions/{used.json()['id']}/void/", {"reason": "点错了"})
        assert back.status_code == 200 and back.json()["voided_at"]
    assert get(machine, place)["results"][0]["state"] == "usable"
    with time_machine.travel(NOON + timedelta(days=31), tick=False):
        assert get(machine, place)["results"][0]["state"] == "over"


def test_a_friend_uses_one(machine, store, regular):
    of = kind(store, transferable=True)
    issue(store=store, kind=of, guests=[(regular.pk, "x")], on=TODAY, at=NOON, own=0, friends=1)
    code = Voucher.objects.get().code
    bill = {"code": code, "bill_fen": 50_000}
    assert post(machine, "vouchers/redeem/", bill).json()["fields"].keys() == {"phone"}
    assert post(machine, "vouchers/redeem/", bill | {"phone": "12"}).json()["fields"].keys() == {"phone"}
    used = post(machine, "vouchers/redeem/", bill | {"phone": "138 1111 2222", "name": "小李"})
    assert used.json()["is_new"] and used.json()["customer"] != regular.pk
    assert "13811112222" not in used.content.decode()


def test_a_guests_vouchers_page_by_page(machine, store, regular):
    of = kind(store)
    for day in range(3):
        on = TODAY - timedelta(days=day)
        issue(store=store, kind=of, guests=[(regular.pk, f"x{day}{n}") for n in range(5)], on=on, at=NOON)
    rows, turns = pages(machine, f"customers/{regular.pk}/vouchers/", 4)
    assert turns == 4 and len({row["id"] for row in rows}) == len(rows) == 15
    days = [row["issued_on"] for row in rows]
    assert days == sorted(days, reverse=True)


BAD_VOUCHERS = [
    ("give", {}, 400), ("give", {"kind": "x"}, 400), ("give", {"kind": None}, 400), ("give", {"kind": -1}, 400),
    ("give", {"kind": 2**70}, 400), ("give", {"kind": 1.5}, 400), ("give", {"kind": [1]}, 400),
    ("give", {"kind": 987654321}, 404), ("give", {"sort": 1}, 400), ("give", [], 400),
    ("redeem", {}, 400), ("redeem", {"code": "ABCDE-FGHJK"}, 400), ("redeem", {"code": "x" * 21, "bill_fen": 1}, 400),
    ("redeem", {"code": "NOSUCHCODE", "bill_fen": 50_000}, 400), ("redeem", {"code": ["a"], "bill_fen": 1}, 400),
    ("redeem", {"code": "NOSUCHCODE", "bill_fen": "50.00"}, 400), ("redeem", {"code": "NOSUCHCODE", "bill_fen": -1}, 400),
    ("redeem", {"code": "NOSUCHCODE", "bill_fen": 10**12}, 400), ("redeem", {"code": "\x00", "bill_fen": 1}, 400),
    ("redeem", {"code": "NOSUCHCODE", "bill_fen": 1, "bill_number": {"a": 1}}, 400),
    ("redeem", {"code": "NOSUCHCODE", "bill_fen": 1, "till": 1}, 400), ("redeem", "x", 400),
    ("void", {}, 400), ("void", {"reason": ""}, 400), ("void", {"reason": "x"}, 400), ("void", {"reason": 5 * [1]}, 400),
    ("void", {"reason": "字" * 101}, 400),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "body", "status"), BAD_VOUCHERS)
def test_bad_vouchers_get_a_sentence_and_write_nothing(machine, store, regular, verb, body, status):
    of = kind(store)
    issue(store=store, kind=of, guests=[(regular.pk, "x")], on=TODAY, at=NOON)
    used = post(machine, "vouchers/redeem/", {"code": Voucher.objects.get().code, "bill_fen": 50_000}).json()
    path = {
        "give": f"customers/{regular.pk}/vouchers/", "redeem": "vouchers/redeem/",
        "void": f"redemptions/{used['id']}/void/",
    }[verb]  # fmt: skip
    answer = machine.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")
    assert answer.status_code == status and answer.json()["detail"], answer.content
    assert Voucher.objects.count() == 1 and Redemption.objects.get().voided_at is None


def test_kinds_that_cannot_be_given(machine, store, other_store, regular, lapsed):
    gone, foreign, once = kind(store, "旧券"), kind(other_store), kind(store, "新客券", once=True)
    retire_kind(store=store, kind_id=gone.pk, at=NOON)
    lapsed.phones.all().delete()
    place = f"customers/{lapsed.pk}/vouchers/"
    assert post(machine, place, {"kind": gone.pk}).status_code == 409
    assert post(machine, place, {"kind": foreign.pk}).status_code == 404
    refused = post(machine, place, {"kind": once.pk})
    assert (refused.status_code, refused.json()["code"]) == (409, "voucher_once")
    small = kind(store)
    given = post(machine, place, {"kind": small.pk}).json()
    bill = {"code": given["code"], "bill_fen": 19_999}
    assert post(machine, "vouchers/redeem/", bill).json()["fields"].keys() == {"bill"}
    assert not Redemption.objects.exists()


def test_another_stores_vouchers_are_not_here(machine, store, other_store, regular):
    voucher_of = kind(store)
    issue(store=store, kind=voucher_of, guests=[(regular.pk, "x")], on=TODAY, at=NOON)
    used = post(machine, "vouchers/redeem/", {"code": Voucher.objects.get().code, "bill_fen": 50_000}).json()
    neighbour = machine_of(other_store)
    assert neighbour.get(f"/api/v1/customers/{regular.pk}/vouchers/").status_code == 404
    assert post(neighbour, f"customers/{regular.pk}/vouchers/", {"kind": voucher_of.pk}).status_code == 404
    assert post(neighbour, f"redemptions/{used['id']}/void/", {"reason": "点错了"}).status_code == 404
    Redemption.objects.update(voided_at=NOON)
    refused = post(neighbour, "vouchers/redeem/", {"code": Voucher.objects.get().code, "bill_fen": 50_000})
    assert refused.json()["code"] == "voucher_unknown"
    assert get(neighbour, "vouchers/kinds/")["results"] == []


# ---- bookings ------------------------------------------------------------------------------------------------

BOOKING = {"customer_external_id": "C001", "on": "2026-06-27", "arrives": "18:30", "party": 6}


def test_booked_confirmed_called_off(machine, store, regular):
    table = add_table(store=store, number="8", seats=8)
    body = BOOKING | {
        "held": True, "table": table.pk, "needs": ["child_seat"], "allergies": "花生", "dishes": "清蒸石斑×1，东坡肉x2",
        "note": "靠窗", "told_by": "phone",
    }  # fmt: skip
    made = post(machine, "bookings/", body)
    assert made.status_code == 201, made.content
    booking = Booking.objects.get()
    assert made.json() == {
        "id": booking.pk, "customer": {"id": regular.pk, "external_id": "C001", "called": "王总", "tier": ""},
        "on": "2026-06-27", "arrives": "18:30", "party": 6, "table": "8", "state": "provisional",
        "lapses_on": "2026-06-23", "needs": ["child_seat"], "allergies": "花生",
        "dishes": [{"name": "清蒸石斑", "number": 1}, {"name": "东坡肉", "number": 2}], "note": "靠窗", "told_by": "phone",
    }  # fmt: skip
    again = post(machine, "bookings/", body)
    assert (again.status_code, again.json()["code"]) == (409, "booking_there")
    for _twice in range(2):
        assert post(machine, f"bookings/{booking.pk}/confirm/").json()["state"] == "confirmed"
    assert get(machine, "bookings/", on="2026-06-27")["results"][0]["lapses_on"] is None
    for _twice in range(2):
        assert post(machine, f"bookings/{booking.pk}/cancel/").json()["state"] == "cancelled"
    over = post(machine, f"bookings/{booking.pk}/confirm/")
    assert (over.status_code, over.json()["code"]) == (409, "booking_over")
    assert get(machine, "bookings/", on="2026-06-27")["results"] == []
    assert len(get(machine, "bookings/", on="2026-06-27", state="any")["results"]) == 1
    assert len(get(machine, "bookings/", on="2026-06-27", state="cancelled")["results"]) == 1


def test_a_day_page_by_page(machine, store, regular):
    for n, guest in enumerate(guests(store, 9)):
        told = {"party": 2, "actor": None, "at": NOON}
        book(store=store, customer_id=guest.pk, on=TODAY, arrives=time(18, n % 3), **told)
        book(store=store, customer_id=guest.pk, on=TODAY + timedelta(days=1), arrives=time(18), **told)
    rows, turns = pages(machine, "bookings/", 4)
    assert turns == 3 and len({row["id"] for row in rows}) == len(rows) == 9
    assert [row["arrives"] for row in rows] == ["18:00"] * 3 + ["18:01"] * 3 + ["18:02"] * 3


BAD_BOOKINGS = [
    ({"on": "2026-06-31"}, "on"), ({"on": "tomorrow"}, "on"), ({"on": "2026-06-19"}, "on"), ({"on": 20260627}, "on"),
    ({"on": "2036-06-27"}, "on"), ({"on": None}, "on"), ({"arrives": "25:00"}, "arrives"), ({"arrives": 18}, "arrives"),
    ({"arrives": ""}, "arrives"), ({"party": 0}, "party"), ({"party": 501}, "party"), ({"party": "many"}, "party"),
    ({"party": 2**80}, "party"), ({"held": "perhaps"}, "held"), ({"needs": "child_seat"}, "needs"),
    ({"needs": ["pool"]}, "needs"), ({"table": "8a"}, "table"), ({"table": 2**70}, "table"), ({"dishes": "鱼×100"}, "dishes"),
    ({"dishes": ["x"]}, "dishes"), ({"note": "字" * 401}, "note"), ({"told_by": "pigeon"}, "told_by"),
    ({"customer_external_id": "C999"}, "customer_external_id"), ({"customer": 1}, "customer_external_id"),
    ({"customer_external_id": ["C001"]}, "customer_external_id"), ({"colour": "red"}, "colour"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field"), BAD_BOOKINGS)
def test_bad_bookings_get_a_sentence_and_write_nothing(machine, store, regular, change, field):
    answer = post(machine, "bookings/", BOOKING | change)
    assert answer.status_code == 400 and field in answer.json()["fields"], answer.content
    assert not Booking.objects.exists()


@pytest.mark.parametrize("body", ["[]", '"x"', "{", "null", '{"on": NaN}', "\x00"])
def test_what_is_no_booking_is_400(machine, regular, body):
    for path in ("bookings/", "vouchers/redeem/"):
        answer = machine.post(f"/api/v1/{path}", body, content_type="application/json")
        assert answer.status_code == 400, answer.content


@pytest.mark.parametrize(
    "ask",
    [
        {"on": "soon"}, {"on": "2026-02-30"}, {"state": "lost"}, {"limit": 0}, {"limit": 101}, {"limit": "x"},
        {"cursor": "x"}, {"cursor": "1_"}, {"cursor": "0_1"}, {"cursor": f"{10**18}_1"}, {"cursor": "-1_1"},
        {"cursor": "999999999999999999_1"}, {"cursor": "１_１"}, {"colour": "red"}, {"cursor": "1_1\x00"},
    ],
)  # fmt: skip
def test_questions_that_make_no_sense(machine, store, regular, ask):
    for path in ("bookings/", "campaigns/", f"customers/{regular.pk}/vouchers/"):
        assert machine.get(f"/api/v1/{path}", ask).status_code == 400, path


def test_another_stores_bookings_are_not_here(machine, store, other_store, regular):
    made = post(machine, "bookings/", BOOKING).json()
    foreign = add_table(store=other_store, number="1", seats=8)
    neighbour = machine_of(other_store)
    assert get(neighbour, "bookings/", on="2026-06-27", state="any")["results"] == []
    for verb in ("confirm", "cancel"):
        assert post(neighbour, f"bookings/{made['id']}/{verb}/").status_code == 404
    assert post(neighbour, "bookings/", BOOKING).json()["code"] == "customer_unknown"
    stranger = put_on_file(other_store, "邻店客人")
    named = {name: value for name, value in BOOKING.items() if name != "customer_external_id"}
    answer = post(machine, "bookings/", named | {"customer": stranger.pk})
    assert answer.status_code == 400 and "customer" in answer.json()["fields"]
    assert post(machine, "bookings/", BOOKING | {"arrives": "12:00", "table": foreign.pk}).status_code == 404
    assert Booking.objects.count() == 1 and Booking.objects.get().state == "confirmed"


# ---- campaigns -----------------------------------------------------------------------------------------------


def campaign(store, name="端午", on=date(2026, 6, 21), **more) -> Campaign:
    said = {
        "kind": "promotion", "name": name, "segment": None, "tiers": ["A"], "what": "端午套餐", "detail": "两人同行一人免单",
        "channel": "phone", "call_fallback": False, "send_on": on, "window_days": 2, "held_out": 50,
    }  # fmt: skip
    return save_campaign(store=store, said=said | more, actor=None, at=NOON)


def test_a_campaign_with_its_figures(machine, store):
    people = guests(store, 20, "A")
    people[0].phones.all().delete()
    made = campaign(store, on=TODAY)
    draft = get(machine, f"campaigns/{made.pk}/")
    assert (draft["planned"], draft["state"], draft["tasks"], draft["gain"]) == (False, "draft", {}, None)
    group = draft["group"]
    assert group["blocked"] == [{"reason": "no_phone", "guests": 1}]
    assert group["told"] + group["held_out"] == 19 and group["told"] and group["held_out"]
    approve_campaign(store=store, campaign_id=made.pk, number=group["told"], actor=None, at=NOON)
    told = made.guests.filter(arm="told").first()
    told.came_on, told.spend_fen = TODAY, 40_000
    told.save()
    answer = get(machine, f"campaigns/{made.pk}/")
    assert (answer["planned"], answer["state"], answer["group"]) == (True, "planned", group)
    assert answer["tasks"] == {"open": group["told"]} and answer["texts"] == {}
    assert answer["told"] == {
        "guests": group["told"], "came": 1, "rate": 1 / group["told"], "spend_fen": 40_000,
    }  # fmt: skip
    assert answer["held_out"]["guests"] == group["held_out"]
    assert answer["gain"]["value"] == pytest.approx(1 / group["told"])
    assert (answer["name"], answer["send_on"], answer["last_on"], answer["tiers"]) == (
        "端午", "2026-06-20", "2026-06-22", ["A"],
    )  # fmt: skip


def test_campaigns_page_by_page(machine, store, other_store):
    for n in range(7):
        campaign(store, f"活动{n}", TODAY + timedelta(days=n // 2))
    foreign = campaign(other_store)
    rows, turns = pages(machine, "campaigns/", 3)
    assert turns == 3 and len({row["id"] for row in rows}) == len(rows) == 7
    assert [row["send_on"] for row in rows] == sorted((row["send_on"] for row in rows), reverse=True)
    assert machine.get(f"/api/v1/campaigns/{foreign.pk}/").status_code == 404
    assert machine.get(f"/api/v1/campaigns/{10**30}/").status_code == 404
    for verb in ("post", "put", "delete"):
        assert getattr(machine, verb)(f"/api/v1/campaigns/{foreign.pk}/").status_code in (403, 405)


# ---- who may -------------------------------------------------------------------------------------------------

MAY = {
    ("get", "vouchers/kinds/"): "host manager head hq",
    ("get", "customers/{guest}/vouchers/"): "host manager head hq",
    ("post", "customers/{guest}/vouchers/"): "host manager head",
    ("post", "vouchers/redeem/"): "host manager head",
    ("post", "redemptions/{used}/void/"): "manager head",
    ("get", "bookings/"): "host manager head hq",
    ("post", "bookings/"): "host manager head",
    ("post", "bookings/{booking}/confirm/"): "host manager head",
    ("post", "bookings/{booking}/cancel/"): "host manager head",
    ("get", "campaigns/"): "manager head hq",
    ("get", "campaigns/{campaign}/"): "manager head hq",
}


@pytest.mark.parametrize("role", Role.values)
def test_who_may_not_is_403(store, regular, machine, role):
    of = kind(store)
    issue(store=store, kind=of, guests=[(regular.pk, "x")], on=TODAY, at=NOON)
    used = post(machine, "vouchers/redeem/", {"code": Voucher.objects.get().code, "bill_fen": 50_000}).json()
    made = post(machine, "bookings/", BOOKING).json()
    names = {
        "guest": regular.pk,
        "used": used["id"],
        "booking": made["id"],
        "campaign": campaign(store).pk,
    }
    somebody, nobody = signed_in(role, store), Client()
    for (verb, path), roles in MAY.items():
        address = f"/api/v1/{path.format(**names)}"
        answer = getattr(somebody, verb)(address, content_type="application/json")
        assert (answer.status_code == 403) is (role not in roles.split()), (verb, path, answer.content)
        assert getattr(nobody, verb)(address, content_type="application/json").status_code in (401, 403)


def test_the_schema_has_them(store):
    schema = signed_in(Role.MANAGER, store).get("/api/schema/", headers={"accept": "application/json"})
    text = schema.content.decode()
    for _verb, path in MAY:
        known = path.format(
            guest="{customer_id}", used="{redemption_id}", booking="{booking_id}", campaign="{campaign_id}"
        )
        assert f'"/api/v1/{known}"' in text
