"""What guests answered: a stop is carried out, anything else is read by a person, who may stop or lift a stop.

A reply that only may have said stop stops the number at once and waits to be read: a text too few is cheaper than one
too many.
"""

from datetime import datetime

from django.db import transaction

from care.models import GuestReply, Message
from common.errors import NotHere, Refused
from common.keys import blind_index
from customers.models import Consent, OptOut, Patronage, Phone
from customers.models.consent import Source
from customers.services.customers import opt_out_number, state_consent
from staff.models import Brand, Person, Store

Outcome = GuestReply.Outcome


def stop_number(brand: Brand, phone: str, words: str, at: datetime) -> None:
    """No text to this number any more, and an end to those that wait. May run twice."""
    opt_out_number(brand=brand, phone=phone, words=words, source=Source.REPLY, at=at)
    waiting = Message.objects.filter(
        brand=brand, phone_key=blind_index("phone", phone), state=Message.State.PENDING
    )
    waiting.update(state=Message.State.SKIPPED, reason="opted_out", final_at=at)


def put_before_a_person(
    brand: Brand, phone: str, words: str, *, stopped: bool, at: datetime
) -> GuestReply | None:
    """Put a reply on the list of the store that wrote to the number last, or where its guest is on file; None where
    nobody in the brand knows the number.
    """
    index = blind_index("phone", phone)
    known = (
        Message.objects.filter(brand=brand, phone_key=index)
        .order_by("-created_at")
        .values_list("store_id", "customer_id")
        .first()
        or Patronage.objects.filter(
            store__brand=brand,
            customer__in=Phone.objects.filter(brand=brand, number_index=index).values("customer"),
        )
        .order_by("pk")
        .values_list("store_id", "customer_id")
        .first()
    )
    if known is None:
        return None
    return GuestReply.objects.create(
        store_id=known[0], customer_id=known[1], number=phone, number_index=index, words=words, stopped=stopped, at=at
    )  # fmt: skip


@transaction.atomic
def read_reply(
    *, store: Store, reply_id: int, outcome: str, actor: Person | None, at: datetime
) -> GuestReply:
    """Somebody read a reply: nothing to do (`read`), it means stop (`stop`), or it never meant stop (`lifted`).

    Doing the same again is once. Refuses to lift what stopped nothing, or what somebody else decided meanwhile.
    Raises NotHere for another store's.
    """
    reply = (
        GuestReply.objects.select_for_update(of=("self",))
        .select_related("store__brand")
        .filter(store=store, pk=reply_id)
        .first()
    )
    if reply is None:
        raise NotHere()
    if reply.outcome == outcome:
        return reply
    if reply.read_at is not None:
        raise Refused("reply_read", status=409)
    if outcome == Outcome.LIFTED and not reply.stopped:
        raise Refused("reply_stopped_nothing", status=409)
    brand = reply.store.brand
    if outcome == Outcome.STOP:
        stop_number(brand, str(reply.number or ""), str(reply.words or ""), at)
    if outcome == Outcome.LIFTED:
        _lift(brand, reply, actor, at)
    reply.read_at, reply.read_by, reply.outcome = at, actor, outcome
    reply.save(update_fields=["read_at", "read_by", "outcome"])
    return reply


@transaction.atomic
def read_others(*, store: Store, actor: Person | None, at: datetime) -> int:
    """All the store's unread replies that stopped nothing were read; how many. May run twice."""
    unread = GuestReply.objects.filter(store=store, read_at=None, stopped=False)
    return unread.update(read_at=at, read_by=actor, outcome=Outcome.READ)


def _lift(brand: Brand, reply: GuestReply, actor: Person | None, at: datetime) -> None:
    """Take back what this very reply did: a stop or a no that was said elsewhere, before or after, stays."""
    key = bytes(reply.number_index)
    OptOut.objects.filter(brand=brand, number_index=key, source=Source.REPLY, since=reply.at).delete()
    owners = Phone.objects.filter(brand=brand, number_index=key, kind=Phone.Kind.OWN).select_related(
        "customer"
    )
    for owner in owners:
        said = Consent.objects.filter(customer=owner.customer, purpose="sms", phone=None).order_by(
            "-at", "given"
        )[:2]
        latest, before = (*said, None, None)[:2]
        misread = latest is not None and latest.source == Source.REPLY and latest.at == reply.at
        if misread and before is not None and before.given:
            state_consent(
                customer=owner.customer, given=True, said_at=at, source=Source.DESK, store=reply.store, actor=actor,
                at=at,
            )  # fmt: skip
