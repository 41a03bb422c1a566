"""The demo restaurant: the same every time, true to its own visits, and something to see on every page."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import connection, transaction
from django.test import RequestFactory

from care.models import Event, Message, Task
from common.birthdays import matches_on
from common.clock import moment_of
from crm import nightly
from crm.demo import restaurant, staffing
from crm.demo.guests import invent
from customers.models import Customer, Patronage, Phone, Visit
from customers.services.upkeep import recount, refresh_gaps, refresh_search_keys
from feedback.models import Complaint, Suggestion
from feedback.selectors import open_complaints, unjudged
from loyalty.selectors.giving import early_list, last_gifts, to_buy, waiting_gifts
from loyalty.selectors.vouchers import kinds_listed
from staff.models import Person, Store
from tiering.compile import tier_case
from tiering.models import Night
from tiering.query import fact_rows
from tiering.selectors.decisions import moves, tiers_on
from tiering.selectors.schemes import in_force, scheme_of
from tiering.services.decisions import question_of

TODAY = date(2026, 11, 22)
LAST_NIGHT = TODAY - timedelta(days=1)
AT = moment_of(TODAY, restaurant.AFTERNOON, "Asia/Shanghai")
pytestmark = pytest.mark.django_db
SIZE = restaurant.Size(guests=450, full_nights=12, graded_months=2)

# What "the same rows" covers; not covered: identities made by the database, how long a night took, the cipher.
CONTENT = {
    "guests": "SELECT id, name, salutation, sex, birth_calendar, birth_year, birth_month, birth_day, birth_leap, address, "
    "industry, position, married, likes, created_at FROM customers_customer ORDER BY id",
    "patronages": "SELECT p.customer_id, s.code, p.external_id, w.username, p.since, p.usual_table, p.tier, p.tier_since, "
    "p.visits_total, p.spend_total_fen, p.first_visit_on, p.last_visited_at, p.last_bill_fen, p.last_external_id "
    "FROM customers_patronage p JOIN staff_store s ON s.id = p.store_id LEFT JOIN staff_person w ON w.id = p.owner_id "
    "ORDER BY 1, 2",
    "visits": "SELECT v.id, customer_id, s.code, external_id, business_date, visited_at, amount_fen, party_size, table_no, "
    "occasion, channel, dishes, entry, recorded_at, counted_at, voided_at, void_reason, replaced_by_id "
    "FROM customers_visit v JOIN staff_store s ON s.id = v.store_id ORDER BY v.id",
    "consents": "SELECT customer_id, phone_id, given, at, source, recorded_at FROM customers_consent ORDER BY 1, 2, 4, 3",
    "tags": "SELECT customer_id, word, added_at FROM customers_tag ORDER BY 1, 2",
    "introductions": "SELECT customer_id, introducer_id, recorded_at FROM customers_introduction ORDER BY 1",
    "gaps": "SELECT customer_id, field, missing_from, filled_at FROM customers_profilegap ORDER BY 1, 2, 3",
    "decisions": "SELECT s.code, d.axis, customer_id, business_date, tier, previous, reasons, facts, decided_at, corrected "
    "FROM tiering_tierdecision d JOIN staff_store s ON s.id = d.store_id ORDER BY 1, 2, 3, 4",
    "days": "SELECT s.code, business_date, visits, guests, revenue_fen, tiers, rose, fell, tasks_opened, messages_planned "
    "FROM reports_storeday d JOIN staff_store s ON s.id = d.store_id ORDER BY 1, 2",
    "tasks": "SELECT s.code, customer_id, t.code, occasion, w.username, due_on, close_on, t.opened_on, state, settled_at, "
    "reason FROM care_task t JOIN staff_store s ON s.id = t.store_id LEFT JOIN staff_person w ON w.id = t.assignee_id "
    "ORDER BY 1, 2, 3, 4",
    "events": "SELECT t.customer_id, t.code, t.occasion, e.outcome, e.note, e.next_on, e.at, w.username "
    "FROM care_taskevent e JOIN care_task t ON t.id = e.task_id JOIN staff_person w ON w.id = e.by_id ORDER BY 1, 2, 3, 7",
    "messages": "SELECT customer_id, category, occasion, variables, state, reason, attempt, planned_on, not_before, "
    "provider_message_id, final_at, last_four FROM care_message ORDER BY 1, 3",
    "attempts": "SELECT m.customer_id, m.occasion, a.number, a.started_at, a.outcome, a.code, a.took_ms FROM care_attempt a "
    "JOIN care_message m ON m.id = a.message_id ORDER BY 1, 2, 3",
    "complaints": "SELECT c.customer_id, s.code, c.severity, c.opened_on, c.opened_at, w.username, c.closed_at "
    "FROM feedback_complaint c JOIN staff_store s ON s.id = c.store_id JOIN staff_person w ON w.id = c.opened_by_id "
    "ORDER BY 1, 5",
    "suggestions": "SELECT g.customer_id, s.code, g.text, g.made_on, g.recorded_at, w.username, g.judged, g.judged_at "
    "FROM feedback_suggestion g JOIN staff_store s ON s.id = g.store_id JOIN staff_person w ON w.id = g.recorded_by_id "
    "ORDER BY 1, 5",
    "bookings": "SELECT s.code, b.customer_id, b.on, b.arrives, b.party, b.state, t.number, b.needs, b.dishes, b.note, b.made_at "
    "FROM customers_booking b JOIN staff_store s ON s.id = b.store_id LEFT JOIN customers_diningtable t ON t.id = b.table_id "
    "ORDER BY 1, 2, 3, 4",
    "arrivals": "SELECT s.code, a.customer_id, a.table_no, a.seated_at FROM customers_arrival a "
    "JOIN staff_store s ON s.id = a.store_id ORDER BY 1, 2",
    "invitations": "SELECT e.name, e.held_on, e.state, e.cost_fen, i.place, i.customer_id, i.answer, i.attended, i.opinion, "
    "i.words FROM care_invitation i JOIN care_event e ON e.id = i.event_id ORDER BY 2, 5",
    "runs": "SELECT s.code, r.business_date, r.state, r.created_at, r.started_at, p.name, p.counts FROM ops_run r "
    "JOIN staff_store s ON s.id = r.store_id JOIN ops_step p ON p.run_id = r.id ORDER BY 1, 2, p.position",
}  # fmt: skip


def content() -> dict[str, str]:
    """One digest for each kind of row."""
    found = {}
    with connection.cursor() as cursor:
        for name, sql in CONTENT.items():
            cursor.execute(sql)
            found[name] = hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()
    secrets = [
        (
            c.pk,
            c.allergies,
            c.taboos,
            c.note,
            [(p.kind, p.whose, str(p.number)) for p in c.phones.order_by("id")],
        )
        for c in Customer.objects.order_by("pk").prefetch_related("phones")
    ]
    return found | {"secrets": hashlib.sha256(repr(secrets).encode()).hexdigest()}


def build() -> None:
    restaurant.build(seed=1, today=TODAY, at=AT, size=SIZE, say=lambda line: None)


@pytest.fixture(scope="module")
def digests(django_db_setup, django_db_blocker) -> Iterator[list[dict[str, str]]]:
    """The demo, built twice: what the first one held and what the second one holds. The second one stays."""
    with django_db_blocker.unblock(), transaction.atomic():
        point = transaction.savepoint()
        build()
        first = content()
        transaction.savepoint_rollback(point)
        assert not Store.objects.exists()
        build()
        yield [first, content()]
        transaction.set_rollback(True)


@pytest.fixture
def demo(digests) -> tuple[Store, ...]:
    """The two stores of the demo; each test's own changes are taken back."""
    return tuple(Store.objects.order_by("code"))


def rows(sql: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def test_the_same_seed_and_day_give_the_same_rows(digests):
    first, second = digests
    assert first == second
    assert set(first) == {*CONTENT, "secrets"}


def test_another_seed_gives_other_guests():
    one, two = (invent(seed=seed, guests=100, days=200, today=TODAY) for seed in (1, 2))
    assert [g.name for g in one] != [g.name for g in two]


def test_the_sums_are_those_of_the_visits(demo):
    for store in demo:
        assert recount(store.pk) == 0
    ((told, counted),) = rows(
        "SELECT (SELECT sum(spend_total_fen) FROM customers_patronage), (SELECT sum(amount_fen) FROM customers_visit "
        "WHERE voided_at IS NULL AND counted_at IS NOT NULL)"
    )
    assert told == counted > 0


def test_search_keys_and_gaps_are_those_of_the_services(demo):
    ids = list(Customer.objects.values_list("pk", flat=True))
    keys = "SELECT id, name_key, array(SELECT unnest(search_keys) ORDER BY 1) FROM customers_customer ORDER BY id"
    before = rows(keys)
    gaps = rows("SELECT customer_id, field, filled_at FROM customers_profilegap ORDER BY 1, 2, 3")
    assert all(found for _, _, found in before)
    refresh_search_keys(ids)
    refresh_gaps(ids, AT)
    assert rows(keys) == before
    assert rows("SELECT customer_id, field, filled_at FROM customers_profilegap ORDER BY 1, 2, 3") == gaps


def test_nothing_lies_in_the_future(demo):
    assert rows("SELECT count(*) FROM customers_visit WHERE visited_at > %s OR recorded_at > %s", AT, AT) == [
        (0,)
    ]
    assert rows("SELECT count(*) FROM customers_customer WHERE created_at > %s", AT) == [(0,)]
    assert rows("SELECT count(*) FROM customers_consent WHERE at > %s", AT) == [(0,)]
    assert rows("SELECT count(*) FROM care_taskevent WHERE at > %s", AT) == [(0,)]
    assert rows("SELECT count(*) FROM care_message WHERE final_at > %s", AT) == [(0,)]
    assert rows("SELECT count(*) FROM feedback_complaint WHERE greatest(opened_at, closed_at) > %s", AT) == [
        (0,)
    ]
    assert rows(
        "SELECT count(*) FROM feedback_suggestion WHERE greatest(recorded_at, judged_at) > %s", AT
    ) == [(0,)]
    assert rows("SELECT count(*) FROM loyalty_redemption WHERE at > %s", AT) == [(0,)]
    assert rows("SELECT count(*) FROM loyalty_gift WHERE at > %s", AT) == [(0,)]
    assert rows("SELECT count(*) FROM ops_run WHERE finished_at > %s OR started_at > %s", AT, AT) == [(0,)]
    # The small hours belong to the day before, in the books too.
    ((wrong, small_hours),) = rows(
        "SELECT count(*) FILTER (WHERE business_date <> "
        "(visited_at AT TIME ZONE 'Asia/Shanghai' - interval '4 hours')::date), "
        "count(*) FILTER (WHERE extract(hour FROM visited_at AT TIME ZONE 'Asia/Shanghai') < 4) FROM customers_visit"
    )
    assert wrong == 0 and small_hours > 0


def test_nights_are_whole_and_may_run_again(demo):
    assert nightly.due(AT) == []
    assert rows("SELECT count(*) FROM ops_run WHERE state <> 'done'") == [(0,)]
    assert rows(
        "SELECT count(*) FROM ops_step WHERE name = 'check_sums' AND counts->>'sums_repaired' <> '0'"
    ) == [(0,)]
    before = content()
    for store in demo:
        assert (
            Night.objects.filter(store=store).order_by("-business_date").first().business_date == LAST_NIGHT
        )
        nightly.run(store.pk, LAST_NIGHT, at=moment_of(TODAY, store.night_at, store.timezone), by_hand=True)
    after = content()
    for same in ("decisions", "patronages", "tasks", "messages"):
        assert after[same] == before[same]


def test_every_night_of_the_past_can_be_told_again_from_what_was_known_then(demo):
    """Late visits, corrections and withdrawn bills came after some of the nights; the nights did not know them."""
    for store in demo:
        numbers = dict(Patronage.objects.filter(store=store).values_list("customer_id", "external_id"))
        for back in range(SIZE.full_nights):
            on = LAST_NIGHT - timedelta(days=back)
            stood = {number: tier for number, tier, *_ in tiers_on(store, on)}
            scheme = scheme_of(in_force(store.pk, on).version)
            known_at = moment_of(on + timedelta(days=1), store.night_at, store.timezone)
            sql, params = fact_rows(question_of(scheme, store, on, known_at=known_at))
            with connection.cursor() as cursor:
                cursor.execute(f"{sql} SELECT f.customer_id, {tier_case(scheme)} FROM f", params)
                again = {numbers[customer]: tier for customer, tier in cursor.fetchall()}
            assert len(stood) > 150
            assert {number: again[number] for number in stood} == stood


def test_tiers_are_believable(demo):
    """Few in A, more in B: what a page of tiers needs to be worth reading."""
    found = dict(rows("SELECT tier, count(*) FROM customers_patronage WHERE tier <> '' GROUP BY tier"))
    everybody = sum(found.values())
    assert set(found) == {"A", "B", "C"}
    assert 0.02 < found["A"] / everybody < 0.08
    assert 0.08 < found["B"] / everybody < 0.17


def test_the_takings_are_believable(demo):
    ((top, everything),) = rows(
        "SELECT sum(spent) FILTER (WHERE place <= 0.1), sum(spent) FROM (SELECT spend_total_fen AS spent, "
        "percent_rank() OVER (ORDER BY spend_total_fen DESC) AS place FROM customers_patronage) p"
    )
    assert 0.35 < top / everything < 0.70
    seasons = dict(
        rows("SELECT extract(month FROM business_date)::int, count(*) FROM customers_visit GROUP BY 1")
    )
    assert seasons[1] > 1.2 * seasons[8] / 2  # August is there twice
    week = dict(
        rows("SELECT extract(isodow FROM business_date)::int, count(*) FROM customers_visit GROUP BY 1")
    )
    assert week[6] > 1.5 * week[1]
    ((business, family),) = rows(
        "SELECT avg(amount_fen / party_size) FILTER (WHERE occasion IN ('business', 'hosting')), "
        "avg(amount_fen / party_size) FILTER (WHERE occasion = 'family') FROM customers_visit WHERE party_size > 0"
    )
    assert 8_000 < family < 13_000 < business < 25_000


def test_every_page_has_something_to_show(demo):
    """What a person who opens the demo looks for, store by store."""
    for store in demo:
        born = [Customer.objects.filter(patronages__store=store)] * 2
        for day in (TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=4)):
            keys = {(k.calendar, k.month, k.day, k.leap) for k in matches_on(day)}
            found = [
                c for c in born[0].exclude(birth_month=None)
                if (c.birth_calendar, c.birth_month, c.birth_day, c.birth_leap) in keys
            ]  # fmt: skip
            assert found, f"{store}: nobody's birthday on {day}"
        moved = [move for back in range(7) for move in moves(store, LAST_NIGHT - timedelta(days=back))]
        assert {move.rose for move in moved} == {True, False}
        tasks = Task.objects.filter(store=store)
        assert tasks.filter(state="open", due_on=TODAY).exists()
        assert tasks.filter(state="open", due_on__lt=TODAY).exists()
        assert tasks.filter(state="done", settled_at__gt=AT - timedelta(days=3)).exists()
        assert tasks.filter(events__outcome="not_reached").exists()
        assert tasks.filter(events__outcome="done").exclude(events__note="").exists()
        assert Message.objects.filter(
            store=store, state="pending", not_before__lte=AT, expires_at__gt=AT
        ).exists()
        assert Visit.objects.filter(store=store, counted_at=None, voided_at=None).count() == 1
        assert Visit.objects.filter(store=store, voided_at__isnull=False, replaced_by__isnull=False).exists()
        assert Visit.objects.filter(store=store, voided_at__isnull=False, replaced_by=None).exists()
        assert {c.opened_on < TODAY - timedelta(days=3) for c in open_complaints(store)} == {True, False}
        assert Complaint.objects.filter(store=store, closed_at__isnull=False).count() == 1
        assert len(unjudged(store)) >= 2
        judged = Suggestion.objects.filter(
            store=store, judged="valid", judged_on__month=10, judged_on__year=2026
        )
        assert judged.count() >= 4
        assert max(row.used for row in kinds_listed(store)) == 8 and to_buy(store)
        assert len(waiting_gifts(store)) == 1 and len(last_gifts(store)) == 4
        assert early_list(store, TODAY).dishes and early_list(store, TODAY).guests
        guests = Patronage.objects.filter(store=store)
        assert guests.filter(owner__isnull=False).exists() and guests.filter(tier="A", owner=None).exists()
        assert guests.exclude(usual_table="").exists()
        assert guests.filter(tier__in="AB", last_visit_on__lt=TODAY - timedelta(days=10)).exists()
    assert Customer.objects.filter(birth_leap=True).exists()
    assert Customer.objects.filter(birth_calendar="solar", birth_month=2, birth_day=29).exists()
    assert Customer.objects.filter(gaps__field="birthday", gaps__filled_at=None).exists()
    assert Customer.objects.filter(allergies__isnull=False).exists()
    assert Customer.objects.filter(taboos__isnull=False).exists()
    assert Customer.objects.filter(salutation__endswith="总").exists()
    assert Customer.objects.filter(tags__word="nearby_resident").exists()
    assert Customer.objects.filter(introduced_by__voided_at=None).exists()
    shared = rows(
        "SELECT number_index FROM customers_phone GROUP BY 1 HAVING count(DISTINCT customer_id) > 1"
    )
    assert shared and Phone.objects.filter(kind="contact").count() > len(shared)
    party = Event.objects.get(state="open")
    assert party.held_on > TODAY and party.invitations.filter(answer="accepted").exists()
    assert Message.objects.filter(state="delivered", attempts__outcome="accepted").exists()
    assert Message.objects.filter(state="skipped", reason="no_consent").exists()


def test_about_seven_in_ten_agreed_to_texts_and_some_took_it_back(demo):
    latest = rows(
        "SELECT DISTINCT ON (customer_id) given FROM customers_consent WHERE phone_id IS NULL "
        "ORDER BY customer_id, at DESC, given, id DESC"
    )
    assert 0.62 < sum(given for (given,) in latest) / Customer.objects.count() < 0.78
    took_back = rows(
        "SELECT customer_id FROM customers_consent WHERE phone_id IS NULL GROUP BY 1 HAVING count(*) > 1"
    )
    assert took_back


def test_some_guests_go_to_both_stores(demo):
    both = rows("SELECT customer_id FROM customers_patronage GROUP BY 1 HAVING count(*) = 2")
    assert 0.01 < len(both) / Customer.objects.count() < 0.08


def test_a_second_time_changes_nothing(demo):
    said, before = StringIO(), content()
    call_command("seed_demo", stdout=said)
    assert said.getvalue().count("\n") == 1 and "nothing was changed" in said.getvalue()
    assert content() == before


def test_the_logins_open_the_door(demo):
    said = StringIO()
    call_command("demo_logins", stdout=said)
    for username, name, *_ in staffing.PEOPLE:
        assert any(line.split()[:2] == [username, staffing.PASSWORD] for line in said.getvalue().splitlines())
        assert name in said.getvalue()
    assert authenticate(RequestFactory().get("/"), username="zhao", password=staffing.PASSWORD)
    assert Person.objects.count() == 9
    in_both = Person.objects.get(username="zhou")
    assert in_both.memberships.count() == 2


def test_a_changed_password_is_not_printed(demo):
    boss = Person.objects.get(username="huang")
    boss.set_password("another one")
    boss.save()
    said = StringIO()
    call_command("demo_logins", stdout=said)
    assert "huang" not in said.getvalue() and "chen" in said.getvalue()
