"""One relay in one process under everything that a patch of `broken` could hide behind, at once.

The texts are planned twice at the same moment; then guests say no, a store shortens its hours; the first text's sender
freezes after its answer; the pair's two texts are judged slowly. The provider does its part. Ends when nothing is on its
way any more, or when it takes too long.
"""

import threading
import time
from datetime import datetime, timedelta
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction

from care.channels import provider_from_settings
from care.channels.base import Answer, Outcome
from care.models import Message
from care.relay import Relay
from care.services import outbox
from care.services.occasions import queue_occasions
from care.services.plans import plan_for
from care.timing import timing_from
from care.windows import DEFAULT_CAPS
from common.clock import now
from customers.models import Consent, Patronage
from staff.models import Store
from tests.faults.broken import PATCHES
from tests.faults.seed import PREFIXES

FROZEN = 15.0
AT_MOST = 60.0
ALONE, PATIENCE = 0.3, 3.0
DAY = timedelta(days=1)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(variant: str, hooks_port: int) -> None:
    """Run it; `variant` "" is the relay as it ships. The hooks listen on `hooks_port`."""
    provider = provider_from_settings(settings.SMS)
    relay = Relay(provider, timing_from(settings.SMS), settings.SMS, threads=3)
    if variant:
        PATCHES[variant](relay)
    at = now()
    _plan_twice_at_once(at)
    _say_no(at)
    _put_pairs_together()
    closed = at - timedelta(seconds=5)
    Store.objects.filter(code="closing").update(messages_until=_local(closed).time())
    _freeze_the_first()
    _judge_slowly()
    hooks = make_server("127.0.0.1", hooks_port, get_wsgi_application(), handler_class=_Quiet)
    threading.Thread(target=hooks.serve_forever, daemon=True).start()
    print(f"closed {closed.isoformat()}", flush=True)
    threading.Thread(target=_stop_when_done, args=[relay], daemon=True).start()
    relay.run()


def _local(at: datetime) -> datetime:
    return at.astimezone(Store.objects.get(code="closing").zone())


def _plan_twice_at_once(at: datetime) -> None:
    """The second begins when the first has written its rows and not committed them yet."""
    night = _local(at).date() - DAY
    written, over = threading.Event(), threading.Event()
    for store in Store.objects.all():
        plan_for(store, "recent_month_abc", at)

    def plan(is_first: bool) -> None:
        try:
            with transaction.atomic():
                for store in Store.objects.order_by("pk"):
                    queue_occasions(store=store, on=night, at=at)
                if is_first:
                    written.set()
                    # Which never happens where the second waits for the first, as it should.
                    over.wait(PATIENCE)
        finally:
            over.set()
            connection.close()

    first, second = (threading.Thread(target=plan, args=[is_first]) for is_first in (True, False))
    first.start()
    written.wait(30)
    second.start()
    first.join()
    second.join()


def _say_no(at: datetime) -> None:
    """Of the guests who leave, each says no at the desk."""
    left = Patronage.objects.filter(external_id__startswith=f"own{PREFIXES['left_consent']}")
    Consent.objects.bulk_create(
        Consent(customer_id=customer_id, given=False, at=at, source="desk", recorded_at=at)
        for customer_id in left.values_list("customer_id", flat=True)
    )


def _put_pairs_together() -> None:
    """The two texts of a number are due one behind the other, so that they are claimed at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE care_message m SET next_at = not_before + interval '1 millisecond' * "
            "(256 * get_byte(phone_key, 0) + get_byte(phone_key, 1)) "
            "FROM staff_store s WHERE s.id = m.store_id AND s.code = 'strict' AND phone_key IS NOT NULL"
        )


def _freeze_the_first() -> None:
    """The first text's sender is told "not taken, try again", and freezes for longer than its lease before it says so."""
    original, first = outbox.send, threading.Lock()

    def send(*args: Any) -> Answer:
        if first.acquire(blocking=False):
            time.sleep(FROZEN)
            return Answer(Outcome.RETRY, code="Throttling.User", wait=timedelta(milliseconds=100))
        return original(*args)

    outbox.send = send


def _judge_slowly() -> None:
    """A text of a pair is judged when another is being judged too, or when none has come for a while: whatever does not
    keep two claims apart lets them meet here, however busy the machine is.
    """
    original, meeting = outbox.judge, threading.Barrier(2)

    def judge(*args: Any, **said: Any) -> Any:
        # Only the pairs' brand has no rules of its own.
        if said["caps"] is DEFAULT_CAPS:
            try:
                meeting.wait(ALONE)
            except threading.BrokenBarrierError:
                meeting.reset()
        return original(*args, **said)

    outbox.judge = judge


def _stop_when_done(relay: Relay) -> None:
    begun, quiet_since = time.monotonic(), None
    on_their_way = Message.objects.filter(state__in=["pending", "sending", "unknown"])
    while time.monotonic() < begun + AT_MOST:
        time.sleep(0.2)
        if on_their_way.exists() or time.monotonic() < begun + FROZEN + 1:
            quiet_since = None
            continue
        quiet_since = quiet_since or time.monotonic()
        if time.monotonic() > quiet_since + 1.5:
            break
    relay.stop()
