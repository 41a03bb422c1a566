"""What was adopted when, on every axis: in force, coming, and before."""

from dataclasses import dataclass
from datetime import date

from staff.models import Store
from tiering.models import Adoption, SchemeVersion
from tiering.rules import Scheme
from tiering.selectors.schemes import scheme_of

HISTORY_SHOWN = 60


@dataclass(frozen=True)
class InUse:
    """What grades an axis of the store: in force, coming next (and after that), and what held before."""

    axis: str
    adoption: Adoption | None
    scheme: Scheme | None
    coming: list[Adoption]
    before: SchemeVersion | None


def adoptions(store: Store) -> list[Adoption]:
    """Every adoption of the store, the newest first; withdrawn ones too."""
    return list(
        Adoption.objects.filter(store=store)
        .select_related("version__scheme", "adopted_by", "withdrawn_by")
        .order_by("-from_date", "-id")[:HISTORY_SHOWN]
    )


def in_use(store: Store, on: date) -> list[InUse]:
    """Every axis on which something was adopted, the main one first. One query."""
    living = (
        Adoption.objects.filter(store=store, withdrawn_at=None)
        .select_related("version__scheme")
        .order_by("from_date", "id")
    )
    axes: dict[str, list[Adoption]] = {}
    for adoption in living:
        axes.setdefault(adoption.axis, []).append(adoption)
    return [
        _in_use(axis, rows, on)
        for axis, rows in sorted(axes.items(), key=lambda pair: (pair[0] != "tier", pair[0]))
    ]


def _in_use(axis: str, rows: list[Adoption], on: date) -> InUse:
    begun = [row for row in rows if row.from_date <= on]
    adoption = begun[-1] if begun else None
    return InUse(
        axis,
        adoption,
        scheme_of(adoption.version) if adoption else None,
        # Of two for one day the later written holds.
        list({row.from_date: row for row in rows if row.from_date > on}.values()),
        _before(begun),
    )


def _before(begun: list[Adoption]) -> SchemeVersion | None:
    """The version that graded before the one in force: one that never saw a day of its own is passed over."""
    held = list({row.from_date: row for row in begun}.values())
    for row in reversed(held[:-1]):
        if row.version_id != held[-1].version_id:
            return row.version
    # Adopted and replaced on one day: what was replaced is what held.
    same_day = [row for row in begun if row.from_date == held[-1].from_date] if held else []
    return same_day[-2].version if len(same_day) > 1 else None


def held_before(store_id: int, axis: str, on: date) -> SchemeVersion | None:
    """What `roll_back` would take up again; None where nothing graded the axis before."""
    begun = (
        Adoption.objects.filter(store_id=store_id, axis=axis, from_date__lte=on, withdrawn_at=None)
        .select_related("version__scheme")
        .order_by("from_date", "id")
    )
    return _before(list(begun))
