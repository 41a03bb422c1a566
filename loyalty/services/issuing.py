"""Vouchers into guests' hands: one statement for however many guests; issuing twice is the same as once."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _lazy

from common.errors import NotHere, Refused
from common.messages import add_sentences
from customers.models import Patronage
from loyalty.models import Voucher, VoucherKind
from loyalty.models.voucher import ONCE
from loyalty.worth import ALPHABET, CODE_LENGTH
from staff.models import Person, Store
from tiering.models import Segment
from tiering.selectors.segments import guests_in

FRIENDS_AT_MOST = 10
OCCASION_AT_MOST = 40

add_sentences(
    {
        "issue_name": _lazy("请写这次发券的名目，例如“端午促销”。"),
        "issue_whom": _lazy("请选发给哪些客人：等级或客群。"),
        "issue_nothing": _lazy("请至少发一张。"),
        "issue_friends": _lazy("给朋友的券最多 %(most)s 张。"),
        "issue_not_for_friends": _lazy("“%(name)s”不能转给别人，不能发给朋友用的券。"),
        "voucher_once": _lazy("这种券一人只发一次，并且要有手机号：请另选一种。"),
        "kind_retired": _lazy("“%(name)s”已经停用，不能再发。"),
    }
)

# In the order of the guests, so that two runs at one moment wait for each other and never in a circle.
_ISSUE = """
INSERT INTO loyalty_voucher (store_id, kind_id, customer_id, occasion, number, code, issued_on, issued_at,
    issued_by_id, valid_until)
SELECT p.store_id, %(kind)s, p.customer_id, g.occasion, g.number, g.code, %(on)s, %(at)s, %(by)s, %(until)s
FROM unnest(%(guests)s::bigint[], %(occasions)s::text[], %(numbers)s::int[], %(codes)s::text[])
    g(customer_id, occasion, number, code)
JOIN customers_patronage p ON p.store_id = %(store)s AND p.customer_id = g.customer_id
WHERE NOT %(once)s OR EXISTS (SELECT 1 FROM customers_phone t WHERE t.customer_id = p.customer_id AND t.kind = 'own')
ORDER BY p.customer_id, g.occasion, g.number
ON CONFLICT DO NOTHING
"""


def issue(
    *,
    store: Store,
    kind: VoucherKind,
    guests: Iterable[tuple[int, str]],
    on: date,
    at: datetime,
    actor: Person | None = None,
    own: int = 1,
    friends: int = 0,
) -> int:
    """Give vouchers of a kind to guests of the store, each with its occasion; how many are new.

    `own` (0 or 1) for the guest, `friends` to hand on. A kind that a person gets once is given once whatever the
    occasion, and only to whom has an own number. Refuses a kind that is retired, and friends for a kind that cannot
    be handed on; NotHere for another store's kind.
    """
    if kind.store_id != store.pk:
        raise NotHere()
    if kind.retired_at is not None:
        raise Refused("kind_retired", status=409, name=kind.name)
    if friends and not kind.transferable:
        raise Refused("issue_not_for_friends", field="friends", name=kind.name)
    numbers = [*range(1 - own, 1), *range(1, friends + 1)]
    rows = [(pk, ONCE if kind.once else occasion[:60], n) for pk, occasion in sorted(guests) for n in numbers]
    if not rows:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _ISSUE,
            {
                "store": store.pk, "kind": kind.pk, "on": on, "at": at, "by": actor.pk if actor else None,
                "until": on + timedelta(days=kind.valid_days), "once": kind.once,
                "guests": [pk for pk, _, _ in rows], "occasions": [occasion for _, occasion, _ in rows],
                "numbers": [n for _, _, n in rows], "codes": [new_code() for _ in rows],
            },
        )  # fmt: skip
        return int(cursor.rowcount)


@transaction.atomic
def issue_to_group(
    *,
    store: Store,
    kind_id: int,
    name: str,
    tiers: Sequence[str],
    segment: Segment | None,
    own: int,
    friends: int,
    actor: Person | None,
    at: datetime,
) -> int:
    """Give a kind to everybody of some tiers, or of a segment, under a name; how many vouchers are new.

    Under the same name again only those who joined the group since get theirs. Refuses an empty name, no group,
    nothing to give, more than ten for friends; NotHere for another store's kind or segment.
    """
    name = " ".join(name.split())[:OCCASION_AT_MOST]
    if not name:
        raise Refused("issue_name", field="name")
    if not tiers and segment is None:
        raise Refused("issue_whom", field="whom")
    if not own and not friends:
        raise Refused("issue_nothing", field="friends")
    if friends > FRIENDS_AT_MOST:
        raise Refused("issue_friends", field="friends", most=FRIENDS_AT_MOST)
    kind = VoucherKind.objects.filter(store=store, pk=kind_id).first()
    if kind is None or (segment is not None and segment.store_id != store.pk):
        raise NotHere()
    on = store.business_day(at)
    ids = set(
        Patronage.objects.filter(store=store, tier__in=list(tiers)).values_list("customer_id", flat=True)
    )
    if segment is not None:
        ids |= set(guests_in(segment, store, on))
    return issue(
        store=store, kind=kind, guests=[(pk, f"issue:{name}") for pk in ids], on=on, at=at, actor=actor, own=own,
        friends=friends,
    )  # fmt: skip


def issue_by_hand(*, store: Store, kind_id: int, customer_id: int, actor: Person | None, at: datetime) -> int:
    """Give one guest one voucher; a second of the same kind on the same day is not given. How many are new, 0 or 1."""
    on = store.business_day(at)
    given = give_one(
        store=store, kind_id=kind_id, customer_id=customer_id, occasion=f"hand:{on}", actor=actor, at=at
    )
    return int(given.is_new)


@dataclass(frozen=True)
class Given:
    """The voucher a guest holds of a kind for an occasion, and whether it is new; None where it cannot be given: a person
    gets the kind once, and had it, or has no own number.
    """

    voucher: Voucher | None
    is_new: bool


@transaction.atomic
def give_one(
    *, store: Store, kind_id: int, customer_id: int, occasion: str, actor: Person | None, at: datetime
) -> Given:
    """Give one guest one voucher for an occasion; given already, it is that one. Refuses (409) a kind that is retired;
    NotHere for another store's kind or guest.
    """
    kind = VoucherKind.objects.filter(store=store, pk=kind_id).first()
    if kind is None or not Patronage.objects.filter(store=store, customer_id=customer_id).exists():
        raise NotHere()
    number = issue(
        store=store,
        kind=kind,
        guests=[(customer_id, occasion)],
        on=store.business_day(at),
        at=at,
        actor=actor,
    )
    wanted = ONCE if kind.once and number else occasion
    held = Voucher.objects.filter(
        store=store, kind=kind, customer_id=customer_id, occasion=wanted[:60], number=0
    )
    return Given(held.select_related("kind", "customer").first(), bool(number))


def new_code() -> str:
    """A code nobody can guess: ten signs out of thirty-one, from the system's source of chance."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
