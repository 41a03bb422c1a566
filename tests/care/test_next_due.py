"""The function that finds the next due text: what it reads, what it looks at, and that it says what the gate says."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection

from care.models import Message
from care.services.gate import COMPLAINT_OPEN, LATEST, MOURNING
from care.services.standing import Due, Seen, next_due
from customers.services.customers import add_tag, opt_out_number
from tests.care.stage import CHINA, china, due_text
from tests.care.test_caps import complain

pytestmark = pytest.mark.django_db
NOON = china("2026-06-20 12:00")
DAY = timedelta(days=1)


def found(now=NOON) -> tuple[Due, Seen] | None:
    with connection.cursor() as cursor:
        return next_due(cursor, now=now, unheard=timedelta(seconds=30))


def test_nothing_is_due(store, regular):
    assert found() is None
    due_text(regular, store)
    assert found(now=NOON - 30 * DAY) is None


def test_days_of_the_past_are_days_of_the_store(store, regular):
    store.timezone = "America/New_York"
    store.save()
    text = due_text(regular, store)
    Message.objects.create(
        brand=store.brand, store=store, customer=regular, category="festival", occasion="festival:past",
        phone_key=text.phone_key, state="delivered", claimed_at=china("2026-06-20 11:00"),  # 19 June, 23:00 in New York
        planned_on=date(2026, 6, 19), not_before=NOON, next_at=NOON, expires_at=NOON, created_at=NOON,
    )  # fmt: skip
    told = found()
    assert told and told[0].id == text.pk and told[1].had == [date(2026, 6, 19)]
    assert NOON.astimezone(CHINA).date() == date(2026, 6, 20)


def test_everything_that_speaks_against_it_is_told_at_once(store, regular):
    due_text(regular, store)
    told = found()
    assert told and vars(told[1].standing) == {
        "holds_number": True, "opted_out": False, "consents": True, "complains": False, "mourns": False,
        "called_off": False,
    }  # fmt: skip
    opt_out_number(brand=store.brand, phone="13812348899", words="R", source="reply", at=NOON)
    complain(regular, store)
    add_tag(customer=regular, word=MOURNING[0], actor=None, at=NOON)
    regular.consents.update(given=False)
    regular.phones.all().delete()
    told = found()
    assert told and vars(told[1].standing) == {
        "holds_number": False, "opted_out": True, "consents": False, "complains": True, "mourns": True,
        "called_off": False,
    }  # fmt: skip


_MANY = """
INSERT INTO care_message (id, brand_id, store_id, customer_id, category, occasion, phone_key, template, variables, state,
    planned_on, not_before, next_at, expires_at, created_at)
SELECT gen_random_uuid(), brand_id, store_id, customer_id, category, 'festival:' || n, sha256(n::text::bytea), template,
    variables, 'pending', planned_on, not_before, next_at + interval '1 minute', expires_at, created_at
FROM care_message, generate_series(1, 4000) n WHERE id = %(text)s
"""
_WENT_OUT = """
UPDATE care_message SET state = 'delivered', claimed_at = %(at)s WHERE occasion IN (
    SELECT 'festival:' || n FROM generate_series(1, 2000) n)
"""
_READ = """
SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'care_message'
"""


def test_of_thousands_that_wait_and_thousands_that_went_out_a_few_are_read(store, regular):
    text = due_text(regular, store)
    with connection.cursor() as cursor:
        # As in the morning of a festival: the planner knows of none that went out.
        cursor.execute(_MANY, {"text": text.pk})
        cursor.execute("ANALYZE care_message")
        cursor.execute(_WENT_OUT, {"at": NOON - timedelta(hours=2)})
        cursor.execute(_READ)
        [(before,)] = cursor.fetchall()
        told = found()
        cursor.execute(_READ)
        [(after,)] = cursor.fetchall()
    assert told and told[0].id == text.pk
    assert after - before < 20


def test_it_says_what_the_gate_says():
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'care_next_due'")
        [(source,)] = cursor.fetchall()
    said = re.sub(r"\s+", " ", source)
    handed = ", ".join(f"'{state}'" for state in Message.HANDED)
    for phone in ("IS NULL", "= t.id"):
        assert re.sub(r"\s+", " ", LATEST.format(customer="due.customer_id", phone=phone)) in said
    assert COMPLAINT_OPEN in said
    assert f"h.state IN ({handed})" in said
