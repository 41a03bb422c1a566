"""Where a firm might become a guest (row 146)."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from common.clock import now
from customers.models import Patronage
from tests.cast import put_on_file
from tests.tiering.examining import came, noon
from tiering.selectors.leads import leads_of

pytestmark = pytest.mark.django_db
ON = date(2026, 6, 18)


def staff_of(store, employer: str, spends: list[float], on: date = ON) -> list:
    """Guests of an employer who spent so much once; 0 never came."""
    guests = [put_on_file(store, f"{employer}{n}", noon(ON), employer=employer) for n in range(len(spends))]
    came(store, [(guest, on, yuan, 12, "") for guest, yuan in zip(guests, spends, strict=True) if yuan])
    return guests


def told(store, on: date = ON) -> dict[str, tuple[int, int, list[int]]]:
    return {
        lead.employer: (lead.guests, lead.fen, [each.customer_id for each in lead.best])
        for lead in leads_of(store, on)
    }


def test_row_146_ten_top_guests_of_employers_with_more_than_three(store):
    """60 came, so twelve are the top: ten with three colleagues of theirs, one with two, one without an employer."""
    firms = [staff_of(store, f"第{n}公司", [9000 - n, 20, 20, 0]) for n in range(10)]
    staff_of(store, "三人公司", [9500, 20, 20])
    staff_of(store, "", [9400] + [30] * 22)
    staff_of(store, "小单位", [20] * 4)
    assert Patronage.objects.filter(store=store, visits_total__gt=0).count() == 60
    assert told(store) == {
        f"第{n}公司": (4, (9000 - n + 40) * 100, [guests[0].pk]) for n, guests in enumerate(firms)
    }
    assert [lead.employer for lead in leads_of(store, ON)] == [f"第{n}公司" for n in range(10)]


def test_one_firm_however_it_is_written_within_the_year_and_the_store(store, other_store):
    guests = staff_of(store, "Acme", [500, 400]) + staff_of(store, " ACME ", [300, 0])
    staff_of(store, "", [10, 10])
    staff_of(store, "去年公司", [900, 10, 10, 10, 10], ON - timedelta(days=365))
    staff_of(other_store, "别店公司", [900, 900, 900, 900])
    assert told(store) == {"Acme": (4, 120_000, [guests[0].pk])}
    assert told(store, ON - timedelta(days=1)).keys() == {"去年公司"}


def test_the_page(client, store, head):
    client.force_login(head)
    assert "还没有这样的单位" in client.get(reverse("leads")).content.decode()
    staff_of(store, "宏达建材", [900, 10, 10, 10, 10], store.business_day(now()))
    page = client.get(reverse("leads")).content.decode()
    assert "宏达建材" in page and "¥940" in page and "宏达建材0" in page
