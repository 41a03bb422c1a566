"""The JSON API as a machine and a person use it."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from customers.models import Customer, Patronage, Visit
from staff.access import issue_token, revoke_token
from tests.cast import NOON, put_on_file
from tiering.services.schemes import adopt_preset

VISITS = "/api/v1/visits/{}/"
BODY = {"customer_external_id": "C001", "visited_at": "2026-06-19T19:30:00", "amount": "1280.50", "party_size": 4,
        "table": "8", "occasion": "family", "channel": "dine_in", "dishes": "毛肚×2;鸭血", "note": "要安静"}  # fmt: skip


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def machine(store):
    """A POS of the store, with its key."""
    _, key = issue_token(store=store, name="POS 1", actor=None, at=NOON)
    return Client(headers={"authorization": f"Bearer {key}"})


def put(client, body=BODY, visit_id=None):
    return client.put(VISITS.format(visit_id or uuid.uuid4()), body, content_type="application/json")


def post(client, path, body):
    return client.post(path, body, content_type="application/json")


def test_201_then_200_then_409(machine, regular):
    visit_id = uuid.uuid4()
    first, again = put(machine, visit_id=visit_id), put(machine, visit_id=visit_id)
    assert (first.status_code, again.status_code) == (201, 200)
    assert {**first.json(), "status": ""} == {**again.json(), "status": ""}
    assert first.json()["business_date"] == "2026-06-19" and not first.json()["held"]
    other = put(machine, BODY | {"amount": "1280.51"}, visit_id)
    assert (other.status_code, other.json()["code"]) == (409, "visit_differs")
    visit = Visit.objects.get()
    assert (visit.amount_fen, visit.party_size, visit.dishes, visit.note) == (
        128050, 4, [{"name": "毛肚", "quantity": 2.0}, {"name": "鸭血", "quantity": 1.0}], "要安静",
    )  # fmt: skip


def test_a_body_by_another_spelling_is_the_same(machine, regular):
    visit_id = uuid.uuid4()
    put(machine, visit_id=visit_id)
    spelled = dict(reversed(BODY.items())) | {"visited_at": "2026-06-19T11:30:00Z", "amount": "1280.5"}
    assert put(machine, spelled, visit_id).status_code == 200


def test_an_old_visit_is_held(machine, regular):
    answer = put(machine, BODY | {"visited_at": (NOON - timedelta(days=8)).isoformat()})
    assert (answer.status_code, answer.json()["held"]) == (201, True)


BAD = [
    ({"amount": "-1"}, "amount"),
    ({"amount": "1e12"}, "amount"),
    ({"amount": 12}, "amount"),
    ({"amount": "1.005"}, "amount"),
    ({"amount": None}, "amount"),
    ({"visited_at": "2026-06-22T00:00:00Z"}, "visited_at"),
    ({"visited_at": "yesterday"}, "visited_at"),
    ({"visited_at": "2026-02-30T10:00:00"}, "visited_at"),
    ({"party_size": 100000}, "party_size"),
    ({"occasion": "wake"}, "occasion"),
    ({"customer_external_id": "C999"}, "customer_external_id"),
    ({"customer_external_id": "", "customer_phone": "123"}, "customer_phone"),
    ({"customer_phone": "13812348899"}, "customer_external_id"),
    ({"tier": "A"}, "tier"),
    ({"store": 2}, "store"),
    ({"note": "a\x00b"}, None),
    ({"table": 8}, "table"),
]


@pytest.mark.parametrize(("change", "field"), BAD, ids=[str(c[0])[:40] for c in BAD])
def test_bad_visits_get_a_sentence_and_write_nothing(machine, regular, change, field):
    answer = put(machine, BODY | change)
    assert answer.status_code == 400
    assert answer.json()["detail"]
    if field:
        assert answer.json()["fields"][field][0]
    assert not Visit.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "null", "7", '{"amount": NaN}', "{", '"x"', b"\xff\xfe"])
def test_what_is_no_object_is_400(machine, regular, body):
    answer = machine.put(VISITS.format(uuid.uuid4()), body, content_type="application/json")
    assert answer.status_code == 400 and not Visit.objects.exists()


def test_the_sentence_comes_in_the_readers_language(machine, regular, manager):
    chinese = put(machine, BODY | {"amount": "-1"}).json()["fields"]["amount"][0]
    manager.language = "en"
    manager.save()
    reader = Client()
    reader.force_login(manager)
    english = put(reader, BODY | {"amount": "-1"}).json()["fields"]["amount"][0]
    assert "负数" in chinese
    assert "negative" in english


def test_void_takes_the_visit_back(machine, regular):
    visit_id = put(machine).json()["id"]
    assert post(machine, VISITS.format(visit_id) + "void/", {"reason": ""}).status_code == 400
    assert post(machine, VISITS.format(visit_id) + "void/", {"reason": "退单"}).status_code == 200
    assert Patronage.objects.get(customer=regular).visits_total == 0


def test_no_key_a_wrong_key_a_revoked_key(store, regular):
    token, key = issue_token(store=store, name="POS", actor=None, at=NOON)
    assert put(Client()).status_code == 401
    assert put(Client(headers={"authorization": "Bearer shk_wrong"})).status_code == 401
    client = Client(headers={"authorization": f"Bearer {key}"})
    assert put(client).status_code == 201
    revoke_token(token=token, at=NOON)
    assert put(client).status_code == 401


def test_registering_looking_up_and_reading_a_guest(machine, store):
    body = {"name": "尉迟敬德", "phone": "+86 138-0013-8000", "birthday": "1963-闰04-03", "birthday_calendar": "lunar",
            "consent_sms": True, "tags": ["老乡"], "sex": "m"}  # fmt: skip
    made = post(machine, "/api/v1/customers/", body)
    assert made.status_code == 201, made.content
    assert made.json()["phone"] == "*******8000" and made.json()["birthday"] == "农历闰四月初三"
    again = post(machine, "/api/v1/customers/", body)
    assert (again.status_code, again.json()["status"]) == (200, "known") and Customer.objects.count() == 1
    found = post(machine, "/api/v1/customers/lookup/", {"phone": "13800138000"}).json()["results"]
    assert [(f["id"], f["here"]) for f in found] == [(made.json()["id"], True)]
    for query in ("8000", "尉迟", "敬德", "ycjd", "yuchijingde"):
        listed = machine.get("/api/v1/customers/", {"q": query}).json()["results"]
        assert [row["name"] for row in listed] == ["尉迟敬德"], query
    assert machine.get("/api/v1/customers/", {"q": "7999"}).json()["results"] == []
    changed = machine.patch(
        f"/api/v1/customers/{made.json()['id']}/", {"position": "总兵"}, content_type="application/json"
    )
    assert changed.status_code == 200
    assert Customer.objects.get().position == "总兵" and Customer.objects.get().name == "尉迟敬德"


@pytest.mark.parametrize(
    ("change", "field"),
    [({"phone": "1381234"}, "phone"), ({"phone": "1.38E+10"}, "phone"), ({"birthday": "2026-02-30"}, "birthday"),
     ({"birthday": "13-01", "birthday_calendar": "lunar"}, "birthday"), ({"name": ""}, "name"),
     ({"owner": "nobody"}, "owner"), ({"introduced_by": "C9"}, "introduced_by"), ({"tier": "A"}, "tier")],
)  # fmt: skip
def test_bad_guests_are_refused_by_field(machine, store, change, field):
    answer = post(machine, "/api/v1/customers/", {"name": "张三"} | change)
    assert answer.status_code == 400 and answer.json()["fields"][field][0]
    assert not Customer.objects.exists()


def test_pages_of_guests_by_keyset_miss_and_repeat_nobody(machine, store):
    from customers.models import Patronage

    guests = [put_on_file(store, f"客{n}") for n in range(120)]
    for n, guest in enumerate(guests[:70]):
        Patronage.objects.filter(customer=guest).update(last_visited_at=NOON - timedelta(hours=n // 2))
    seen, cursor = [], ""
    while True:
        page = machine.get("/api/v1/customers/", {"cursor": cursor}).json()
        seen += [row["id"] for row in page["results"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert sorted(seen) == sorted(guest.pk for guest in guests) and len(set(seen)) == 120
    assert machine.get("/api/v1/customers/", {"cursor": "zzz"}).status_code == 400


def test_standing_tells_every_number(machine, store, regular):
    adopt_preset(store=store, code="recent_month_abc", from_date=NOON.date(), actor=None, at=NOON)
    put(machine, BODY | {"amount": "4180.00"})
    told = machine.get(f"/api/v1/customers/{regular.pk}/standing/").json()
    assert (told["tier_now"], told["scheme"], told["version"]) == ("A", "recent_month_abc", 1)
    [a, _b, c] = told["criteria"]
    first, *_, last = a["rule"]["of"]
    assert (first["fact"], first["threshold"], first["value"], first["pass"], first["missing"]) == (
        "spend_30d", "5000", "4180.00", False, "820.00",
    )  # fmt: skip
    assert (last["fact"], last["value"], last["pass"]) == ("last_bill", "4180.00", True)
    assert told["next"] is None and c["rule"]["otherwise"] is True


def test_the_queue_of_a_tablet_is_answered_item_by_item(machine, regular):
    same = str(uuid.uuid4())
    items = [
        {"seq": 1, "uuid": same, "type": "visit", "body": BODY},
        {"seq": 2, "uuid": same, "type": "visit", "body": BODY},
        {"seq": 3, "uuid": same, "type": "visit", "body": BODY | {"amount": "9"}},
        {"seq": 4, "uuid": str(uuid.uuid4()), "type": "visit", "body": BODY | {"amount": "x"}},
        {"seq": 5, "uuid": "nonsense", "type": "visit", "body": BODY},
        7,
        {"seq": 7, "uuid": str(uuid.uuid4()), "type": "visit", "body": BODY | {"table": "9"}},
    ]
    answer = post(machine, "/api/v1/sync/", {"items": items})
    assert answer.status_code == 200
    assert [r["status"] for r in answer.json()["results"]] == [
        "created", "same", "conflict", "rejected", "rejected", "rejected", "created",
    ]  # fmt: skip
    assert Visit.objects.count() == 2
    assert post(machine, "/api/v1/sync/", {"items": [items[0]] * 101}).status_code == 400


def test_another_store_is_not_found(machine, other_store, rival, regular):
    stranger = put_on_file(rival, "外人")
    neighbour = put_on_file(other_store, "邻店客人")
    for guest in (stranger, neighbour):
        assert machine.get(f"/api/v1/customers/{guest.pk}/").status_code == 404
        assert machine.get(f"/api/v1/customers/{guest.pk}/standing/").status_code == 404
        assert put(machine, BODY | {"customer_external_id": "", "customer": guest.pk}).status_code == 400
    assert machine.get("/api/v1/customers/").json()["results"][0]["id"] == regular.pk
    assert not Visit.objects.exists()


def test_the_schema_describes_itself(manager):
    reader = Client()
    reader.force_login(manager)
    schema = reader.get("/api/schema/", headers={"accept": "application/json"})
    assert schema.status_code == 200
    for path in ("/api/v1/visits/{visit_id}/", "/api/v1/customers/lookup/", "/api/v1/sync/"):
        assert path in schema.content.decode()
    assert reader.get("/api/docs/").status_code == 200
