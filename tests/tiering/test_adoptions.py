"""Taking up a scheme, calling that off, and going back: dated rows, of which none is ever lost."""

from datetime import date, timedelta

import pytest

from common.errors import NotHere, Refused
from customers.models import Patronage
from tests.tiering.examining import come, ladder, night, noon, rule
from tiering.models import Adoption
from tiering.selectors.adoptions import adoptions, in_use
from tiering.selectors.schemes import in_force
from tiering.services.schemes import adopt, roll_back, save_scheme, withdraw_adoption

D = date(2026, 6, 19)
DAY = timedelta(days=1)


def version(store, threshold: int, **more):
    return save_scheme(
        store=store, body=ladder(rule("spend_30d", threshold)) | more, actor=None, at=noon(D - 99 * DAY)
    )


def take(store, threshold: int, from_date: date, **more) -> Adoption:
    return adopt(
        store=store,
        version=version(store, threshold, **more),
        from_date=from_date,
        actor=None,
        at=noon(from_date),
    )


def call_off(store, adoption, on=D, actor=None) -> Adoption:
    return withdraw_adoption(store=store, adoption_id=adoption.pk, actor=actor, on=on, at=noon(on))


def back(store, on=D, axis="tier") -> Adoption:
    return roll_back(store=store, axis=axis, actor=None, on=on, at=noon(on))


def threshold_on(store, on, axis="tier") -> int:
    adoption = in_force(store.pk, on, axis)
    return adoption.version.body["tiers"][0]["when"]["value"]


def test_a_coming_adoption_is_called_off_and_stays_in_the_history(store, head):
    take(store, 1000, D - 50 * DAY)
    coming = take(store, 2000, D + DAY)
    assert threshold_on(store, D + DAY) == 2000
    call_off(store, coming, actor=head)
    assert threshold_on(store, D + DAY) == 1000
    [gone, held] = adoptions(store)
    assert (gone.pk, gone.withdrawn_at, gone.withdrawn_by, held.withdrawn_at) == (
        coming.pk,
        noon(D),
        head,
        None,
    )
    assert [use.coming for use in in_use(store, D)] == [[]]


def test_calling_off_twice_is_calling_off_once(store, head):
    coming = take(store, 2000, D + DAY)
    call_off(store, coming, actor=head)
    again = call_off(store, coming, on=D + 40 * DAY)
    assert (again.withdrawn_at, again.withdrawn_by) == (noon(D), head)


@pytest.mark.parametrize("begun", [0, 1, 30])
def test_what_grades_already_is_not_called_off(store, begun):
    held = take(store, 1000, D - begun * DAY)
    with pytest.raises(Refused) as refused:
        call_off(store, held)
    assert refused.value.code == "adoption_begun"
    held.refresh_from_db()
    assert held.withdrawn_at is None


def test_another_stores_adoption_is_not_here(store, other_store):
    theirs = take(other_store, 1000, D + DAY)
    with pytest.raises(NotHere):
        call_off(store, theirs)
    theirs.refresh_from_db()
    assert theirs.withdrawn_at is None


def test_the_same_version_can_be_taken_up_again_after_it_was_called_off(store):
    take(store, 1000, D - 9 * DAY)
    call_off(store, take(store, 2000, D + DAY))
    again = take(store, 2000, D + DAY)
    assert (again.withdrawn_at, threshold_on(store, D + DAY)) == (None, 2000)


def test_going_back_takes_up_the_version_before_from_today(store, regular):
    take(store, 1000, D - 50 * DAY)
    take(store, 3000, D - 10 * DAY)
    come(store, regular, D - 2 * DAY, 2000)
    night(store, D - DAY)
    assert Patronage.objects.get().tier == "B"
    row = back(store)
    assert (row.from_date, threshold_on(store, D - DAY), threshold_on(store, D)) == (D, 3000, 1000)
    night(store, D)
    assert Patronage.objects.get().tier == "A"
    assert Adoption.objects.count() == 3, "the history stays"


# What was taken up on which day before D (threshold, days ago), and what going back brings; None: refused.
WAYS_BACK = [
    ("nothing before", [(1000, 5)], None),
    ("the one before", [(1000, 50), (2000, 5)], 1000),
    ("the one before, not the first", [(1000, 90), (2000, 50), (3000, 5)], 2000),
    ("taken up today", [(1000, 50), (2000, 0)], 1000),
    ("replaced on the day it was taken up: it never saw a night", [(1000, 50), (2000, 5), (3000, 5)], 1000),
    ("the very first, replaced on its day", [(1000, 5), (2000, 5)], 1000),
    ("gone back once already: forward again", [(1000, 50), (2000, 20), (1000, 5)], 2000),
    ("a coming one does not count", [(1000, 50), (2000, 5), (3000, -4)], 1000),
]  # fmt: skip


@pytest.mark.parametrize(("words", "taken", "brings"), WAYS_BACK, ids=[case[0] for case in WAYS_BACK])
def test_ways_back(store, words, taken, brings):
    for threshold, ago in taken:
        take(store, threshold, D - ago * DAY)
    held = threshold_on(store, D)
    [use] = in_use(store, D)
    shown = use.before.body["tiers"][0]["when"]["value"] if use.before else None
    assert shown == brings, "the page offers what the button does"
    if brings is None:
        with pytest.raises(Refused) as refused:
            back(store)
        assert (refused.value.code, threshold_on(store, D)) == ("nothing_before", held)
    else:
        back(store)
        assert threshold_on(store, D) == brings


def test_back_and_back_again_is_where_it_was(store):
    take(store, 1000, D - 50 * DAY)
    take(store, 2000, D - 5 * DAY)
    back(store)
    back(store)
    assert threshold_on(store, D) == 2000


def test_what_was_called_off_is_not_what_was_before(store):
    take(store, 1000, D - 50 * DAY)
    call_off(store, take(store, 2000, D - 20 * DAY), on=D - 30 * DAY)
    take(store, 3000, D - 5 * DAY)
    back(store)
    assert threshold_on(store, D) == 1000


def test_every_axis_goes_its_own_way(store):
    take(store, 1000, D - 50 * DAY)
    for threshold, ago in ((7000, 40), (8000, 4)):
        take(store, threshold, D - ago * DAY, id="card", axis="card")
    back(store, axis="card")
    assert (threshold_on(store, D), threshold_on(store, D, "card")) == (1000, 7000)
    with pytest.raises(Refused):
        back(store)
