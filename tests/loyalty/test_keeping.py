"""What is kept for a guest, and who tries new dishes before everybody."""

from datetime import date, timedelta

import pytest

from common.errors import NotHere, Refused
from customers.models import Tag
from customers.services.dishes import launch_dish, withdraw_dish
from loyalty.models import KeptItem
from loyalty.selectors.giving import early_list, has_early_access, kept_for, kept_in, to_buy
from loyalty.services.keeping import keep, set_early_access, stop_keeping, take_one
from tests.cast import NOON

pytestmark = pytest.mark.django_db


def put(store, guest, left=2, what="X牌红酒", alert_at=1) -> KeptItem:
    return keep(
        store=store, customer_id=guest.pk, what=what, left=left, alert_at=alert_at, actor=None, at=NOON
    )


def take(store, kept, was):
    return take_one(store=store, kept_id=kept.pk, was=was, actor=None, at=NOON)


def test_row_55_two_bottles_low_at_one(store, regular):
    kept = put(store, regular)
    assert not kept.is_low and to_buy(store) == []
    # A second press of the same button takes no second bottle.
    assert [take(store, kept, 2).left, take(store, kept, 2).left] == [1, 1]
    [row] = kept_in(store)
    assert row.is_low and to_buy(store) == [row] and row.customer == regular
    assert take(store, kept, 1).left == 0
    with pytest.raises(Refused) as refused:
        take(store, kept, 0)
    assert refused.value.code == "kept_none_left"
    put(store, regular, 6)
    assert [(each.left, each.is_low) for each in kept_for(store, regular.pk)] == [(6, False)]


def test_row_55_shown_seven_days_before_everybody(store, other_store, regular, lapsed):
    for _ in range(2):
        set_early_access(store=store, customer_id=regular.pk, early=True, actor=None, at=NOON)
    dish = launch_dish(store=store, name="松茸汤", launched_on=date(2026, 6, 27), actor=None, at=NOON)
    launch_dish(store=other_store, name="别家的汤", launched_on=date(2026, 6, 27), actor=None, at=NOON)
    # 19 June: eight days ahead, not yet; 20 June: seven; on the day itself everybody has it.
    for day, shown in ((19, []), (20, ["松茸汤"]), (26, ["松茸汤"]), (27, [])):
        found = early_list(store, date(2026, 6, day))
        assert [each.name for each in found.dishes] == shown, day
        assert [each.customer for each in found.guests] == [regular]
    withdraw_dish(store=store, dish_id=dish.pk, actor=None, at=NOON)
    assert early_list(store, NOON.date()).dishes == []
    set_early_access(store=store, customer_id=regular.pk, early=False, actor=None, at=NOON)
    assert not has_early_access(regular.pk) and early_list(store, NOON.date()).guests == []
    assert Tag.objects.count() == 1


def test_what_is_kept_no_more_stays_on_file(store, other_store, regular):
    kept = put(store, regular)
    for place in (other_store,):
        with pytest.raises(NotHere):
            stop_keeping(store=place, kept_id=kept.pk, actor=None, at=NOON)
    for _ in range(2):
        stop_keeping(store=store, kept_id=kept.pk, actor=None, at=NOON + timedelta(days=1))
    assert kept_for(store, regular.pk) == [] and KeptItem.objects.count() == 1
    with pytest.raises(NotHere):
        take(store, kept, 2)
    put(store, regular)
    assert KeptItem.objects.count() == 2


@pytest.mark.parametrize(
    ("said", "code"),
    [({"what": " "}, "kept_what"), ({"left": -1}, "kept_number"), ({"alert_at": 1000}, "kept_number")],
)
def test_what_cannot_be_kept_is_refused(store, regular, said, code):
    with pytest.raises(Refused) as refused:
        put(store, regular, **said)
    assert refused.value.code == code and not KeptItem.objects.exists()


def test_another_stores_guest_is_not_here(other_store, regular):
    with pytest.raises(NotHere):
        put(other_store, regular)
    with pytest.raises(NotHere):
        set_early_access(store=other_store, customer_id=regular.pk, early=True, actor=None, at=NOON)
