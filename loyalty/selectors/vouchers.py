"""The kinds of voucher with what became of them, a guest's vouchers, the last ones used."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from customers.models import Patronage
from loyalty.models import Redemption, Voucher, VoucherKind
from loyalty.worth import plain_code
from staff.models import Store

SHOWN = 50
OF_A_GUEST = 30


@dataclass(frozen=True)
class KindListed:
    """A kind with how many were issued and used, what that cost the store in fen, and how many new guests it brought."""

    kind: VoucherKind
    issued: int
    used: int
    saved_fen: int
    new_guests: int


def kinds_of(store: Store) -> QuerySet[VoucherKind]:
    """The living kinds of a store, by name."""
    return VoucherKind.objects.filter(store=store, retired_at=None).order_by("name", "pk")


def kind_choices(store: Store, *also: int | None) -> list[tuple[int, str]]:
    """The kinds a store may issue, to choose from, and those named beside. One query."""
    wanted = Q(retired_at=None) | Q(pk__in=[pk for pk in also if pk is not None])
    found = VoucherKind.objects.filter(wanted, store=store).order_by("name", "pk")
    return list(found.values_list("pk", "name"))


def kinds_listed(store: Store) -> list[KindListed]:
    """The living kinds with their figures. Three queries, however many kinds."""
    issued = dict(
        Voucher.objects.filter(kind__in=kinds_of(store).order_by())
        .values("kind")
        .annotate(number=Count("pk"))
        .values_list("kind", "number")
    )
    used = {
        row["voucher__kind"]: row
        for row in Redemption.objects.filter(store=store, voided_at=None)
        .values("voucher__kind")
        .annotate(number=Count("pk"), saved=Sum("saved_fen"), fresh=Count("pk", filter=Q(is_new=True)))
    }
    nothing = {"number": 0, "saved": 0, "fresh": 0}
    found = []
    for kind in kinds_of(store):
        row = used.get(kind.pk, nothing)
        found.append(KindListed(kind, issued.get(kind.pk, 0), row["number"], row["saved"] or 0, row["fresh"]))
    return found


def guests_by_tier(store: Store) -> dict[str, int]:
    """How many guests of the store have which tier. One query."""
    found = Patronage.objects.filter(store=store).values("tier").annotate(number=Count("pk"))
    return dict(found.values_list("tier", "number"))


def vouchers_of(store: Store, customer_id: int) -> list[Voucher]:
    """A guest's vouchers here, those that can be used longest first; `used` says which are gone. One query."""
    living = Redemption.objects.filter(voucher=OuterRef("pk"), voided_at=None)
    return list(
        Voucher.objects.filter(store=store, customer_id=customer_id)
        .select_related("kind")
        .annotate(used=Exists(living))
        .order_by("used", "-valid_until", "number", "pk")[:OF_A_GUEST]
    )


def voucher_page(
    store: Store, customer_id: int, *, after: tuple[int, int] | None, most: int
) -> tuple[list[Voucher], tuple[int, int] | None]:
    """A guest's vouchers here, the latest first, at most `most`, beginning behind `after` (day as an ordinal, id); and
    where the next page begins. `used` says which are gone. One query.
    """
    living = Redemption.objects.filter(voucher=OuterRef("pk"), voided_at=None)
    found = Voucher.objects.filter(store=store, customer_id=customer_id)
    if after is not None:
        day, pk = date.fromordinal(after[0]), after[1]
        found = found.filter(Q(issued_on__lt=day) | Q(issued_on=day, pk__lt=pk))
    shown = found.select_related("kind").annotate(used=Exists(living)).order_by("-issued_on", "-pk")
    rows: list[Voucher] = list(shown[: most + 1])
    last = rows[most - 1] if len(rows) > most else None
    return rows[:most], (last.issued_on.toordinal(), last.pk) if last else None


def usable_vouchers_of(store: Store, customer_id: int, on: date) -> list[Voucher]:
    """The guest's own vouchers that can be used on a day, the first to run out first. One query."""
    living = Redemption.objects.filter(voucher=OuterRef("pk"), voided_at=None)
    return list(
        Voucher.objects.filter(
            ~Exists(living), store=store, customer_id=customer_id, number=0, valid_until__gte=on
        )
        .select_related("kind")
        .order_by("valid_until", "pk")[:OF_A_GUEST]
    )


def is_usable(said: str, on: date) -> bool:
    """Whether the voucher of a code, as it was written, can be used on a day. One query."""
    living = Redemption.objects.filter(voucher=OuterRef("pk"), voided_at=None)
    found = Voucher.objects.filter(~Exists(living), code=plain_code(said)[:20], valid_until__gte=on)
    return found.exists()


def last_redemptions(store: Store) -> list[Redemption]:
    """What was used last in the store, taken back or not, with who used it and whose it was. One query."""
    return list(
        Redemption.objects.filter(store=store)
        .select_related("voucher__kind", "voucher__customer", "customer", "by")
        .order_by("-at", "-pk")[:SHOWN]
    )


def new_guests_brought(store: Store, customer_id: int) -> int:
    """How many came on file here with a voucher that this guest handed on."""
    return Redemption.objects.filter(
        store=store, voucher__customer_id=customer_id, is_new=True, voided_at=None
    ).count()
