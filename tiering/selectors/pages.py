"""What the pages of schemes and standings ask, each in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection

from staff.models import Store
from tiering.models import Adoption, Night, SchemeVersion, TierDecision
from tiering.rules import BadScheme, Scheme, read_scheme
from tiering.selectors.schemes import in_force, preset, scheme_of
from tiering.sentences import named


def scheme_behind_labels(store_id: int, axis: str = "tier") -> Scheme | None:
    """The scheme of the newest night decided: what the labels mean; None before the first night."""
    night = (
        Night.objects.filter(store_id=store_id, axis=axis)
        .select_related("version__scheme")
        .order_by("-business_date")
        .first()
    )
    return scheme_of(night.version) if night else None


def guests_per_axis(store_id: int) -> dict[str, dict[str, int]]:
    """How many guests of the store stand where now: axis → tier code → guests; an empty code: never graded. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.axis, l.tier, count(*) FROM customers_patronage p CROSS JOIN LATERAL ("
            "SELECT 'tier' AS axis, p.tier UNION ALL SELECT axis, tier FROM jsonb_each_text(p.labels) x(axis, tier)) l "
            "WHERE p.store_id = %s GROUP BY 1, 2",
            [store_id],
        )
        found: dict[str, dict[str, int]] = {}
        for axis, tier, guests in cursor.fetchall():
            found.setdefault(axis, {})[tier] = guests
    return found


@dataclass(frozen=True)
class Ladder:
    """What grades the store on a day, and what will: the adoption in force and the next one."""

    adoption: Adoption | None
    scheme: Scheme | None
    coming: Adoption | None


def ladder(store: Store, on: date) -> Ladder:
    """The scheme in force on `on`, and the next adoption after it."""
    adoption = in_force(store.pk, on)
    coming = (
        Adoption.objects.filter(store=store, axis="tier", from_date__gt=on, withdrawn_at=None)
        .select_related("version__scheme")
        .order_by("from_date", "-id")
        .first()
    )
    return Ladder(adoption, scheme_of(adoption.version) if adoption else None, coming)


@dataclass(frozen=True)
class Written:
    """A scheme to read: a version kept by the store, or a preset nobody adopted yet (`version` is None)."""

    scheme: Scheme
    version: SchemeVersion | None
    versions: list[SchemeVersion]
    is_preset: bool


def written(store: Store, code: str, number: int | None = None) -> Written | None:
    """The store's scheme of this code (its newest version, or `number`), else the preset, else None."""
    versions = list(
        SchemeVersion.objects.filter(scheme__store=store, scheme__code=code)
        .select_related("scheme", "created_by")
        .prefetch_related("adoptions")
        .order_by("-number")
    )
    body = preset(code)
    if versions:
        version = next((v for v in versions if number in (None, v.number)), None)
        return Written(scheme_of(version), version, versions, body is not None) if version else None
    if body is None or number is not None:
        return None
    try:
        return Written(read_scheme(body), None, [], True)
    except BadScheme:
        return None


def written_name(scheme: Scheme, version: SchemeVersion | None) -> str:
    """The full name of a scheme, with its version where it has one: 餐厅顾客分类（近一月） v2."""
    return f"{named(scheme)} v{version.number}" if version else named(scheme)


def decisions_of(store: Store, customer_id: int, axis: str = "tier", most: int = 24) -> list[TierDecision]:
    """How a guest's tier went in this store, the newest first."""
    return list(
        TierDecision.objects.filter(store=store, customer_id=customer_id, axis=axis)
        .select_related("version__scheme")
        .order_by("-business_date", "-id")[:most]
    )


def reasons_before(
    store: Store, on: date, customer_ids: Iterable[int], axis: str = "tier"
) -> dict[int, list[str]]:
    """The lines that held in each guest's decision before the night of `on`. One query."""
    rows = (
        TierDecision.objects.filter(
            store=store, axis=axis, business_date__lt=on, customer_id__in=list(customer_ids)
        )
        .order_by("customer_id", "-business_date", "-id")
        .distinct("customer_id")
        .values_list("customer_id", "reasons")
    )
    return {pk: [name for name in reasons if isinstance(name, str)] for pk, reasons in rows}
