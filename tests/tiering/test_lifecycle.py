"""The stages of a guest's life: new, growing, kept, about to be lost, deepened."""

from datetime import date, timedelta

import pytest

from tests.tiering.examining import came, label, night
from tiering.services.schemes import adopt_preset

pytestmark = pytest.mark.django_db

D = date(2026, 6, 20)


@pytest.fixture(autouse=True)
def adopted(store, at):
    adopt_preset(store=store, code="lifecycle_stages", from_date=date(2020, 1, 1), actor=None, at=at)


@pytest.mark.parametrize(
    ("visits", "stage"),
    [
        ([], "ATTRACT"),
        ([3], "GROW"),
        ([2, 15, 30, 45, 60, 88], "KEEP"),
        ([45, 60, 75, 90], "WARN"),
    ],
)
def test_row_188_one_visit_is_growing_six_in_ninety_days_are_kept(store, lapsed, visits, stage):
    came(store, [(lapsed, D - timedelta(days=n), 200, 12, "") for n in visits])
    night(store, D)
    assert label(store, lapsed, "lifecycle_stage") == stage


def test_row_188_whoever_spends_much_is_deepened(store, lapsed):
    came(store, [(lapsed, D - timedelta(days=n), 8000, 12, "") for n in (2, 20, 40)])
    night(store, D)
    assert label(store, lapsed, "lifecycle_stage") == "DEEPEN"
