"""What followed a gesture: who came back, what was spent, against those who had none."""

import random
import uuid
from datetime import date, datetime, timedelta
from math import sqrt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.models import Baseline, Outcome, OutcomeDays, Task
from care.outcomes import Earned, Sample, days_for, difference, mean_difference, wilson
from care.playbook import Line
from care.selectors.outcomes import results_of
from care.services.outcomes import settle_outcomes
from care.services.plans import DEFAULT, add_line
from customers.services.visits import VisitInput, record_visit, void_visit
from staff.models import Store
from tests.care.stage import adopt, china, content, due_text, grade, guests, morning
from tests.cast import NOON

CALLED = china("2026-06-01 15:00")


def called(customer, store: Store, at: datetime = CALLED, code: str = "A-call", **more) -> Task:
    """A call that was made."""
    day = at.date()
    said = {
        "store": store, "customer": customer, "code": code, "occasion": uuid.uuid4().hex, "channel": "phone", "zh": "电话",
        "en": "Call", "role": "manager", "due_on": day, "close_on": day, "opened_on": day, "opened_at": at,
        "state": "done", "settled_at": at,
    }  # fmt: skip
    return Task.objects.create(**(said | more))


def visits(customer, store: Store, at: str, yuan: int = 100) -> uuid.UUID:
    when = china(at)
    return record_visit(
        store=store, visit_id=uuid.uuid4(), visit=VisitInput(when, yuan * 100, customer_id=customer.pk), entry="api",
        actor=None, at=when,
    ).visit_id  # fmt: skip


def settled(store: Store, on: str, today: str = "") -> dict[str, int]:
    day = date.fromisoformat(on)
    now = date.fromisoformat(today) if today else day + timedelta(days=1)
    return settle_outcomes(store=store, on=day, at=morning(now), today=now)


# ---- the arithmetic ----------------------------------------------------------------------------------------


def test_the_days_of_a_trigger():
    assert days_for("birthday", {}) == 7
    assert days_for("absence", {}) == 14
    assert days_for("absence", {"absence": 21}) == 21


@pytest.mark.parametrize(
    ("hits", "of", "base_hits", "base_of", "low", "high"),
    [
        # Newcombe 1998, table II, method 10.
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
    ],
)
def test_the_interval_of_a_difference_as_published(hits, of, base_hits, base_of, low, high):
    found = difference(hits, of, base_hits, base_of)
    assert found.value == pytest.approx(hits / of - base_hits / base_of)
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@pytest.mark.parametrize(("hits", "of"), [(0, 5), (1, 9), (12, 40), (40, 40), (333, 1000)])
def test_wilsons_bounds_are_where_the_test_of_a_share_turns(hits, of):
    """A bound p is where |share − p| is z standard errors of p: found by halving, not by the formula."""

    def edge(inside: float, outside: float) -> float:
        for _ in range(80):
            middle = (inside + outside) / 2
            far = abs(hits / of - middle) > 1.959963984540054 * sqrt(middle * (1 - middle) / of)
            inside, outside = (inside, middle) if far else (middle, outside)
        return inside

    low, high = wilson(hits, of)
    assert low == pytest.approx(edge(hits / of, 0.0), abs=1e-9)
    assert high == pytest.approx(edge(hits / of, 1.0), abs=1e-9)


def test_nobody_to_compare_with_is_no_difference():
    assert difference(3, 4, 0, 0) is None
    assert mean_difference(Sample(5, 5, 5), Sample(1, 1, 1)) is None
    assert Earned(10, 4, 0).gain is None and Earned(0, 0, 0).rate == 0


def test_nineteen_of_twenty_intervals_hold_the_truth():
    """1,000 stories with shares of 30 % and 20 %: the 95 % interval misses about 50 of them."""
    dice = random.Random(5)
    held = 0
    for _ in range(1000):
        hits = sum(dice.random() < 0.30 for _ in range(150))
        base = sum(dice.random() < 0.20 for _ in range(300))
        found = difference(hits, 150, base, 300)
        held += found.low <= 0.10 <= found.high
    assert 930 <= held <= 970


# ---- settling ----------------------------------------------------------------------------------------------


def test_a_gesture_is_settled_when_its_days_are_over_and_not_before(store):
    came, stayed = guests(store, 2, "A")
    tasks = [called(came, store), called(stayed, store)]
    visit = visits(came, store, "2026-06-15 19:00", 480)
    visits(came, store, "2026-06-15 21:00", 90)
    visits(stayed, store, "2026-06-16 19:00")
    assert settled(store, "2026-06-14") == {"settled": 0, "returned": 0, "corrected": 0}
    assert settled(store, "2026-06-15") == {"settled": 2, "returned": 1, "corrected": 0}
    first, second = (Outcome.objects.get(task=task) for task in tasks)
    assert (first.came_on, first.visit_id, first.spend_fen) == (date(2026, 6, 15), visit, 48_000)
    assert (first.made_on, first.days, first.settled_on, first.code) == (
        date(2026, 6, 1), 14, date(2026, 6, 15), "A-call",
    )  # fmt: skip
    assert (second.came_on, second.visit_id, second.spend_fen) == (None, None, None)


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        ("2026-06-01 14:59", False),  # at lunch, before the call
        ("2026-06-01 19:00", True),  # the same evening
        ("2026-06-16 02:00", True),  # the fourteenth day ends at four
        ("2026-06-16 05:00", False),
    ],
)
def test_which_visit_counts(store, at, counts):
    [guest] = guests(store, 1, "A")
    called(guest, store)
    visits(guest, store, at)
    assert settled(store, "2026-06-16")["returned"] == counts


def test_a_birthday_has_seven_days_unless_the_store_says_otherwise(store):
    one, two = guests(store, 2, "A")
    due_text(
        one,
        store,
        state="delivered",
        claimed_at=china("2026-06-01 09:00"),
        created_at=china("2026-06-01 09:00"),
    )
    assert settled(store, "2026-06-07")["settled"] == 0
    assert settled(store, "2026-06-08")["settled"] == 1
    OutcomeDays.objects.create(store=store, trigger="birthday", days=3)
    due_text(
        two,
        store,
        state="accepted",
        claimed_at=china("2026-06-06 09:00"),
        created_at=china("2026-06-06 09:00"),
    )
    assert settled(store, "2026-06-09")["settled"] == 1
    assert sorted(Outcome.objects.values_list("code", "days")) == [("sms_birthday", 3), ("sms_birthday", 7)]


@pytest.mark.parametrize("state", ["pending", "skipped", "expired", "failed", "unknown", "undelivered"])
def test_a_text_that_did_not_arrive_earns_nothing(store, state):
    [guest] = guests(store, 1, "A")
    due_text(
        guest, store, state=state, claimed_at=china("2026-06-01 09:00"), created_at=china("2026-06-01 09:00")
    )
    assert settled(store, "2026-06-20")["settled"] == 0


@pytest.mark.parametrize("state", ["open", "declined", "closed", "expired"])
def test_a_task_that_was_not_done_earns_nothing(store, state):
    [guest] = guests(store, 1, "A")
    called(guest, store, state=state)
    assert settled(store, "2026-06-20")["settled"] == 0


def test_twice_is_once(store):
    adopt(store, "recent_month_abc")
    for guest in guests(store, 5, "A"):
        visits(guest, store, "2026-06-05 19:00")
    called(guest, store)
    settled(store, "2026-06-15")
    before = content(Outcome, Baseline)
    assert settled(store, "2026-06-15") == {"settled": 0, "returned": 0, "corrected": 0}
    assert content(Outcome, Baseline) == before and before["Baseline"]


def test_a_missed_night_is_caught_up_and_gives_the_same_rows(store, other_store):
    for place in (store, other_store):
        for n, guest in enumerate(guests(place, 3, "A", first=10 * place.pk)):
            called(guest, place, CALLED + timedelta(days=n))
            visits(guest, place, "2026-06-09 19:00")
    for day in range(15, 26):
        settled(store, f"2026-06-{day}")
    settled(other_store, "2026-06-25")
    told = [
        list(Outcome.objects.filter(store=place).order_by("made_at").values_list(
            "made_on", "settled_on", "came_on", "spend_fen", "tier"
        )) for place in (store, other_store)
    ]  # fmt: skip
    assert told[0] == told[1] and len(told[0]) == 3
    compared = [
        list(
            Baseline.objects.filter(store=place).order_by("made_on").values_list("made_on", "guests", "came")
        )
        for place in (store, other_store)
    ]
    assert compared[0] == compared[1] and len(compared[0]) == 3


def test_a_voided_visit_changes_the_answer_for_thirty_days(store, manager):
    early, late = guests(store, 2, "A")
    called(early, store)
    called(late, store, CALLED + timedelta(days=5))
    gone = [visits(early, store, "2026-06-08 19:00"), visits(late, store, "2026-06-08 19:00")]
    settled(store, "2026-06-20")
    assert Outcome.objects.filter(came_on=None).count() == 0
    for visit in gone:
        void_visit(store=store, visit_id=visit, reason="录错", actor=manager, at=china("2026-07-16 12:00"))
    visits(late, store, "2026-06-10 19:00", 77)
    # Settled on 15 and on 20 June: on 16 July the first is 31 days old, the second 26.
    assert settled(store, "2026-07-15")["corrected"] == 1
    assert Outcome.objects.get(customer=early).came_on == date(2026, 6, 8)
    second = Outcome.objects.get(customer=late)
    assert (second.came_on, second.spend_fen) == (date(2026, 6, 10), 7700)


# ---- whom it is compared with ------------------------------------------------------------------------------


def test_the_others_of_the_tier_in_the_same_days(store):
    """Ten A guests: two were called, of the other eight two came in the days. A B guest does not matter."""
    people = guests(store, 10, "A")
    [other] = guests(store, 1, "B", first=50)
    for guest in people[:2]:
        called(guest, store)
    visits(people[0], store, "2026-06-03 19:00")
    visits(people[2], store, "2026-06-03 19:00")
    visits(people[3], store, "2026-06-01 20:00")  # after the hour of the calls
    visits(people[4], store, "2026-06-01 12:00")  # before it
    visits(people[5], store, "2026-06-20 19:00")
    visits(other, store, "2026-06-03 19:00")
    settled(store, "2026-06-15")
    row = Baseline.objects.get()
    assert (row.code, row.tier, row.guests, row.came) == ("A-call", "A", 8, 2)


def test_whoever_had_the_same_gesture_near_that_day_is_not_one_of_the_others(store):
    people = guests(store, 6, "A")
    called(people[0], store)
    called(people[1], store, CALLED + timedelta(days=14))
    called(people[2], store, CALLED - timedelta(days=14))
    called(people[3], store, CALLED + timedelta(days=15))
    called(people[4], store, code="another")
    settled(store, "2026-06-15")
    assert Baseline.objects.get(made_on=date(2026, 6, 1), code="A-call").guests == 3


def test_the_tier_is_that_of_the_day(store):
    """Who rose to A afterwards was no A guest when the others were called."""
    first, second, risen = guests(store, 3, "A")
    grade(risen, store, "A", tier_since=date(2026, 6, 10))
    for each in (first, second):
        grade(each, store, "A", tier_since=date(2026, 5, 1))
    called(first, store)
    settled(store, "2026-06-15")
    assert Outcome.objects.get().tier == "A"
    assert Baseline.objects.get().guests == 1


def test_a_line_is_set_against_the_others_day_by_day(store):
    """Two days of the same line: 2 of 2 gestures with a base of 50 %, 2 of 8 with one of 20 %: base 26 %."""
    [guest] = guests(store, 1, "A")
    for day, made, came, others, others_came in ((1, 2, 2, 10, 5), (2, 8, 2, 20, 4)):
        Baseline.objects.create(
            store=store,
            code="A-call",
            tier="A",
            made_on=date(2026, 6, day),
            days=14,
            guests=others,
            came=others_came,
        )
        for n in range(made):
            Outcome.objects.create(
                store=store, customer=guest, task=called(guest, store), code="A-call", trigger="monthly", channel="phone",
                tier="A", made_at=CALLED, made_on=date(2026, 6, day), days=14, settled_on=date(2026, 6, 14 + day),
                came_on=date(2026, 6, 9) if n < came else None, spend_fen=10_000 if n < came else None,
            )  # fmt: skip
    [found] = results_of(store, date(2026, 6, 1), date(2026, 6, 30))
    earned = found.earned
    assert (earned.made, earned.came, earned.spend_fen, earned.rate) == (10, 4, 40_000, 0.4)
    assert earned.base == pytest.approx((2 * 0.5 + 8 * 0.2) / 10)
    assert earned.base_of == pytest.approx((2 * 10 + 8 * 20) / 10)
    assert earned.gain.value == pytest.approx(0.14) and earned.tables.value == pytest.approx(1.4)
    assert results_of(store, date(2026, 7, 1), date(2026, 7, 30)) == []


# ---- the page ----------------------------------------------------------------------------------------------


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    return client


@pytest.fixture
def story(store):
    for n, guest in enumerate(guests(store, 12, "A")):
        if n < 4:
            called(guest, store)
        if n % 2:
            visits(guest, store, "2026-06-04 19:00", 300)
    settled(store, "2026-06-15")


def test_the_page_says_what_a_line_earned(desk, store, story):
    with time_machine.travel(NOON, tick=False):
        page = desk.get(reverse("care-results"), {"first": "2026-06-01", "last": "2026-06-20"})
        before = desk.get(reverse("care-results"), {"first": "2026-05-01", "last": "2026-05-31"})
    [row] = page.context["rows"]
    assert (row.earned.made, row.earned.came) == (4, 2)
    assert "¥600" in page.content.decode() and "A-call" in page.content.decode()
    assert "这段时间还没有结算的关怀" in before.content.decode()


def test_two_lines_with_the_same_words_are_told_apart_by_the_tier_of_the_plan(desk, store, story):
    line = Line("A-call", "A", "monthly", "phone", "电话联系", "Call", "head")
    add_line(store=store, scheme_code=DEFAULT, line=line, actor=None, at=NOON)
    with time_machine.travel(NOON, tick=False):
        page = desk.get(reverse("care-results"), {"first": "2026-06-01", "last": "2026-06-20"})
    [row] = page.context["rows"]
    assert row.tier == "A" and "计划里写给 A" in page.content.decode()


@pytest.mark.parametrize(
    "ask", [{"first": "soon"}, {"first": "2026-07-01", "last": "2026-06-01"}, {"last": "0001-01-01"}]
)
def test_a_period_that_is_none_is_the_last_three_months(desk, store, ask):
    with time_machine.travel(NOON, tick=False):
        page = desk.get(reverse("care-results"), ask)
    assert (page.context["first"], page.context["last"]) == (date(2026, 3, 23), date(2026, 6, 20))


def test_the_head_sets_the_days_and_a_manager_reads(desk, store, manager):
    answer = desk.post(reverse("care-results-days"), {"birthday": "10", "absence": "21"})
    assert answer["location"] == reverse("care-results")
    assert dict(OutcomeDays.objects.values_list("trigger", "days")) == {"birthday": 10, "absence": 21}
    refused = desk.post(reverse("care-results-days"), {"birthday": "0"}, follow=True)
    assert "1 到 90" in refused.content.decode()
    reader = Client()
    reader.force_login(manager)
    assert reader.get(reverse("care-results")).status_code == 200
    assert reader.post(reverse("care-results-days"), {"birthday": "10"}).status_code == 403
    assert OutcomeDays.objects.get(trigger="birthday").days == 10
