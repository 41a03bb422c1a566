"""Logging a visit once: the same id, another body, an unknown guest, the late and the early."""

import threading
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from common.errors import NotHere, Refused
from customers.models import Patronage, Visit
from customers.services.upkeep import recount
from customers.services.visits import VisitInput, record_visit, release_visit, void_visit
from tests.cast import NOON, put_on_file

YESTERDAY = NOON - timedelta(days=1)


def told(**more) -> VisitInput:
    return VisitInput(
        **{"visited_at": YESTERDAY, "amount_fen": 128000, "customer_external_id": "C001"} | more
    )


def log(store, visit=None, visit_id=None, at=NOON):
    return record_visit(
        store=store, visit_id=visit_id or uuid.uuid4(), visit=visit or told(), entry="api", actor=None, at=at
    )


def sums(store, customer):
    p = Patronage.objects.get(store=store, customer=customer)
    return (
        p.visits_total,
        p.spend_total_fen,
        p.first_visit_on,
        p.last_visit_on,
        p.last_bill_fen,
        p.last_external_id,
    )


def test_a_visit_moves_the_sums_of_its_guest_only(store, regular, lapsed):
    done = log(store, told(external_id="B1"))
    assert (done.status, done.held, done.business_date, done.customer_id) == (
        "created", False, date(2026, 6, 19), regular.pk,
    )  # fmt: skip
    assert sums(store, regular) == (1, 128000, date(2026, 6, 19), date(2026, 6, 19), 128000, "B1")
    assert sums(store, lapsed) == (0, 0, None, None, None, "")


def test_the_same_body_again_is_the_same_visit(store, regular):
    visit_id = uuid.uuid4()
    first = log(store, visit_id=visit_id)
    again = log(store, visit_id=visit_id, at=NOON + timedelta(minutes=5))
    assert (again.status, again.external_id, again.business_date) == (
        "same",
        first.external_id,
        first.business_date,
    )
    assert Visit.objects.count() == 1 and sums(store, regular)[0] == 1


@pytest.mark.parametrize(
    "other",
    [{"amount_fen": 128001}, {"visited_at": YESTERDAY + timedelta(seconds=1)}, {"table": "8"}, {"note": "慢"},
     {"dishes": (("毛肚", 2.0),)}, {"party_size": 3}],
)  # fmt: skip
def test_another_body_under_the_same_id_is_refused_and_the_first_kept(store, regular, other):
    visit_id = uuid.uuid4()
    log(store, visit_id=visit_id)
    with pytest.raises(Refused) as refused:
        log(store, told(**other), visit_id)
    assert (refused.value.code, refused.value.status) == ("visit_differs", 409)
    assert Visit.objects.get().amount_fen == 128000 and sums(store, regular)[0] == 1


def test_another_stores_visit_is_not_here(store, other_store, regular, rival):
    visit_id = uuid.uuid4()
    log(store, visit_id=visit_id)
    put_on_file(other_store, "别人", external_id="C001")
    with pytest.raises(NotHere):
        log(other_store, visit_id=visit_id)
    with pytest.raises(NotHere):
        void_visit(store=rival, visit_id=visit_id, reason="错了", actor=None, at=NOON)
    assert Visit.objects.get().voided_at is None


def test_a_bill_number_is_one_bill(store, regular):
    log(store, told(external_id="B1"))
    with pytest.raises(Refused) as refused:
        log(store, told(external_id="B1", amount_fen=5))
    assert refused.value.code == "bill_taken"
    assert Visit.objects.count() == 1


@pytest.mark.parametrize("name", ["customer_external_id", "customer_phone"])
def test_an_unknown_guest_is_refused_by_the_field_that_named_him(store, regular, name):
    value = "13999999999" if name == "customer_phone" else "C999"
    with pytest.raises(Refused) as refused:
        log(store, VisitInput(YESTERDAY, 1, **{name: value}))
    assert (refused.value.code, refused.value.field) == ("customer_unknown", name)
    assert Visit.objects.count() == 0


def test_a_guest_known_in_another_store_of_the_brand_is_linked_by_the_number(store, other_store, rival):
    guest = put_on_file(other_store, "孙七", phone="13511112222")
    done = log(store, VisitInput(YESTERDAY, 100, customer_phone="13511112222"))
    assert done.customer_id == guest.pk
    assert sums(store, guest)[0] == 1 and sums(other_store, guest)[0] == 0
    with pytest.raises(Refused):
        log(rival, VisitInput(YESTERDAY, 100, customer_phone="13511112222"))


def test_a_day_ends_at_four_in_the_morning(store, regular):
    for hour, minute, on in (
        (19, 59, date(2026, 6, 18)),
        (20, 0, date(2026, 6, 19)),
    ):  # 03:59 and 04:00 in Shanghai
        moment = datetime(2026, 6, 18, hour, minute, tzinfo=UTC)
        assert log(store, told(visited_at=moment)).business_date == on


def test_older_than_seven_days_is_held_until_a_managers_nod(store, regular, manager):
    old = told(visited_at=NOON - timedelta(days=7, seconds=1), external_id="OLD")
    done = log(store, old)
    assert done.held and sums(store, regular)[0] == 0
    assert not log(store, told(visited_at=NOON - timedelta(days=7))).held
    release_visit(store=store, visit_id=done.visit_id, actor=manager, at=NOON)
    release_visit(store=store, visit_id=done.visit_id, actor=manager, at=NOON + timedelta(days=1))
    assert sums(store, regular)[0] == 2
    visit = Visit.objects.get(pk=done.visit_id)
    assert (visit.counted_at, visit.counted_by) == (NOON, manager)


def test_more_than_a_day_ahead_is_refused(store, regular):
    with pytest.raises(Refused) as refused:
        log(store, told(visited_at=NOON + timedelta(days=1, seconds=1)))
    assert refused.value.code == "visit_in_future"
    assert log(store, told(visited_at=NOON + timedelta(days=1))).status == "created"


@pytest.mark.parametrize("fen", [-1, 100_000_001])
def test_absurd_amounts_are_refused(store, regular, fen):
    with pytest.raises(Refused):
        log(store, told(amount_fen=fen))
    assert Visit.objects.count() == 0


def test_the_last_bill_is_the_latest_visit_and_ties_go_to_the_greater_number(store, regular):
    log(store, told(external_id="B9", amount_fen=900))
    log(store, told(external_id="B10", amount_fen=1000))  # as text B10 < B9
    log(store, told(external_id="A", amount_fen=1, visited_at=YESTERDAY - timedelta(hours=1)))
    assert sums(store, regular)[4:] == (900, "B9")
    assert recount(store.pk) == 0


def test_a_voided_visit_takes_its_sums_along(store, regular, manager):
    log(store, told(external_id="B1", visited_at=YESTERDAY - timedelta(days=2), amount_fen=300))
    last = log(store, told(external_id="B2"))
    void_visit(store=store, visit_id=last.visit_id, reason="记错桌", actor=manager, at=NOON)
    assert sums(store, regular) == (1, 300, date(2026, 6, 17), date(2026, 6, 17), 300, "B1")
    assert log(store, told(external_id="B2", amount_fen=7)).status == "created"  # the number is free again
    with pytest.raises(Refused):
        void_visit(store=store, visit_id=last.visit_id, reason=" ", actor=manager, at=NOON)


def test_history_keeps_the_row_before_a_void_and_who_did_it(store, regular, manager):
    import pghistory

    done = log(store)
    with pghistory.context(user=manager.pk):
        void_visit(store=store, visit_id=done.visit_id, reason="记错", actor=manager, at=NOON)
    from customers.models import Visit as V

    event = V.pgh_event_model.objects.get(pgh_obj_id=done.visit_id)
    assert event.voided_at is None
    assert event.pgh_context.metadata["user"] == manager.pk


def test_one_statement_logs_a_visit(store, regular, django_assert_num_queries):
    with django_assert_num_queries(1):
        log(store)


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_make_one_visit(store, regular):
    """Same id from eight clients, twenty rounds: exactly twenty visits, sums exact."""
    outcomes: list[str] = []

    def send(barrier, visit_id):
        barrier.wait()
        try:
            outcomes.append(log(store, visit_id=visit_id).status)
        finally:
            connection.close()

    for _ in range(20):
        barrier, visit_id = threading.Barrier(8), uuid.uuid4()
        threads = [threading.Thread(target=send, args=(barrier, visit_id)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes) == ["created"] * 20 + ["same"] * 140
    assert Visit.objects.count() == 20 and sums(store, regular)[:2] == (20, 20 * 128000)
    assert recount(store.pk) == 0
