"""A guest who is about to fall becomes a call, and one who may rise has the gestures of the tier above already."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from care.models import Task
from care.playbook import Line
from care.services.plans import add_line, set_works
from customers.models import Patronage, Visit
from customers.services.upkeep import recount
from tests.care.stage import adopt, grade, night
from tests.cast import NOON
from tiering.services.decisions import decide_night
from tiering.services.judgements import judge, withdraw_judgement

pytestmark = pytest.mark.django_db
PAID = date(2026, 6, 1)


def dine(store, guest, on, yuan):
    Visit.objects.create(
        id=uuid.uuid4(), store=store, customer=guest, external_id=uuid.uuid4().hex, business_date=on,
        visited_at=datetime(on.year, on.month, on.day, 11, tzinfo=UTC), amount_fen=yuan * 100, entry="api",
        recorded_at=NOON - timedelta(days=90), counted_at=NOON - timedelta(days=90),
    )  # fmt: skip
    recount(store.pk)


@pytest.fixture
def a_guest(store, regular):
    """¥5,000 on 1 June and a small bill on the 2nd: an A until 30 June, a C from 1 July."""
    adopt(store, "recent_month_abc")
    dine(store, regular, PAID, 5000)
    dine(store, regular, PAID + timedelta(days=1), 100)
    decide_night(store, date(2026, 6, 20), at=NOON)
    assert Patronage.objects.get(customer=regular, store=store).tier == "A"
    return regular


def falls():
    return list(
        Task.objects.filter(line__trigger="falling").values_list(
            "code", "occasion", "state", "reason", "due_on", "close_on"
        )
    )


def test_seven_days_before_the_fall_it_is_a_call(store, a_guest):
    night(store, "2026-06-23")
    assert falls() == []
    night(store, "2026-06-24")
    assert falls() == [
        ("a_falling", "fall:2026-07-01", "open", "", date(2026, 6, 25), date(2026, 7, 1)),
    ]
    [task] = Task.objects.filter(line__trigger="falling")
    assert task.zh == "7月1日起将降级：打电话请客人再来，来一次就可能保住级别" and task.role == "head"
    night(store, "2026-06-25")
    assert len(falls()) == 1
    # The night that was told of is the night that lowers her.
    for day in range(24, 31):
        assert decide_night(store, date(2026, 6, day), at=NOON).fell == 0
    assert decide_night(store, date(2026, 7, 1), at=NOON).fell == 1


def test_who_comes_is_no_more_called(store, a_guest):
    night(store, "2026-06-24")
    dine(store, a_guest, date(2026, 6, 26), 6000)
    decide_night(store, date(2026, 6, 26), at=NOON)
    night(store, "2026-06-26")
    assert [row[1:4] for row in falls()] == [("fall:2026-07-01", "closed", "came")]


def test_row_33_likely_b_has_the_plan_of_b_though_she_stays_c(store, regular, manager):
    adopt(store, "recent_month_abc")
    grade(regular, store, "C", last_visit_on=date(2026, 6, 19))
    night(store, "2026-06-19")
    assert not Task.objects.filter(code__startswith="b_").exists()
    said = judge(
        store=store, customer_id=regular.pk, code="likely-B", reason="常带朋友来", actor=manager, on=date(2026, 6, 20),
        at=NOON,
    )  # fmt: skip
    night(store, "2026-06-20")
    codes = set(Task.objects.filter(code__startswith="b_").values_list("code", flat=True))
    assert {"b_phone", "b_visit"} <= codes
    assert Patronage.objects.get(customer=regular, store=store).tier == "C"
    assert not Task.objects.filter(code__startswith="b_", state="closed").exists()
    withdraw_judgement(store=store, judgement_id=said.pk, actor=manager, at=NOON + timedelta(days=1))
    night(store, "2026-06-21")
    assert set(Task.objects.filter(code="b_phone").values_list("state", "reason")) == {
        ("closed", "tier_changed")
    }


def test_case_114_a_fall_is_foreseen_for_the_plan_of_the_ladder_only(store, a_guest):
    """A card of the same letter whose plan has such a line, too: one call, the ladder's."""
    adopt(store, "member_card_levels")
    warn = Line("card_warn", "A", "falling", "wechat", "提醒", "Warn", "manager", lead_days=7, personal=False)
    told = {"store": store, "scheme_code": "member_card_levels", "actor": None, "at": NOON}
    add_line(line=warn, **told)
    set_works(works=True, **told)
    Patronage.objects.filter(customer=a_guest).update(labels={"card": "A"})
    night(store, "2026-06-24")
    assert [code for code, *_more in falls()] == ["a_falling"]
