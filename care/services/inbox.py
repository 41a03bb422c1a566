"""What the providers push: kept first, applied afterwards. Receiving is one insert; applying may fail and try
again.

A push can only stop texts, never cause one: a receipt ends a text, a reply ends many.
"""

import base64
import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from care.channels.base import Receipt, Reply
from care.channels.replies import is_opt_out
from care.models import Inbox, Message
from care.services.replies import put_before_a_person, stop_number
from common.fields import decrypt, encrypt
from common.keys import blind_index, current_keys
from common.phones import PhoneError, normalise_phone
from customers.models import OptOut, Phone
from staff.models import Brand

log = logging.getLogger(__name__)
State = Message.State
BATCH = 500
# A receipt that names only the provider's id may overtake the answer to its own call; after this it is not
# ours.
UNMATCHED_FOR = timedelta(minutes=5)
_TAKEN = (State.SENDING, State.UNKNOWN, State.ACCEPTED, State.PARKED)


def keep(kind: str, provider: str, pushed: Sequence[Receipt | Reply], *, at: datetime) -> int:
    """Put receipts or replies into the tray: one insert; what is there already stays as it is. Returns the
    items.
    """
    Inbox.objects.bulk_create(
        [
            Inbox(kind=kind, provider=provider, dedupe_key=item.dedupe_key, raw=_sealed(item), received_at=at)
            for item in pushed
        ],
        ignore_conflicts=True,
    )
    return len(pushed)


def _sealed(item: Receipt | Reply) -> dict[str, str]:
    # Numbers and words of guests lie in the database only encrypted. Half an emoji, cut off on its way, becomes `?`:
    # a reply that is refused for it is pushed again for ever, and may say stop.
    said = json.dumps(asdict(item), default=lambda moment: moment.isoformat(), ensure_ascii=False)
    said = said.encode(errors="replace").decode()
    return {"sealed": base64.b64encode(encrypt(said, current_keys())).decode()}


def _opened(row: Inbox) -> dict[str, Any]:
    return dict(json.loads(decrypt(base64.b64decode(row.raw["sealed"]), current_keys())))


def apply_inbox(*, now: datetime, most: int = 20 * BATCH) -> dict[str, int]:
    """Apply what waits in the tray: all replies, then receipts, replies again after every batch of them, so that a
    stop never waits behind a mountain of receipts. Counts by what came of it. May run anywhere any number of times.

    At most about `most` receipts; the next round takes the others.
    """
    counts: Counter[str] = Counter()
    after = {"reply": 0, "receipt": 0}
    taken = BATCH
    while taken == BATCH and most > 0:
        while _apply_batch("reply", _apply_reply, after, counts, now) == BATCH:
            pass
        taken = _apply_batch("receipt", _apply_receipt, after, counts, now)
        most -= taken
    return dict(counts)


def _apply_batch(kind: str, apply: Any, after: dict[str, int], counts: Counter[str], now: datetime) -> int:
    """Apply the next rows of a kind, those that wait left behind; how many there were."""
    with transaction.atomic():
        waiting = Inbox.objects.select_for_update(skip_locked=True).filter(
            kind=kind, applied_at=None, pk__gt=after[kind]
        )
        rows = list(waiting.order_by("pk")[:BATCH])
        done = [row.pk for row in rows if _applied(row, apply, counts, now)]
        Inbox.objects.filter(pk__in=done).update(applied_at=now)
    if rows:
        after[kind] = rows[-1].pk
    return len(rows)


def _applied(row: Inbox, apply: Any, counts: Counter[str], now: datetime) -> bool:
    try:
        with transaction.atomic():
            outcome = apply(_opened(row), row, now)
    except Exception:
        # One unreadable row must not keep the others waiting; it is tried again with the next round.
        log.exception("inbox %d cannot be applied", row.pk)
        outcome = "waits"
    if outcome == "waits" and row.received_at < now - UNMATCHED_FOR:
        if row.kind == "reply":
            log.error(
                "reply %d could not be read for five minutes and is given up: it may have said stop", row.pk
            )
        outcome = "dropped"
    counts[outcome] += 1
    return outcome != "waits"


def _apply_receipt(item: dict[str, Any], row: Inbox, now: datetime) -> str:
    """A receipt moves its text forward, never back: delivered stands above undelivered, whichever came
    first.
    """
    ours = _named(item, row.provider)
    if ours is None:
        return "not_ours"
    text = Message.objects.filter(ours)
    # A text that waits to be sent again after a doubt was taken after all, if the operator reports on it.
    open_ = Q(state__in=_TAKEN) | Q(state=State.PENDING, attempt__gt=0)
    moved = text.filter(open_ | Q(state=State.UNDELIVERED) if item["delivered"] else open_).update(
        state=State.DELIVERED if item["delivered"] else State.UNDELIVERED,
        reason="" if item["delivered"] else "undelivered",
        final_at=now,
    )
    if moved:
        return "delivered" if item["delivered"] else "undelivered"
    if text.exists():
        return "known"
    # Our own id is in the database before the provider hears of it.
    return "not_ours" if item["out_id"] else "waits"


def _named(item: dict[str, Any], provider: str) -> Q | None:
    """How the receipt names its text: by our id, else by the provider's (Tencent Cloud), with the same
    number.
    """
    index = blind_index("phone", _canonical(item["phone"]))
    if item["out_id"]:
        try:
            return Q(pk=UUID(item["out_id"]), phone_key=index)
        except ValueError:
            return None
    return Q(provider=provider, provider_message_id=item["message_id"], phone_key=index)


def _canonical(phone: str) -> str:
    try:
        return normalise_phone(phone)
    except PhoneError:
        return phone


def _apply_reply(item: dict[str, Any], row: Inbox, now: datetime) -> str:
    """A reply that says stop (or may say so) stops every brand that knows the number. What does not simply say stop
    is put before a person in the store that wrote last.
    """
    says_stop = is_opt_out(item["text"])
    phone = _canonical(item["phone"])
    index = blind_index("phone", phone)
    words = item["text"].replace("\x00", "")
    for brand in _brands_knowing(index):
        if says_stop:
            stop_number(brand, phone, words, now)
        if says_stop is not True:
            put_before_a_person(brand, phone, words, stopped=bool(says_stop), at=now)
    return "opted_out" if says_stop else "read"


def _brands_knowing(index: bytes) -> list[Brand]:
    """A reply names no brand: those that wrote to the number or have it on file, else all of them."""
    brands = list(Brand.objects.order_by("pk"))
    knowing = [
        brand
        for brand in brands
        if Message.objects.filter(brand=brand, phone_key=index).exists()
        or Phone.objects.filter(brand=brand, number_index=index).exists()
        or OptOut.objects.filter(brand=brand, number_index=index).exists()
    ]
    return knowing or brands
