"""Treatments at the table: ticked once a visit, one only of a group, what comes up from below where the plan inherits."""

import uuid
from datetime import date, timedelta

import pytest

from care.selectors.treatments import treatments_now
from care.services.plans import set_inherits
from care.services.treating import use_treatment
from common.errors import NotHere, Refused
from customers.models import Patronage
from customers.services.visits import VisitInput, record_visit
from loyalty.models import TreatmentUse
from loyalty.selectors.giving import uses_listed
from loyalty.services.keeping import take_back_treatment
from tests.care.stage import LONG_AGO, adopt, china, grade
from tests.cast import NOON
from tiering.selectors.schemes import preset
from tiering.services.schemes import adopt as adopt_version
from tiering.services.schemes import save_scheme

pytestmark = pytest.mark.django_db


@pytest.fixture
def gold(store, regular):
    body = {**preset("vip_medals"), "axis": "tier"}
    version = save_scheme(store=store, body=body, actor=None, at=LONG_AGO)
    adopt_version(store=store, version=version, from_date=date(2020, 1, 1), actor=None, at=LONG_AGO)
    grade(regular, store, "GOLD")
    return regular


@pytest.fixture
def c_guest(store, regular):
    adopt(store, "monthly_avg_abc")
    grade(regular, store, "C")
    return regular


def times(store, customer_id: int) -> dict[str, int]:
    return {each.code: each.number for each in uses_listed(store, customer_id)}


def now(store, guest, at=NOON):
    return treatments_now(store, Patronage.objects.get(store=store, customer=guest), at)


def tick(store, guest, code, at=NOON, bill_fen=None):
    return use_treatment(store=store, customer_id=guest.pk, code=code, bill_fen=bill_fen, actor=None, at=at)


def refused(*args, **kwargs) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        tick(*args, **kwargs)
    assert caught.value.status == 409
    return caught.value.code, str(caught.value)


def come(store, guest, at):
    visit = VisitInput(at, 50_000, customer_id=guest.pk)
    record_visit(store=store, visit_id=uuid.uuid4(), visit=visit, entry="tablet", actor=None, at=at)


def test_row_54_nine_treatments_where_the_plan_inherits(store, gold):
    assert [each.line.tier for each in now(store, gold)] == ["GOLD"] * 3
    set_inherits(store=store, scheme_code="vip_medals", inherits=True, actor=None, at=LONG_AGO)
    assert len(now(store, gold)) == 9
    set_inherits(store=store, scheme_code="vip_medals", inherits=False, actor=None, at=LONG_AGO)
    assert len(now(store, gold)) == 3


def test_row_54_a_ladder_beside_counts_too(store, regular):
    adopt(store, "monthly_avg_abc")
    adopt(store, "vip_medals")
    grade(regular, store, "C", labels={"vip": "BRONZE"})
    assert [each.line.code for each in now(store, regular)][-3:] == [
        "bronze_room",
        "bronze_dessert",
        "bronze_drinks",
    ]


def test_row_54_the_dessert_once_a_visit(store, gold):
    set_inherits(store=store, scheme_code="vip_medals", inherits=True, actor=None, at=LONG_AGO)
    tick(store, gold, "bronze_dessert")
    code, words = refused(store, gold, "bronze_dessert")
    assert code == "treated_already" and "已用过" in words
    # The bill is written down, the meal goes on: still the same visit.
    come(store, gold, NOON + timedelta(minutes=40))
    assert refused(store, gold, "bronze_dessert", NOON + timedelta(hours=1))[0] == "treated_already"
    # Dinner is another one, and so is tomorrow.
    tick(store, gold, "bronze_dessert", china("2026-06-20 18:30"))
    tick(store, gold, "bronze_dessert", NOON + timedelta(days=1))
    assert times(store, gold.pk) == {"bronze_dessert": 3}
    dessert = next(
        each for each in now(store, gold, NOON + timedelta(days=1)) if each.line.code == "bronze_dessert"
    )
    assert (dessert.is_used, dessert.times) == (True, 3)


def test_row_38_ninety_percent_or_a_beer(store, c_guest, lapsed):
    """Of ¥500 九折 leaves ¥450; a beer leaves ¥500 and is counted; both on one bill are refused."""
    use = tick(store, c_guest, "c_discount", bill_fen=50_000)
    assert use.pays_fen == 45_000
    code, words = refused(store, c_guest, "c_beer")
    assert code == "treated_other" and "打九折" in words
    assert times(store, c_guest.pk) == {"c_discount": 1}
    grade(lapsed, store, "C")
    beer = tick(store, lapsed, "c_beer", bill_fen=50_000)
    assert beer.pays_fen == 50_000 and times(store, lapsed.pk) == {"c_beer": 1}
    assert refused(store, lapsed, "c_discount")[0] == "treated_other"
    assert [(each.code, each.number) for each in uses_listed(store, lapsed.pk)] == [("c_beer", 1)]


def test_ticked_by_mistake_it_is_taken_back(store, other_store, c_guest):
    use = tick(store, c_guest, "c_beer")
    with pytest.raises(NotHere):
        take_back_treatment(store=other_store, use_id=use.pk, actor=None, at=NOON)
    for _ in range(2):
        take_back_treatment(store=store, use_id=use.pk, actor=None, at=NOON)
    tick(store, c_guest, "c_discount")
    assert TreatmentUse.objects.count() == 2 and times(store, c_guest.pk) == {"c_discount": 1}


def test_what_is_no_treatment_of_the_guest_is_not_here(store, other_store, gold):
    for place, code in ((store, "bronze_dessert"), (store, "no_such"), (other_store, "gold_menu")):
        with pytest.raises(NotHere):
            tick(place, gold, code)
    assert not TreatmentUse.objects.exists()
