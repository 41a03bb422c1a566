"""How pages write months and tables."""

from datetime import date

import pytest
from django.utils import translation

from common.templatetags.shuke import month, table_name


@pytest.mark.parametrize(
    ("number", "told"),
    [("5", "5 号台"), (12, "12 号台"), ("A07", "A07 号台"), ("牡丹厅", "牡丹厅"), ("", "")],
)
def test_a_table_has_a_number_and_a_room_its_name(number, told):
    assert table_name(number) == told


def test_a_month_in_both_languages():
    assert (month(date(2026, 11, 3)), month(None)) == ("2026年11月", "")
    with translation.override("en"):
        assert month(date(2026, 11, 3)) == "Nov 2026"
