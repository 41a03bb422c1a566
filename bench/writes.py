"""One visit told to the program, looked at from inside: its statements, and what it costs the server."""

import json
import random
import time
import uuid
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client

from bench.measure import cpu_of
from bench.rivals import insert_visit
from common.clock import now
from customers.models import Patronage
from customers.models.visit import Entry
from customers.services.visits import VisitInput, record_visit
from staff.access import issue_token
from staff.models import Store


def door(*, store_id: int, guests: int) -> dict[str, Any]:
    """A machine's key to one store, and some of its guests as (our id, number there)."""
    store = Store.objects.get(pk=store_id)
    _, key = issue_token(store=store, name="bench", actor=None, at=now())
    found = store.patronages.order_by("pk").values_list("customer_id", "external_id")[:guests]
    return {"key": key, "guests": [list(pair) for pair in found]}


def statements(*, key: str, guest: str, times: int) -> list[int]:
    """How many SQL statements each `PUT` of a new visit asks, through all middleware, once the key is known."""
    client = Client(headers={"authorization": f"Bearer {key}"})
    counts = []
    for _ in range(times + 1):
        asked: list[str] = []

        def note(execute: Any, sql: str, *rest: Any, asked: list[str] = asked) -> Any:
            asked.append(sql)
            return execute(sql, *rest)

        body = {"customer_external_id": guest, "visited_at": now().isoformat(), "amount": "88.00"}
        with connection.execute_wrapper(note):
            answer = client.put(
                f"/api/v1/visits/{uuid.uuid4()}/", json.dumps(body), content_type="application/json"
            )
        assert answer.status_code == 201, answer.content
        counts.append(len(asked))
    return counts[1:]


def backend_cpu(*, store_id: int, guests: list[list[Any]], times: int) -> dict[str, float]:
    """CPU seconds of the server's process for `times` bare inserts, and for as many visits recorded."""
    store = Store.objects.select_related("brand").get(pk=store_id)
    used = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    for what in ("bare", "whole"):
        before = cpu_of(backend)
        for n in range(times):
            customer_id, number = guests[n % len(guests)]
            at = now() - timedelta(minutes=5)
            if what == "bare":
                insert_visit(uuid.uuid4(), store_id, customer_id, f"{time.time_ns()}", at, 8800)
            else:
                visit = VisitInput(at, 8800, customer_external_id=number, external_id=f"{time.time_ns()}")
                record_visit(
                    store=store, visit_id=uuid.uuid4(), visit=visit, entry=Entry.API, actor=None, at=now()
                )
        used[what] = cpu_of(backend) - before
    return used


def steady(*, seconds: float, every_ms: float, salt: int) -> list[list[float]]:
    """Log a visit of some guest every so often, one after the other: when each began (monotonic) and how long it took."""
    dice = random.Random(salt)
    stores = Store.objects.select_related("brand").in_bulk()
    guests = list(Patronage.objects.values_list("store_id", "external_id").order_by("pk"))
    took: list[list[float]] = []
    ends = time.monotonic() + seconds
    while (started := time.monotonic()) < ends:
        store_id, number = dice.choice(guests)
        at = now() - timedelta(minutes=5)
        visit = VisitInput(at, 8800, customer_external_id=number, external_id=f"{time.time_ns()}")
        record_visit(
            store=stores[store_id], visit_id=uuid.uuid4(), visit=visit, entry=Entry.API, actor=None, at=now()
        )
        done = time.monotonic()
        took.append([started, done - started])
        time.sleep(max(started + every_ms / 1000 - done, 0))
    return took


ACTIONS = {"door": door, "statements": statements, "backend_cpu": backend_cpu, "steady": steady}
