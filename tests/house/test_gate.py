"""Every address × every role × own store and another's: what the permission file says is what happens."""

import json
import re
import uuid
from datetime import time, timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from django.urls import get_resolver, resolve, reverse

from care.models import Agreement, Campaign, Channel, Event, GuestReply, Task
from care.services.plans import plan_for
from common.birthdays import Birthday
from customers.models import Patronage
from customers.services.arrivals import arrive, join_waiting
from customers.services.bookings import add_table, book
from customers.services.dishes import launch_dish
from customers.services.visits import VisitInput, record_visit
from feedback.services import close_complaint, open_complaint, record_suggestion
from loyalty.models import Gift, Voucher, VoucherKind
from loyalty.services.gifts import save_item
from loyalty.services.issuing import issue
from loyalty.services.redeeming import Bill, redeem
from ops.models import Job, Run
from staff import access
from staff.models import Role, Store
from tests.cast import NOON, hire, put_on_file
from tiering.models import Segment
from tiering.services.schemes import adopt_preset

ROLES = [role.value for role in Role]
# Of which kind the object is that an address names (its first part), where it names one.
KINDS = {
    "customer": "guest", "api-customer": "guest", "api-standing": "guest", "tablet-guest": "guest", "tablet-visit": "guest", "visit": "visit",
    "tablet-feedback": "guest", "complaint-open": "guest", "suggestion-record": "guest", "complaint-act": "complaint", "suggestion-act": "suggestion",
    "api-visit": "visit", "api-visit-void": "visit", "api-task-complete": "task", "task-act": "task", "import-job": "job",
    "booking": "booking", "booking-act": "booking", "booking-change": "booking", "booking-slip": "booking", "waiting-act": "waiting", "dining-table-remove": "table",
    "arrival-act": "arrival", "tablet-seat": "guest",
    "night-approve": "run", "token-revoke": "token", "candidate-confirm": "guest", "segment": "segment", "reply-act": "reply", "dish-withdraw": "dish", "adoption": "adoption", "plan-version": "plan", "list-owner": "guest", "campaign": "campaign",
    "voucher-kind": "voucher_kind", "redemption-back": "redemption", "gift-item": "gift_item", "gift-decide": "gift", "tablet-treat": "guest", "tablet-kept": "guest", "tablet-gift": "guest",
    "account": "account", "asked-again": "asked",
    "event": "event", "event-dinner": "task",
    "api-customer-vouchers": "guest", "api-redemption-void": "redemption", "api-booking-confirm": "booking", "api-booking-cancel": "booking", "api-campaign": "campaign",
}  # fmt: skip


# Panels of a guest's page.
SLOTS = {"customer-care", "customer-loyalty", "customer-relation", "customer-standing", "customer-feedback"}
# What a form might ask for, so that the object is what decides.
ANSWERS = {"reason": "好奇心", "act": "done", "verb": "done", "outcome": "done", "action": "done", "note": "记一笔", "name": "客人",
           "word": "老乡", "given": "1", "amount": "12", "party_size": "2", "uuid": str(uuid.uuid4()), "owner": ""}  # fmt: skip


def kind_of(name: str) -> str:
    return KINDS.get(name) or KINDS.get(name.split("-")[0], "")


def parts_of(name: str) -> list[str]:
    """The names of the parts of an address, in order."""
    return list(get_resolver().reverse_dict.getlist(name)[0][0][0][1])


def address(name: str, objects: dict[str, object]) -> str:
    """The address with its parts filled: the object's id, a phone's, a verb, a scheme's code."""
    values: dict[str, object] = {}
    for n, part in enumerate(parts_of(name)):
        extra = {
            "phone_id": 1,
            "verb": "done",
            "code": "recent_month_abc",
            "provider": "aliyun",
            "axis": "tier",
        }
        values[part] = extra[part] if part in extra else objects[kind_of(name)] if n == 0 else 1
    return reverse(name, kwargs=values)


def objects_of(place: Store) -> dict[str, object]:
    """One object of every kind in a store."""
    guest = put_on_file(place, "客人", phone=f"13800010{place.pk % 1000:03}")
    task = Task.objects.create(
        store=place, customer=guest, code="x", occasion=f"x{place.pk}", channel=Channel.PHONE, zh="电", en="call",
        role=Role.HEAD, due_on=NOON.date(), close_on=NOON.date() + timedelta(days=3), opened_on=NOON.date(),
        opened_at=NOON,
    )  # fmt: skip
    visit = record_visit(
        store=place, visit_id=uuid.uuid4(), visit=VisitInput(NOON, 100, customer_id=guest.pk), entry="api",
        actor=None, at=NOON,
    )  # fmt: skip
    told = {"store": place, "customer_id": guest.pk, "text": "等了四十分钟", "actor": None, "at": NOON}
    token, _ = access.issue_token(store=place, name="POS", actor=None, at=NOON)
    coming = adopt_preset(
        store=place,
        code="recent_month_abc",
        from_date=NOON.date() + timedelta(days=9999),
        actor=None,
        at=NOON,
    )
    kind = VoucherKind.objects.create(store=place, name="券", gives="amount", worth=100, made_at=NOON)
    issue(store=place, kind=kind, guests=[(guest.pk, "x")], on=NOON.date(), at=NOON)
    code = Voucher.objects.get(kind=kind).code
    used = redeem(store=place, code=code, bill=Bill(100), actor=None, at=NOON, source="desk")
    gift = Gift.objects.create(
        store=place,
        customer=guest,
        what="茶",
        cost_fen=1,
        reason="试",
        on=NOON.date(),
        at=NOON,
        role="head",
        state="waiting",
    )
    settled = open_complaint(**(told | {"text": "汤太咸"}))
    close_complaint(store=place, complaint_id=settled.pk, resolution="换了", actor=None, at=NOON)
    account = Agreement.objects.create(
        store=place, employer="单位", level=1, contact=guest, valid_from=NOON.date(), valid_to=NOON.date(), call_days=90, made_at=NOON
    )  # fmt: skip
    return {
        "voucher_kind": kind.pk, "redemption": used.pk, "gift": gift.pk,
        "gift_item": save_item(store=place, name="茶", cost_fen=100, left=1, at=NOON).pk,
        "account": account.pk, "asked": settled.pk,
        "adoption": coming.pk,
        "campaign": Campaign.objects.create(store=place, kind="event", name="活动", tiers=["A"], send_on=NOON.date(), made_at=NOON).pk,
        "event": Event.objects.create(store=place, kind="salon", name="沙龙", held_on=NOON.date(), made_at=NOON).pk,
        "plan": plan_for(place, "recent_month_abc", NOON).pk,
        "dish": launch_dish(store=place, name="汤", launched_on=NOON.date(), actor=None, at=NOON).pk,
        "guest": guest.pk, "task": task.pk, "visit": visit.visit_id, "token": token.pk,
        "complaint": open_complaint(**told).pk, "suggestion": record_suggestion(**told).pk,
        "job": Job.objects.create(kind="customers", store_id=place.pk, created_at=NOON).pk,
        "reply": GuestReply.objects.create(
            store=place, customer=guest, number="13800001111", number_index=b"x", words="谢谢", stopped=False, at=NOON
        ).pk,
        "run": Run.objects.create(store_id=place.pk, business_date=NOON.date(), created_at=NOON, state="held").pk,
        "booking": book(
            store=place, customer_id=guest.pk, on=NOON.date() + timedelta(days=99), arrives=time(18), party=2, actor=None, at=NOON,
        ).pk,
        "waiting": join_waiting(store=place, called="陈小姐", party=2, actor=None, at=NOON).pk,
        "table": add_table(store=place, number="99", seats=4).pk,
        "arrival": arrive(store=place, customer_id=guest.pk, table="99", actor=None, at=NOON).pk,
        "segment": Segment.objects.create(store=place, name="全部", rule={"otherwise": True}, made_at=NOON).pk,
    }  # fmt: skip


def test_who_is_not_signed_in_is_sent_to_the_door(store):
    objects = objects_of(store)
    for name in access.rules():
        if access.PUBLIC in access.who_may(name, "GET"):
            continue
        answer = Client().get(address(name, objects))
        assert answer.status_code in (302, 401, 403), name
        if answer.status_code == 302:
            assert "/login/" in answer["location"], name


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_let_in_where_the_file_says_so_and_nowhere_else(store, role):
    person = hire(f"p-{role}", role, role, store, brand_wide=role == "hq")
    client, objects, wrong = Client(), objects_of(store), {}
    client.force_login(person)
    for name, methods in access.rules().items():
        for method in ("GET", "POST", "PATCH", "PUT"):
            let_in = access.who_may(name, method)
            if let_in & {access.PUBLIC, access.SIGNED_IN} or (
                method not in methods and method not in ("GET", "POST")
            ):
                continue
            status = getattr(client, method.lower())(address(name, objects)).status_code
            if method == "GET" and not let_in:
                # A page of its own it has for nobody.
                assert status == 405, f"{name}: {status}"
                continue
            if status >= 500 or (status == 403) != (role not in let_in):
                wrong[f"{method} {name}"] = status
    assert wrong == {}


_TAG = re.compile(r"<[a-z]+\b[^>]*>")
_LEADS = re.compile(r'\b(href|action|formaction|hx-get|hx-post)="(/[^"]*)"')


def offers(body: str) -> set[tuple[str, str]]:
    """The method and the name of everything that a page leads to."""
    found = set()
    for tag in _TAG.findall(body):
        for attribute, where in _LEADS.findall(tag):
            if not where.startswith(("/static/", "//")):
                posts = attribute in ("hx-post", "formaction") or (
                    attribute == "action" and 'method="post"' in tag
                )
                name = resolve(urlsplit(unescape(where)).path).view_name
                found.add(("POST" if posts else "GET", str(name)))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_no_page_offers_its_reader_what_the_role_may_not_open(store, role):
    """Every link and every button of every page leads to where this person is let in."""
    person = hire(f"p-{role}", role, role, store, brand_wide=role == "hq")
    client, objects, wrong = Client(), objects_of(store), set()
    today = NOON.date()
    adopt_preset(
        store=store, code="recent_month_abc", from_date=today - timedelta(days=9), actor=None, at=NOON
    )
    born = put_on_file(store, "寿星", birthday=Birthday("solar", None, 7, 3))
    book(store=store, customer_id=born.pk, on=today, arrives=time(18), party=2, actor=None, at=NOON)
    Patronage.objects.update(tier="A", last_visit_on=today)
    client.force_login(person)
    with time_machine.travel(NOON, tick=False):
        for name in access.rules():
            if name.startswith("api-") or role not in access.who_may(name, "GET"):
                continue
            page = client.get(address(name, objects), headers={"hx-request": "true"} if name in SLOTS else {})
            if page.status_code != 200 or "html" not in page["content-type"]:
                continue
            for method, target in offers(page.content.decode()):
                if not access.who_may(target, method) & {role, access.PUBLIC, access.SIGNED_IN}:
                    wrong.add(f"{name}: {method} {target}")
    assert wrong == set()


def test_another_stores_objects_are_not_found(store, other_store, rival):
    """A store head asks for every kind of object of the neighbour and of a rival: 404, whatever the method."""
    client = Client()
    client.force_login(hire("head-here", "本店", Role.HEAD, store))
    for place in (other_store, rival):
        objects = objects_of(place)
        for name in access.rules():
            if not kind_of(name) or not parts_of(name):
                continue
            for method in ("get", "post", "patch", "put"):
                if Role.HEAD not in access.who_may(name, method.upper()):
                    continue
                form = (
                    {} if name.startswith("api-") or method != "post" else {"content_type": MULTIPART_CONTENT}
                )
                data = (
                    ANSWERS if form else json.dumps({"reason": "好奇心"} if name == "api-visit-void" else {})
                )
                if not form and method != "get":
                    form = {"content_type": "application/json"}
                answer = getattr(client, method)(
                    address(name, objects), data if method != "get" else None, **form
                )
                fine = (404, 405) if name != "api-visit" or method != "put" else (400, 404, 405)
                assert answer.status_code in fine, f"{method} {name}: {answer.status_code}"


def test_somebody_without_a_store_sees_nothing(store):
    person = hire("gone", "离职", Role.HEAD, store)
    person.memberships.update(until=NOON.date() - timedelta(days=400))
    client = Client()
    client.force_login(person)
    assert client.get(reverse("today")).status_code == 403
    assert client.get("/api/v1/customers/").status_code == 403
