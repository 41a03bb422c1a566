"""Every page asks the database a fixed number of questions, however many rows it shows: tests/query_counts.json.

A page that needs another number has its line changed in that file, in the open.
"""

import json
import uuid
from datetime import time, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from care.models import (
    AccountNote,
    Agreement,
    CallAnswer,
    Campaign,
    Event,
    GuestReply,
    Invitation,
    Message,
    Piece,
    Task,
    TaskEvent,
    Topic,
)
from common.birthdays import Birthday
from crm import nightly
from customers.models import Booking, Patronage, Visit
from customers.services.arrivals import arrive, choose_tables, join_waiting, save_menu
from customers.services.bookings import add_table, book
from customers.services.companions import seat_guest
from customers.services.customers import add_tag, set_introducer
from customers.services.dishes import launch_dish
from customers.services.events import record_participation
from customers.services.visits import VisitInput, record_visit
from feedback.services import close_complaint, open_complaint, record_suggestion
from loyalty.models import Voucher, VoucherKind
from loyalty.services.gifts import give, save_item
from loyalty.services.issuing import issue
from loyalty.services.keeping import keep, record_treatment, set_early_access
from loyalty.services.redeeming import Bill, redeem
from staff.access import issue_token
from tests.cast import NOON, put_on_file
from tiering.models import Segment
from tiering.services.schemes import adopt_preset

KEPT = Path(__file__).resolve().parents[1] / "query_counts.json"
TODAY = NOON.date()
PAGES = [
    "today", "customers", "customer", "customer-new", "customer-edit", "customer-standing", "customer-care", "dishes", "visits-held",
    "schemes", "scheme", "scheme-new", "scheme-edit", "scheme-compare", "scheme-chain", "scheme-cost", "tier-chart", "plan", "plan-line", "plan-line-new", "plan-ready", "plan-history", "care-rules", "people-leaving", "list-birthdays", "list-absent", "list-briefing", "list-contacts", "list-tables", "list-served", "festivals", "trade-news", "care-quotas", "tasks", "outbox", "care-results", "campaigns", "campaign", "campaign-new", "campaign-edit", "replies", "text-rules", "nights", "imports", "settings", "tablet", "tablet-guest",
    "bookings", "booking", "booking-new", "booking-slip", "booking-change", "dining-tables", "arrivals", "tablet-tables",
    "tablet-new", "feedback", "customer-feedback", "tablet-feedback",
    "vouchers", "voucher-kind-new", "voucher-kind", "voucher-issue", "voucher-redeem", "gifts", "loyalty-rules", "kept", "customer-loyalty", "tablet-redeem", "tablet-gift",
    "events", "event", "event-new", "event-edit", "event-sheet", "event-dinner",
    "tier-groups", "tier-group", "tier-group-guests", "leads", "candidates", "segments", "segment", "segment-new", "segment-edit",
    "accounts", "account", "account-new", "account-edit", "list-win-back", "list-returns", "list-labels", "feedback-guests", "relation-steps",
    "care-library", "customer-relation",
]  # fmt: skip


def address(name: str, guest) -> str:
    if name in ("scheme", "scheme-edit", "scheme-chain", "scheme-cost"):
        return reverse(name, args=["monthly_avg_abc"])
    if name.startswith("tier-group"):
        return reverse(
            name, args={"tier-group": ["vip_weight"], "tier-group-guests": ["tier", "A"]}.get(name, [])
        )
    if name in ("segment", "segment-edit"):
        return reverse(name, args=[Segment.objects.earliest("pk").pk])
    if name in ("campaign", "campaign-edit"):
        return reverse(name, args=[Campaign.objects.earliest("pk").pk])
    if name == "voucher-kind":
        return reverse(name, args=[VoucherKind.objects.earliest("pk").pk])
    if name == "booking-change":
        return reverse(name, args=[Booking.objects.filter(state="confirmed").earliest("pk").pk])
    if name in ("booking", "booking-slip"):
        return reverse(name, args=[Booking.objects.earliest("pk").pk])
    if name in ("account", "account-edit"):
        return reverse(name, args=[Agreement.objects.earliest("pk").pk])
    if name in ("event", "event-edit", "event-sheet"):
        return reverse(name, args=[Event.objects.earliest("pk").pk])
    if name == "event-dinner":
        return reverse(name, args=[Task.objects.filter(code="a_dinner").earliest("pk").pk])
    if name == "plan-line":
        return reverse(name, args=["a_no_show"])
    about_guest = name in (
        "customer",
        "customer-edit",
        "customer-standing",
        "customer-care",
        "customer-feedback",
        "tablet-guest",
        "tablet-feedback",
        "customer-loyalty",
        "tablet-gift",
        "customer-relation",
    )
    return reverse(name, args=[guest.pk]) if about_guest else reverse(name)


def add_guests(store, people, first: int, last: int):
    """Guests with everything a row can have."""
    for n in range(first, last):
        guest = put_on_file(
            store, f"客{n}", phone=f"1380000{n:04}", birthday=Birthday("solar", None, 6, 20 + n % 5), owner=people[n % 2],
            consent_sms=True, allergies="虾",
        )  # fmt: skip
        add_tag(customer=guest, word=f"标签{n}", actor=None, at=NOON)
        for days in (1, 8, 15, 60 + n):
            when = NOON - timedelta(days=days)
            record_visit(
                store=store, visit_id=uuid.uuid4(), entry="api", actor=people[0], at=NOON if days == 15 else when,
                visit=VisitInput(visited_at=when, amount_fen=300_000, customer_id=guest.pk),
            )  # fmt: skip
        # One in every group of the board, whatever the plan opens beside it.
        for days, assignee in ((-1, people[0]), (0, people[0]), (1, people[0]), (0, None)):
            Task.objects.create(
                store=store, customer=guest, code=f"c{n}.{days}.{assignee}", occasion="x", channel="gift", zh="礼", en="gift",
                role="head", assignee=assignee, due_on=TODAY + timedelta(days=days), close_on=TODAY + timedelta(days=9),
                opened_on=TODAY, opened_at=NOON,
            )  # fmt: skip
        Message.objects.create(
            brand=store.brand, store=store, customer=guest, category="festival", occasion=f"festival:x:{n}", number="13800000000",
            last_four="0000", template="festival", planned_on=TODAY, not_before=NOON, next_at=NOON, expires_at=NOON, created_at=NOON,
        )  # fmt: skip
        for stopped in (False, True):
            reply = GuestReply(
                store=store, customer=guest, number="13800000000", number_index=b"x", words="谢谢"
            )
            reply.stopped, reply.at, reply.read_by = stopped, NOON, people[n % 2]
            reply.read_at = NOON if n % 3 else None
            reply.save()
        for days in (0, 2):
            told = {
                "store": store,
                "customer_id": guest.pk,
                "actor": people[0],
                "on": TODAY - timedelta(days=days),
                "at": NOON,
            }
            open_complaint(**told, text="等了四十分钟")
            record_suggestion(**told, text="换大一点的杯子")
        expect(store, guest, n, people)
        _long_relation(store, guest, n, people[0])
        issue_token(store=store, name=f"POS {n}", actor=people[0], at=NOON)
        owe(store, people[n % 2], guest, n)
        launch_dish(store=store, name=f"菜{n}", launched_on=TODAY, actor=people[0], at=NOON)
    return guest


def owe(store, person, guest, n: int):
    """A kind of voucher with one used and one not, a gift given and one that waits, something kept."""
    kind = VoucherKind.objects.create(
        store=store, name=f"券{n}", gives="amount", worth=100, transferable=True, made_at=NOON
    )
    issue(store=store, kind=kind, guests=[(guest.pk, "x"), (guest.pk, "y")], on=TODAY, at=NOON)
    code = Voucher.objects.filter(kind=kind).earliest("pk").code
    redeem(store=store, code=code, bill=Bill(10_000), actor=person, at=NOON, source="desk")
    item = save_item(store=store, name=f"礼{n}", cost_fen=3_000, left=9, at=NOON)
    for _twice in range(2):
        give(
            store=store, gift_id=uuid.uuid4(), customer_id=guest.pk, item_id=item.pk, what="", cost_fen=0, reason="等位久了",
            actor=person, role="waiter", at=NOON,
        )  # fmt: skip
    keep(store=store, customer_id=guest.pk, what="红酒", left=n % 3, alert_at=1, actor=person, at=NOON)
    set_early_access(store=store, customer_id=guest.pk, early=True, actor=person, at=NOON)
    launch_dish(
        store=store, name=f"将上的菜{n}", launched_on=TODAY + timedelta(days=3), actor=person, at=NOON
    )
    use = {"code": f"c{n}", "slot": f"c{n}", "zh": "茶", "en": "tea", "percent_off": 0, "bill_fen": None}
    record_treatment(store=store, customer_id=guest.pk, actor=person, at=NOON, **use)


def expect(store, guest, n: int, people):
    """The guest is expected tonight, waits at the door and sits at a table of the head's."""
    table = add_table(store=store, number=f"{n}", seats=9)
    said = {"store": store, "actor": people[0], "at": NOON}
    book(
        customer_id=guest.pk,
        on=TODAY,
        arrives=time(18),
        party=4,
        table_id=table.pk,
        dishes=[("毛肚", 1)],
        **said,
    )
    join_waiting(customer_id=guest.pk, party=2, **said)
    join_waiting(called=f"客{n}", party=2, **said)
    arrive(customer_id=guest.pk, table=f"{n}", **said)
    book(customer_id=guest.pk, on=TODAY, arrives=time(20), party=4, table_id=table.pk, **said)
    save_menu(customer_id=guest.pk, dishes=[("毛肚", 1)], **said)
    choose_tables(store=store, person=people[0], tables=[f"{k}" for k in range(99)], actor=None, at=NOON)


def _long_relation(store, guest, n: int, person):
    """An agreement with the organisation of this guest, and of everybody; a call, a topic, a lapse, a letter."""
    Agreement.objects.create(
        store=store, employer=f"单位{n}" if n else "单位", level=1, contact=guest, valid_from=TODAY, valid_to=TODAY,
        discount=8, call_days=90, made_at=NOON,
    )  # fmt: skip
    type(guest).objects.filter(pk=guest.pk).update(
        employer="单位", preferred_channel="card", address="滨江路 8 号"
    )
    AccountNote.objects.create(
        agreement=Agreement.objects.earliest("pk"), kind="event", on=TODAY, words="讲座", at=NOON
    )
    Topic.objects.create(store=store, customer=guest, words="旅行", depth=1, noted_at=NOON, noted_by=person)
    Piece.objects.create(
        store=store, kind="script", title=f"话术{n}", words="满意吗", made_at=NOON, made_by=person
    )
    for code, state in (("win_back", "done"), ("return_plan", "open"), ("account_call", "done")):
        task = Task.objects.create(
            store=store, customer=guest, code=code, occasion="x", channel="phone", zh="电", en="call", role="head", assignee=person,
            due_on=TODAY, close_on=TODAY, opened_on=TODAY, opened_at=NOON, state=state,
        )  # fmt: skip
        event = TaskEvent.objects.create(task=task, outcome="done", at=NOON, by=person)
        suggestion = record_suggestion(
            store=store, customer_id=guest.pk, text=f"{code}", actor=person, at=NOON
        )
        cause = "taste" if code == "win_back" else ""
        CallAnswer.objects.create(event=event, score=4, cause=cause, measure="dish", suggestion=suggestion)
    told = {"store": store, "actor": person, "at": NOON}
    settled = open_complaint(**told, customer_id=guest.pk, text="太咸")
    close_complaint(**told, complaint_id=settled.pk, resolution="换了")
    lapsed = put_on_file(store, f"久{n}", owner=person, employer="单位")
    when = NOON - timedelta(days=100)
    record_visit(
        store=store, visit_id=uuid.uuid4(), entry="import", actor=person, at=NOON,
        visit=VisitInput(visited_at=when, amount_fen=300_000, customer_id=lapsed.pk),
    )  # fmt: skip


def seat_everybody(store, guest):
    """The guest at everybody's table, and everybody at the guest's; to an event as often."""
    others = list(type(guest).objects.exclude(pk=guest.pk))
    for visit in Visit.objects.filter(store=store, voided_at=None):
        for each in others if visit.customer_id == guest.pk else [guest]:
            seat_guest(store=store, visit_id=visit.pk, customer_id=each.pk, role="guest", actor=None, at=NOON)
    for n in range(len(others)):
        record_participation(
            store=store, customer_id=guest.pk, event=f"品鉴会{n}", attended_on=TODAY, actor=None, at=NOON
        )


def invite_everybody(store):
    """Every guest to every event: half of them came, some wait."""
    guests = Patronage.objects.filter(store=store).values_list("customer_id", flat=True)
    Invitation.objects.bulk_create(
        [
            Invitation(
                event=event, customer_id=pk, place=n, invited_at=NOON, answered_at=NOON, opinion=n % 5 + 1,
                answer=("accepted", "waiting", "declined")[n % 3], attended=bool(n % 2),
            )
            for event in Event.objects.all()
            for n, pk in enumerate(guests)
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def counted(client: Client, guest) -> dict[str, int]:
    counts = {}
    for name in PAGES:
        client.get(address(name, guest))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = client.get(address(name, guest))
        assert answer.status_code == 200, name
        counts[name] = len(asked)
    return counts


@pytest.fixture
def two_sizes(store, head, manager) -> tuple[dict[str, int], dict[str, int]]:
    """The counts with three guests and with fifteen."""
    people = [head, manager]
    client = Client()
    client.force_login(head)
    with time_machine.travel(NOON, tick=False):
        adopt_preset(
            store=store, code="recent_month_abc", from_date=TODAY - timedelta(days=99), actor=head, at=NOON
        )
        for code in ("vip_weight_classes", "vip_medals"):
            adopt_preset(store=store, code=code, from_date=TODAY - timedelta(days=99), actor=head, at=NOON)
        for n in range(3):
            rule = {"fact": "visits_90d", "op": ">=", "value": n}
            Segment.objects.create(store=store, name=f"客群{n}", rule=rule, made_at=NOON, made_by=head)
            said = {
                "kind": "event",
                "tiers": ["A", "B", "C"],
                "what": "品鉴会",
                "detail": "周六晚上",
                "send_on": TODAY,
                "made_by": head,
            }
            Campaign.objects.create(store=store, name=f"活动{n}", made_at=NOON, **said)
            Event.objects.create(
                store=store,
                kind="party",
                name=f"答谢会{n}",
                held_on=TODAY - timedelta(days=n),
                state="open",
                made_at=NOON,
            )
        guest = add_guests(store, people, 0, 3)
        nightly.run(store.pk, TODAY - timedelta(days=2), at=NOON, by_hand=True)
        seat_everybody(store, guest)
        invite_everybody(store)
        small = counted(client, guest)
        add_guests(store, people, 3, 15)
        for n in range(3):
            set_introducer(
                store=store, customer=_other(guest, n), introducer_id=guest.pk, actor=head, at=NOON
            )
        nightly.run(store.pk, TODAY - timedelta(days=1), at=NOON, by_hand=True)
        seat_everybody(store, guest)
        invite_everybody(store)
        return small, counted(client, guest)


def _other(guest, n: int):
    return type(guest).objects.exclude(pk=guest.pk).order_by("-pk")[n]


def test_a_page_asks_no_more_for_more_rows(two_sizes):
    small, large = two_sizes
    # The forecast asks day by day until the first fall: at most 34 times, whoever the guest is.
    # Three guests are too few for an organisation to be worth a look.
    for name in ("customer-standing", "leads"):
        small.pop(name), large.pop(name)
    assert {name: (n, large[name]) for name, n in small.items() if large[name] > n} == {}


def test_a_page_asks_as_often_as_is_written_down(two_sizes):
    _small, large = two_sizes
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert large == kept, json.dumps(large, indent=2)


def test_every_page_has_a_line():
    assert sorted(json.loads(KEPT.read_text(encoding="utf-8"))) == sorted(PAGES)
