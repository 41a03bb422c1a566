"""A skewed load for benchmarks: many stores, guests and visits, the same for the same seed.

Store sizes are log-normal, visit rates gamma, lifetimes exponential, visits Poisson, amounts log-normal. Who the
guests are is drawn here; their visits are made inside PostgreSQL, from hashes of their numbers.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction

from common.clock import moment_of
from common.fields import encrypt
from common.keys import Keys, current_keys
from common.names import name_tokens, sort_key
from common.phones import last_four
from crm.demo import words
from crm.demo.copying import after_explicit_ids, copy_in
from crm.demo.habits import poisson
from staff.models import Brand, Store
from tiering.models import Adoption, Scheme, SchemeVersion
from tiering.services.schemes import check_body

LAST_DAY = date(2026, 6, 17)
DAYS = 730
ZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Tokyo", "Europe/London", "America/New_York")
RATE_SHAPE, LIFETIME_DAYS, SIZE_SIGMA = 0.6, 300.0, 0.8
AMOUNT_MU, AMOUNT_SIGMA, GUEST_SIGMA = 5.0, 0.55, 0.35  # of the logarithm of yuan
INTRODUCED, CONSENTING = 0.06, 0.7
SHAPES, STEPS = 4, 9
_BATCH = 50_000
_TABLES = (
    "customers_customer", "customers_patronage", "customers_phone", "customers_consent", "customers_introduction",
    "customers_visit",
)  # fmt: skip
# Numbers from 0 to below 1 out of a visit's number, another one for each salt.
_CHANCE = "((hashint8extended(n, %(seed)s + {salt}) & 9007199254740991)::float8 / 9007199254740992)"
_VISITS = f"""
INSERT INTO customers_visit (id, store_id, customer_id, external_id, business_date, visited_at, amount_fen,
    party_size, occasion, channel, dishes, entry, recorded_at, counted_at)
SELECT md5(%(seed)s || ':' || n)::uuid, store_id, customer_id, 'B' || n, on_day, at, fen, 1 + n %% 8,
    (ARRAY['business', 'friends', 'family', 'hosting', 'other'])[1 + n %% 5], 'dine_in', '[]', 'import', at, at
FROM (
    SELECT n, store_id, customer_id, on_day,
        (on_day + make_interval(mins => 660 + floor({_CHANCE.format(salt=2)} * 720)::int)) AT TIME ZONE timezone AS at,
        greatest(100, round(exp(mu + {AMOUNT_SIGMA} * sqrt(-2 * ln(1 - {_CHANCE.format(salt=3)}))
            * cos(2 * pi() * {_CHANCE.format(salt=4)})) * 100))::bigint AS fen
    FROM (
        SELECT p.bills + k AS n, p.store_id, p.customer_id, p.mu, s.timezone,
            p.since + floor({_CHANCE.format(salt=1).replace("(n,", "(p.bills + k,")} * p.days)::int AS on_day
        FROM bench_plan p JOIN staff_store s ON s.id = p.store_id CROSS JOIN LATERAL generate_series(1, p.visits) k
    ) days
) visits ORDER BY on_day, n
"""
_PATRONAGES = """
INSERT INTO customers_patronage (id, customer_id, store_id, external_id, since, usual_table, tier, visits_total,
    spend_total_fen, first_visit_on, first_paid_on, last_visit_on, last_visited_at, last_bill_fen, last_external_id)
SELECT p.customer_id, p.customer_id, p.store_id, p.external_id, p.since, '', '', coalesce(s.visits, 0),
    coalesce(s.spend, 0), s.first_on, s.first_on, s.last_on, s.last_at, s.last_bill, coalesce(s.last_number, '')
FROM bench_plan p LEFT JOIN (
    SELECT customer_id, count(*) AS visits, sum(amount_fen) AS spend, min(business_date) AS first_on,
        max(business_date) AS last_on, max(visited_at) AS last_at,
        (array_agg(amount_fen ORDER BY visited_at DESC, external_id COLLATE "C" DESC))[1] AS last_bill,
        (array_agg(external_id ORDER BY visited_at DESC, external_id COLLATE "C" DESC))[1] AS last_number
    FROM customers_visit GROUP BY customer_id
) s ON s.customer_id = p.customer_id ORDER BY p.store_id, p.customer_id
"""

Say = Callable[[str], None]


@transaction.atomic
def load(*, customers: int, visits: int, stores: int, seed: int, say: Say) -> int:
    """Fill an empty database; how many visits it became (their number is Poisson, near `visits`).

    Raises IntegrityError where the brand is there already. The rows have no history of their own; the triggers that
    write it are on again afterwards.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
    dice = random.Random(f"{seed}:bench")
    places = _open_stores(stores)
    with bare(_TABLES), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_plan (customer_id bigint, store_id bigint, external_id text, since date, "
            "days integer, visits integer, mu float8, bills bigint) ON COMMIT DROP"
        )
        _write_guests(dice, customers, visits, places)
        cursor.execute("ANALYZE bench_plan")
        say(f"{customers:,} guests in {stores} stores")
        cursor.execute(_VISITS, {"seed": seed})
        written = cursor.rowcount
        cursor.execute(_PATRONAGES)
        say(f"{written:,} visits; indexes and constraints come now")
    after_explicit_ids(("customers_customer", "customers_patronage", "customers_phone"))
    _adopt(places)
    return written


def _open_stores(count: int) -> list[Store]:
    brand = Brand.objects.create(code="bench", name="Bench")
    width = len(str(count))
    return Store.objects.bulk_create(
        Store(brand=brand, code=f"B{n:0{width}}", name=f"Bench {n:0{width}}", timezone=ZONES[n % len(ZONES)])
        for n in range(1, count + 1)
    )


@contextmanager
def bare(tables: Sequence[str]) -> Iterator[None]:
    """The tables without secondary indexes, foreign keys and triggers, all of which come back at the end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY 1, 2",
            [list(tables)],
        )
        keys = cursor.fetchall()
        cursor.execute(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i "
            "WHERE i.indrelid = ANY(%s::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint c "
            "WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')) ORDER BY 1",
            [list(tables)],
        )
        indexes = cursor.fetchall()
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, name, _ in keys:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in keys:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _write_guests(dice: random.Random, customers: int, visits: int, places: Sequence[Store]) -> None:
    """The guests, with the plan from which PostgreSQL makes their visits."""
    weights = [dice.lognormvariate(0, SIZE_SIGMA) for _ in places]
    homes = dice.choices(places, weights, k=customers)
    lives = [_life(dice) for _ in range(customers)]
    a_unit = visits / sum(rate * days for rate, _, days in lives)
    first = LAST_DAY - timedelta(days=DAYS - 1)
    numbers = dice.sample(range(10**8), customers)
    bills, keys = 0, current_keys()
    known: dict[int, deque[int]] = {store.pk: deque(maxlen=40) for store in places}
    for start in range(0, customers, _BATCH):
        guests, plan = [], []
        for n in range(start, min(start + _BATCH, customers)):
            rate, since, days = lives[n]
            store, count = homes[n], poisson(dice, rate * days * a_unit)
            mu = dice.gauss(AMOUNT_MU, GUEST_SIGMA)
            guests.append((n + 1, store, f"160{numbers[n]:08}", first + timedelta(days=since)))
            plan.append(
                (n + 1, store.pk, f"C{n + 1:07}", first + timedelta(days=since), days, count, mu, bills)
            )
            bills += count
        copy_in(
            "bench_plan",
            ("customer_id", "store_id", "external_id", "since", "days", "visits", "mu", "bills"),
            plan,
        )
        _copy_guests(dice, guests, known, keys)


def _life(dice: random.Random) -> tuple[float, int, int]:
    """A guest's rate, the day of the first visit possible, and for how many days; clipped to the days there are."""
    came = dice.randrange(-DAYS // 2, DAYS)
    stays = max(1, round(dice.expovariate(1 / LIFETIME_DAYS)))
    since, until = max(came, 0), min(came + stays, DAYS)
    return dice.gammavariate(RATE_SHAPE, 1), min(since, DAYS - 1), max(until - since, 1)


def _copy_guests(
    dice: random.Random,
    guests: Sequence[tuple[int, Store, str, date]],
    known: dict[int, deque[int]],
    keys: Keys,
) -> None:
    """Write guests; `known` are the latest of each store, some of whom brought the next ones."""
    rows, phones, consents, introductions = [], [], [], []
    for number, store, phone, since in guests:
        name = dice.choice(_SURNAMES) + dice.choice(_GIVEN)
        at = datetime.combine(since, time(4), UTC)
        born = date(1950, 1, 1) + timedelta(days=dice.randrange(20_000))
        four, code = last_four(phone), f"c{number:07}"
        name_key, tokens = _found_by(name)
        birth = ("solar", born.year, born.month, born.day) if dice.random() < 0.6 else ("", None, None, None)
        texts = ("", "", "", "", "", "", "")  # salutation, sex, address, industry, employer, position, likes
        found = [f"{store.pk}:{token}" for token in sorted({*tokens, four, code})]
        rows.append((number, store.brand_id, name, *texts, *birth, False, name_key, found, at))
        index = keys.blind_index("phone", phone)
        phones.append((number, store.brand_id, number, "own", "", encrypt(phone, keys), index, four, at))
        if dice.random() < CONSENTING:
            consents.append((number, "sms", True, at, "import", "v1", store.pk, at))
        friends = known[store.pk]
        if friends and dice.random() < INTRODUCED:
            introductions.append((number, dice.choice(friends), at))
        friends.append(number)
    copy_in(
        "customers_customer",
        ("id", "brand_id", "name", "salutation", "sex", "address", "industry", "employer", "position", "likes",
         "birth_calendar", "birth_year", "birth_month", "birth_day", "birth_leap", "name_key", "search_keys", "created_at"),
        rows,
    )  # fmt: skip
    copy_in(
        "customers_phone",
        ("id", "brand_id", "customer_id", "kind", "whose", "number", "number_index", "last_four", "added_at"),
        phones,
    )
    copy_in(
        "customers_consent",
        ("customer_id", "purpose", "given", "at", "source", "wording", "store_id", "recorded_at"),
        consents,
    )
    copy_in("customers_introduction", ("customer_id", "introducer_id", "recorded_at"), introductions)


_SURNAMES = [surname for surname, _ in words.SURNAMES]
_GIVEN = sorted({given for generation in (*words.MEN, *words.WOMEN) for given in generation})


@lru_cache(maxsize=50_000)
def _found_by(name: str) -> tuple[str, frozenset[str]]:
    return sort_key(name), frozenset(name_tokens(name))


def scheme_body(shape: int, step: int) -> dict[str, Any]:
    """A scheme over the 14 facts of the benchmark: one of four shapes, its thresholds 80 % to 120 % of the middle."""
    percent = 80 + 5 * step

    def line(fact: str, value: int, op: str = ">=") -> dict[str, Any]:
        return {"fact": fact, "op": op, "value": max(1, value * percent // 100) if op == ">=" else value}

    rich = [line("spend_365d", 9000), line("avg_monthly_spend_3m", 1500)]
    often = {"all": [line("consecutive_weeks", 5), line("visits_30d", 4)]}
    large = line("max_bill_90d", 1200)
    known = [
        line("spend_90d", 1500), line("visits_90d", 5), line("avg_monthly_visits_3m", 2),
        line("new_customers_1m", 1), line("last_bill", 300),
    ]  # fmt: skip
    seen = [
        line("visits_365d", 4), line("spend_30d", 150), line("spend_month", 100),
        line("days_since_last_visit", 60, "<="),
    ]  # fmt: skip
    top, middle, low = [
        ({"any": [*rich, often, large]}, {"at_least": 2, "of": known}, {"any": seen}),
        (
            {"at_least": 2, "of": [*rich, often, large]},
            {"any": known[:4]},
            {"at_least": 2, "of": [*seen, known[4]]},
        ),
        ({"all": [{"any": rich}, {"any": [often, large]}]}, {"at_least": 3, "of": known}, {"any": seen}),
        (
            {"any": [*rich, {"all": [often, large]}]},
            {"at_least": 2, "of": known},
            {"at_least": 2, "of": seen},
        ),
    ][shape]
    tiers = {"A": top, "B": middle, "C": low, "D": {"otherwise": True}}
    return {
        "id": f"bench_{shape}_{percent}",
        "name": "Bench",
        "tiers": [{"code": code, "name": code, "when": rule} for code, rule in tiers.items()],
    }


def _adopt(places: Sequence[Store]) -> None:
    """Another scheme in every store: the shapes and the thresholds in turn.

    Only the shapes are looked over: thresholds that all move together do not change what can be meant.
    """
    bodies = [scheme_body(n % SHAPES, n % STEPS) for n in range(len(places))]
    for shape in range(min(SHAPES, len(places))):
        check_body(scheme_body(shape, STEPS // 2))
    at = moment_of(LAST_DAY - timedelta(days=30), time(12), ZONES[0])
    pairs = list(zip(places, bodies, strict=True))
    schemes = Scheme.objects.bulk_create(Scheme(store=store, code=body["id"]) for store, body in pairs)
    versions = SchemeVersion.objects.bulk_create(
        SchemeVersion(scheme=scheme, number=1, body=body, created_at=at)
        for scheme, body in zip(schemes, bodies, strict=True)
    )
    Adoption.objects.bulk_create(
        Adoption(
            store=store, axis="tier", version=version, from_date=LAST_DAY - timedelta(days=20), adopted_at=at
        )
        for store, version in zip(places, versions, strict=True)
    )
