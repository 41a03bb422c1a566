"""What the API takes and tells of judgements, coupons and companions."""

import uuid

import pytest
import time_machine
from django.test import Client

from customers.models import Customer, Visit, VisitGuest
from staff.access import issue_token
from tests.cast import NOON

VISITS = "/api/v1/visits/{}/"
BODY = {"customer_external_id": "C001", "visited_at": "2026-06-19T19:30:00", "amount": "1280.50"}


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def machine(store):
    _, key = issue_token(store=store, name="POS 1", actor=None, at=NOON)
    return Client(headers={"authorization": f"Bearer {key}"})


def put(client, body, visit_id=None):
    return client.put(VISITS.format(visit_id or uuid.uuid4()), body, content_type="application/json")


def guest_with(number, role):
    return {"customer_external_id": number, "role": role}


def test_a_coupon_is_true_or_false(machine, regular):
    visit_id = uuid.uuid4()
    assert put(machine, BODY | {"coupon": True}, visit_id).status_code == 201
    assert put(machine, BODY | {"coupon": True}, visit_id).status_code == 200
    assert put(machine, BODY, visit_id).status_code == 409
    assert Visit.objects.get().coupon is True
    plain = uuid.uuid4()
    assert put(machine, BODY, plain).status_code == 201
    assert put(machine, BODY | {"coupon": False}, plain).status_code == 200
    for nonsense in ("yes", 1, 0, "true", []):
        answer = put(machine, BODY | {"coupon": nonsense})
        assert answer.status_code == 400 and answer.json()["fields"]["coupon"], nonsense
    assert Visit.objects.count() == 2


def test_companions_come_along(machine, regular, lapsed, newcomer):
    visit_id = uuid.uuid4()
    table = [guest_with("C003", "guest"), guest_with("C002", "payer")]
    assert put(machine, BODY | {"companions": table}, visit_id).status_code == 201
    assert put(machine, BODY | {"companions": table[::-1] + table}, visit_id).status_code == 200
    assert put(machine, BODY | {"companions": table[:1]}, visit_id).status_code == 409
    assert put(machine, BODY, visit_id).status_code == 409
    assert sorted(VisitGuest.objects.values_list("customer__name", "role", "visit_id")) == [
        ("单晓东", "guest", visit_id), ("李梅", "payer", visit_id),
    ]  # fmt: skip
    assert put(machine, BODY | {"companions": []}).status_code == 201


@pytest.mark.parametrize(
    "companions",
    ["C002", {"C002": "guest"}, ["C002"], [{"customer_external_id": "C002"}], [guest_with("C002", "host")],
     [guest_with("C002", ["guest"])], [guest_with("", "guest")], [guest_with(7, "guest")],
     [guest_with("C002", "guest") | {"name": "李梅"}], [guest_with("C999", "guest")], [guest_with("C001", "guest")],
     [guest_with("C002", "guest"), guest_with("C999", "payer")], [guest_with("C002", "guest")] * 51],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_is_no_table_is_refused_and_the_visit_with_it(machine, regular, lapsed, companions):
    answer = put(machine, BODY | {"companions": companions})
    assert answer.status_code == 400, answer.content
    assert answer.json()["fields"]["companions"][0]
    assert not Visit.objects.exists() and not VisitGuest.objects.exists()
    assert regular.patronages.get().visits_total == 0


def test_the_tablets_queue_takes_them_too(machine, regular, lapsed):
    item = {"seq": 1, "uuid": str(uuid.uuid4()), "type": "visit",
            "body": BODY | {"coupon": True, "companions": [guest_with("C002", "guest")]}}  # fmt: skip
    bad = {
        "seq": 2,
        "uuid": str(uuid.uuid4()),
        "type": "visit",
        "body": BODY | {"companions": [guest_with("C9", "guest")]},
    }
    told = machine.post("/api/v1/sync/", {"items": [item, bad]}, content_type="application/json").json()
    assert [each["status"] for each in told["results"]] == ["created", "rejected"]
    assert VisitGuest.objects.count() == 1 and Visit.objects.get().coupon is True


def test_judgements_are_told_changed_and_taken_back(machine, store):
    path = "/api/v1/customers/"
    body = {"name": "周敏", "credit": 4, "influence": 5, "distance_km": "0.6"}
    made = machine.post(path, body, content_type="application/json")
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["credit"], told["influence"], told["distance_km"]) == (4, 5, "0.6")
    one = f"{path}{told['id']}/"

    def patch(**change):
        return machine.patch(one, change, content_type="application/json")

    assert patch(credit=3).json()["credit"] == 3
    assert patch(influence=None, position="董事").json()["influence"] is None
    told = machine.get(one).json()
    assert (told["credit"], told["influence"], told["distance_km"]) == (3, None, "0.6")
    for field, value in (("credit", 0), ("credit", 6), ("influence", "高"), ("distance_km", "-0.1"),
                         ("distance_km", "0.65"), ("distance_km", "10000"), ("credit", 2.5)):  # fmt: skip
        answer = patch(**{field: value, "position": "别的"})
        assert answer.status_code == 400 and answer.json()["fields"][field][0], (field, value)
    guest = Customer.objects.get()
    assert (guest.credit, guest.influence, str(guest.distance_km), guest.position) == (3, None, "0.6", "董事")


def test_the_schema_names_them(client, manager):
    client.force_login(manager)
    told = client.get("/api/schema/").content.decode()
    for word in ("distance_km", "influence", "coupon", "companions"):
        assert word in told
