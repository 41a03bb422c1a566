"""Texts planned, sent and shown, inside a process with Django; and the floors they are held against.

The database is a copy that nobody needs afterwards: guests move house in it, outboxes come and go.
"""

import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client, override_settings

from care.channels.base import Answer, Outcome, Outgoing
from care.models import Message
from care.relay import Relay
from care.services.occasions import queue_occasions
from care.timing import Timing
from common.clock import moment_of, now
from crm.demo.bench import bare
from staff.models import Membership, Person, Role, Store

MID_AUTUMN = date(2026, 9, 25)
ORDINARY = date(2026, 6, 24)
PROVIDER_SECONDS = 0.05
# Pages without a collected manifest of assets.
PLAIN = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# What planning cannot do without: read who the guests are, write a row for each. No rule is looked at.
_RAW = """
INSERT INTO care_message (id, brand_id, store_id, customer_id, category, occasion, phone_key, number, last_four, template,
    variables, parts, state, reason, planned_on, not_before, next_at, expires_at, created_at)
SELECT gen_random_uuid(), c.brand_id, p.store_id, p.customer_id, 'festival', 'festival:raw:2026', t.number_index,
    t.number, t.last_four, 'festival', jsonb_build_object('name', '会员', 'festival', '中秋'), 1, 'pending', '', %(day)s,
    %(opens)s, %(opens)s, %(closes)s, %(at)s
FROM customers_patronage p JOIN customers_customer c ON c.id = p.customer_id
JOIN customers_phone t ON t.customer_id = p.customer_id AND t.kind = 'own'
WHERE p.store_id = %(store)s
"""
_ROWS = """
INSERT INTO care_message (id, brand_id, store_id, customer_id, category, occasion, phone_key, number, last_four, template,
    variables, parts, state, reason, planned_on, not_before, next_at, expires_at, created_at, claimed_at, final_at)
SELECT md5('m' || m)::uuid, p.brand_id, p.store_id, p.customer_id, 'festival', 'festival:x:' || m, p.number_index, p.number,
    p.last_four, 'festival', '{}', 1, CASE WHEN m %% 7 = 0 THEN 'skipped' WHEN m %% 29 = 0 THEN 'undelivered'
    ELSE 'delivered' END, CASE WHEN m %% 7 = 0 THEN 'no_consent' ELSE '' END, d.at::date, d.at, d.at, d.at, d.at,
    CASE WHEN m %% 7 <> 0 THEN d.at END, d.at
FROM generate_series(0, %(rows)s - 1) g(m) CROSS JOIN LATERAL (
    SELECT %(at)s - interval '3 years' * m / %(rows)s AS at) d
JOIN bench.reached p ON p.n = m %% %(guests)s
"""


def text_stores() -> list[int]:
    """The stores, with a plan each: it is made the first time it is asked for."""
    found = list(Store.objects.order_by("pk"))
    for store in found:
        _plan(store, ORDINARY - timedelta(days=1))
    return [store.pk for store in found]


def text_scan() -> int:
    """One raw scan of the guests, every row looked at."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_indexscan = off")
        cursor.execute("SET enable_bitmapscan = off")
        cursor.execute("SELECT count(*) FROM customers_customer WHERE birth_month = 6 AND birth_day = 24")
        found = int(cursor.fetchone()[0])
        cursor.execute("RESET enable_indexscan")
        cursor.execute("RESET enable_bitmapscan")
    return found


def text_day(*, stores: list[int]) -> dict[str, int]:
    """The birthdays of an ordinary day, of every store; how many rows, and how many of them will be sent."""
    planned = 0
    for store in Store.objects.filter(pk__in=stores):
        planned += _plan(store, ORDINARY)["planned"]
    return {"planned": planned, "rows": Message.objects.count()}


def _plan(store: Store, day: date) -> dict[str, int]:
    at = moment_of(day, datetime.min.time(), store.timezone)
    return queue_occasions(store=store, on=day - timedelta(days=1), at=at)


def text_clear() -> None:
    """An empty outbox, and a log that begins anew."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE care_message, care_attempt, care_task CASCADE")
        cursor.execute("VACUUM (ANALYZE) care_message, care_task")
        cursor.execute("CHECKPOINT")


def text_gather(*, guests: int) -> dict[str, int]:
    """Let so many guests live in one store: the store's id and how many there are."""
    store = Store.objects.order_by("pk").first()
    assert store
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE customers_patronage DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE customers_patronage SET store_id = %s, external_id = 'G' || id WHERE id IN "
            "(SELECT id FROM customers_patronage ORDER BY id LIMIT %s)",
            [store.pk, guests],
        )
        cursor.execute("DELETE FROM customers_patronage WHERE external_id NOT LIKE 'G%%'", [])
        cursor.execute("ALTER TABLE customers_patronage ENABLE TRIGGER USER")
        cursor.execute("VACUUM (FULL, ANALYZE) customers_patronage")
    return {"store": store.pk, "guests": store.patronages.count()}


def text_queue(*, store: int) -> dict[str, int]:
    """A festival for everybody of the store: one statement."""
    return _plan(Store.objects.get(pk=store), MID_AUTUMN)


def text_wished() -> int:
    """Rows of festivals, whatever became of them. Who has a birthday on the day has a row of that besides."""
    return Message.objects.filter(category="festival").count()


def text_raw(*, store: int) -> int:
    """Floor: the raw INSERT … SELECT of as many rows into the same table."""
    place = Store.objects.get(pk=store)
    opens = moment_of(MID_AUTUMN, place.messages_from, place.timezone)
    closes = moment_of(MID_AUTUMN, place.messages_until, place.timezone)
    with connection.cursor() as cursor:
        cursor.execute(
            _RAW, {"day": MID_AUTUMN, "opens": opens, "closes": closes, "at": opens, "store": store}
        )
        return cursor.rowcount


def text_due(*, store: int, texts: int) -> int:
    """So many of the planned texts are due now, in a store that is open all day; the others are gone."""
    at = now()
    Store.objects.filter(pk=store).update(messages_from="00:00", messages_until="23:59:59", timezone="UTC")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM care_message WHERE state <> 'pending'")
        cursor.execute(
            "DELETE FROM care_message WHERE id NOT IN (SELECT id FROM care_message ORDER BY id LIMIT %s)",
            [texts],
        )
        cursor.execute(
            "UPDATE care_message SET not_before = %(at)s, next_at = %(at)s, expires_at = %(at)s + interval '2 days'",
            {"at": at - timedelta(minutes=1)},
        )
        cursor.execute("VACUUM (FULL, ANALYZE) care_message")
        cursor.execute("CHECKPOINT")
    return Message.objects.count()


class Slow:
    """A provider that takes every text after 50 ms, and notes which."""

    name = "aliyun"

    def __init__(self) -> None:
        self.taken: list[str] = []

    def send(self, message: Outgoing) -> Answer:
        """Take it."""
        time.sleep(PROVIDER_SECONDS)
        self.taken.append(message.out_id)
        return Answer(Outcome.ACCEPTED, message_id="1^0")


def drain(*, threads: int, begin: float) -> dict[str, Any]:
    """One relay's threads until nothing is due: which texts were taken, and when the last was settled.

    They begin together at `begin`, seconds since the epoch, their connections already open.
    """
    provider = Slow()
    relay = Relay(provider, Timing(), settings.SMS, threads=0)  # type: ignore[arg-type]
    ended = []

    def run() -> None:
        connection.ensure_connection()
        time.sleep(max(begin - time.time(), 0))
        while relay.send_one():
            ended.append(time.time())
        connection.close()

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {"taken": provider.taken, "ended": max(ended, default=begin)}


def text_rows(*, store: int, rows: int) -> int:
    """Three years of texts in one store's outbox."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE care_message, care_attempt, care_task CASCADE")
        cursor.execute("CREATE SCHEMA IF NOT EXISTS bench")
        cursor.execute("DROP TABLE IF EXISTS bench.reached")
        cursor.execute(
            "CREATE TABLE bench.reached AS SELECT row_number() OVER () - 1 AS n, c.brand_id, p.store_id, p.customer_id, "
            "t.number_index, t.number, t.last_four FROM customers_patronage p JOIN customers_customer c "
            "ON c.id = p.customer_id JOIN customers_phone t ON t.customer_id = c.id WHERE p.store_id = %s",
            [store],
        )
        guests = cursor.rowcount
        cursor.execute("ANALYZE bench.reached")
        with bare(["care_message"]):
            cursor.execute(_ROWS, {"rows": rows, "at": now(), "guests": guests})
        cursor.execute("VACUUM (ANALYZE) care_message")
        cursor.execute("CHECKPOINT")
    return Message.objects.count()


def text_pages(*, store: int, times: int) -> dict[str, float]:
    """The outbox as the store head opens it, and with a filter that finds nothing: the median in ms. The floor: one row
    of it by its primary key."""
    place = Store.objects.get(pk=store)
    person = Person.objects.filter(username="bench-head").first() or Person.objects.create_user("bench-head")
    Membership.objects.get_or_create(
        person=person,
        brand_id=place.brand_id,
        store=place,
        role=Role.HEAD,
        defaults={"since": date(2020, 1, 1)},
    )
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person)
    keys = list(Message.objects.values_list("pk", flat=True)[:times])
    with override_settings(STORAGES=PLAIN):
        return {
            "key": _median(lambda n: Message.objects.get(pk=keys[n % len(keys)]), times * 20),
            "page": _median(lambda n: _open(client, "/outbox/"), times),
            "rare": _median(lambda n: _open(client, "/outbox/?state=parked"), times),
            "month": _median(lambda n: _open(client, "/outbox/?month=2025-05&state=skipped"), times),
        }


def _open(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code


def _median(do: Callable[[int], object], times: int) -> float:
    took = []
    for n in range(times + 1):
        begun = time.perf_counter()
        do(n)
        took.append((time.perf_counter() - begun) * 1000)
    return median(took[1:])


ACTIONS = {
    "text_wished": text_wished, "text_stores": text_stores, "text_scan": text_scan, "text_day": text_day,
    "text_clear": text_clear, "text_gather": text_gather, "text_queue": text_queue, "text_raw": text_raw,
    "text_due": text_due, "drain": drain, "text_rows": text_rows, "text_pages": text_pages,
}  # fmt: skip
