"""The night: due by Postgres, safe twice, catching up, one owner at a time, the same rows after a kill."""

import uuid
from datetime import date, datetime, timedelta

import pytest
import time_machine

from care.models import Message, Task
from common.errors import Refused
from crm import nightly
from customers.models import Patronage, Visit
from customers.services.upkeep import recount
from ops.models import Run, Step
from reports.models import StoreDay
from tests.cast import NOON
from tiering.models import Night, TierDecision
from tiering.services.schemes import adopt_preset

D = date(2026, 6, 19)


@pytest.fixture
def graded(store, regular, lapsed, silent):
    adopt_preset(store=store, code="recent_month_abc", from_date=date(2020, 1, 1), actor=None, at=NOON)
    for n in range(3):
        on = D - timedelta(days=7 * n)
        Visit.objects.create(
            id=uuid.uuid4(), store=store, customer=regular, external_id=f"B{n}", business_date=on,
            visited_at=NOON - timedelta(days=1 + 7 * n), amount_fen=280_000, entry="import", recorded_at=NOON,
            counted_at=NOON,
        )  # fmt: skip
    recount(store.pk)
    return store


def content() -> dict[str, list]:
    """Everything a night writes, without ids and clocks."""
    tables = {
        "decisions": TierDecision.objects.values_list(
            "customer__name", "business_date", "tier", "previous", "facts", "reasons"
        ),
        "labels": Patronage.objects.values_list("customer__name", "tier", "tier_since"),
        "tasks": Task.objects.values_list("customer__name", "code", "occasion", "due_on", "state", "role"),
        "messages": Message.objects.values_list("customer__name", "category", "occasion", "state", "reason"),
        "figures": StoreDay.objects.values_list("business_date", "visits", "revenue_fen", "rose", "fell"),
    }
    return {name: sorted(map(repr, rows)) for name, rows in tables.items()}


def run(store, on=D, at=NOON, **more):
    with time_machine.travel(at, tick=False):
        return nightly.run(store.pk, on, at=at, by_hand=True, **more)


def test_a_night_walks_its_steps_in_order_and_leaves_a_record(graded):
    steps = run(graded)
    assert [s["step"] for s in steps] == [
        "check_sums", "retier", "open_care", "queue_occasions", "settle_outcomes", "figures",
    ]  # fmt: skip
    assert steps[1]["entered"] == 3 and steps[1]["scheme"] == "recent_month_abc"
    record = Run.objects.get()
    assert (record.state, record.business_date) == (Run.State.DONE, D)
    assert list(record.steps.values_list("name", flat=True)) == [s["step"] for s in steps]
    assert StoreDay.objects.get().tiers == {"A": 1, "C": 2}


def test_the_second_time_changes_nothing(graded):
    run(graded)
    before = content()
    again = run(graded, at=NOON + timedelta(hours=1))
    assert content() == before
    assert again[1]["changed"] == 0
    assert Step.objects.count() == 12  # both executions are on record


def test_due_asks_postgres_and_catches_up_oldest_first(graded):
    hour = datetime.fromisoformat("2026-06-20T04:30:00+08:00")
    assert nightly.due(hour - timedelta(seconds=1)) == [(graded.pk, date(2026, 6, 18))]
    assert nightly.due(hour) == [(graded.pk, D)]
    nightly.run(graded.pk, D, at=hour, by_hand=False)
    assert nightly.due(hour + timedelta(hours=1)) == []
    three_days_later = hour + timedelta(days=3)
    done = []
    while waiting := nightly.due(three_days_later):
        [(store_id, on)] = waiting
        done.append(on)
        nightly.run(store_id, on, at=three_days_later, by_hand=False)
    assert done == [date(2026, 6, 20), date(2026, 6, 21), date(2026, 6, 22)]


def test_a_store_without_a_scheme_has_no_night(store, regular):
    assert nightly.due(NOON) == []


def test_the_timetable_leaves_a_finished_night_alone(graded):
    run(graded)
    assert nightly.run(graded.pk, D, at=NOON, by_hand=False) == []


def test_a_night_of_the_future_is_refused(graded):
    with pytest.raises(Refused):
        run(graded, on=date(2026, 6, 21))
    assert not Run.objects.exists()


def test_a_run_that_is_held_by_a_living_worker_is_refused_by_hand(graded):
    with time_machine.travel(NOON, tick=False):
        Run.objects.create(
            store_id=graded.pk, business_date=D, state="running", token=1, created_at=NOON, heartbeat_at=NOON
        )
        with pytest.raises(Refused) as refused:
            nightly.run(graded.pk, D, at=NOON, by_hand=True)
        assert refused.value.code == "night_running"
    with time_machine.travel(NOON + timedelta(minutes=3), tick=False):
        nightly.run(graded.pk, D, at=NOON, by_hand=True)
    assert Run.objects.get().token == 2


def test_a_worker_that_lost_its_run_writes_nothing(graded, monkeypatch):
    """Taken over in the middle of a step: the fence rolls the step back."""
    steal = lambda night: Run.objects.filter(pk=night.run.pk).update(token=99)  # noqa: E731
    real = nightly._retier

    def robbed(night):
        steal(night)
        return real(night)

    monkeypatch.setattr(nightly, "STEPS", [("retier", robbed)])
    assert run(graded) == []
    assert TierDecision.objects.count() == 0
    assert set(Patronage.objects.values_list("tier", flat=True)) == {""}


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_step_ends_in_the_rows_of_a_clean_run(graded, monkeypatch, position, moment):
    """Broken off before or after each step's writing, then taken up again."""
    name, step = nightly.STEPS[position]

    def broken(night):
        if moment == "after":
            step(night)
        raise KeyboardInterrupt

    steps = list(nightly.STEPS)
    steps[position] = (name, broken)
    monkeypatch.setattr(nightly, "STEPS", steps)
    with pytest.raises(KeyboardInterrupt):
        run(graded)
    monkeypatch.undo()
    run(graded, at=NOON + timedelta(minutes=5))
    interrupted = content()
    for table in (TierDecision, Night, Task, Message, StoreDay, Run):
        table.objects.all().delete()
    Patronage.objects.update(tier="", tier_since=None)
    run(graded)
    assert interrupted == content()


def test_three_stores_nights_of_a_past_year_send_nothing(graded):
    """A night long past moves labels; its texts are born expired and no call is asked for."""
    run(graded, on=date(2025, 12, 31))
    run(graded, on=date(2026, 1, 1))
    assert Task.objects.count() == 0
    assert set(Message.objects.values_list("state", flat=True)) <= {"expired", "skipped"}
    assert Message.objects.filter(state="expired").exists()
