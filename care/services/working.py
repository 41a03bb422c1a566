"""The plans that work on a day: the ladder's first, then those of the axes beside it that were switched on, in the order
of the axes; and what is said in SQL of the guests (`p`, a patronage) whom their lines are for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from care.models import PlanLine
from care.playbook import EVERYBODY, Line
from care.services.plans import DEFAULT, line_of, plan_for
from care.treatments import heirs
from staff.models import Store
from tiering.axes import MAIN, axis_order
from tiering.compile import quoted
from tiering.models import Adoption
from tiering.rules import TOGETHER, UNRATED
from tiering.selectors.schemes import scheme_of


@dataclass(frozen=True)
class Door:
    """An axis and the scheme in force on it: what stands on a guest's door there. `tiers` the highest first, empty where
    nothing was adopted; `joined`: of labels, where a guest may have several.
    """

    code: str
    axis: str
    tiers: tuple[str, ...] = ()
    joined: bool = False

    @property
    def label(self) -> str:
        """The guest's label."""
        return "p.tier" if self.axis == MAIN else f"coalesce(p.labels ->> {quoted(self.axis)}, '')"

    @property
    def graded(self) -> str:
        """Whether the guest stands on the axis at all; on the ladder everybody does, the unrated too."""
        return "true" if self.axis == MAIN else f"{self.label} NOT IN ('', {quoted(UNRATED)})"

    def has(self, tiers: Collection[str]) -> str:
        """Whether the guest has one of these tiers."""
        if not tiers:
            return "false"
        listed = ", ".join(quoted(tier) for tier in sorted(tiers))
        if self.joined:
            return f"string_to_array({self.label}, '{TOGETHER}') && ARRAY[{listed}]::text[]"
        return f"{self.label} IN ({listed})"

    def has_that(self, tier: str) -> str:
        """Whether the guest has the tier that a column names."""
        if self.joined:
            return f"{tier} = ANY(string_to_array({self.label}, '{TOGETHER}'))"
        return f"{tier} = {self.label}"

    def meets(self, tiers: Collection[str], own: Collection[str]) -> str:
        """Whether a line for `tiers` is for the guest; one for everybody is not for those of `own`."""
        if EVERYBODY in tiers:
            return f"{self.graded} AND NOT ({self.has(own)})"
        return self.has(tiers)

    def tier_for(self, line: Line) -> str:
        """The guest's tier for which the line is opened: one, also where the guest has several."""
        if not self.joined:
            return self.label
        return (
            f"split_part({self.label}, '{TOGETHER}', 1)"
            if line.tier == EVERYBODY
            else f"{quoted(line.tier)}::text"
        )


@dataclass(frozen=True)
class Working:
    """A plan that opens tasks and plans texts, with its lines that are switched on."""

    door: Door
    rows: Sequence[PlanLine]
    lines: Sequence[Line]
    inherits: bool

    def tiers_of(self, line: Line) -> list[str]:
        """The tiers that are given a treatment: the line's own, and where the plan inherits those above it."""
        return [line.tier, *(heirs(self.lines, self.door.tiers, line) if self.inherits else ())]


def doors(adoptions: Sequence[Adoption]) -> list[Door]:
    """What is in force on a day, the ladder first, then the axes in their order; a store without a ladder lives by the
    plan for all.
    """
    found = [door_of(each) for each in sorted(adoptions, key=lambda each: axis_order(each.axis))]
    return found if found and found[0].axis == MAIN else [Door(DEFAULT, MAIN), *found]


def door_of(adoption: Adoption) -> Door:
    """What an adoption puts on the doors."""
    scheme = scheme_of(adoption.version)
    return Door(adoption.version.scheme.code, adoption.axis, scheme.codes, not scheme.is_ladder)


def working_plans(store: Store, found: Sequence[Door], at: datetime) -> list[Working]:
    """The plans of these doors that work, in order. One query; the ladder's plan is made where there is none yet."""
    ladder, *beside = [door.code for door in found]
    living = PlanLine.objects.filter(
        Q(plan__scheme_code=ladder) | Q(plan__works=True, plan__scheme_code__in=beside),
        plan__store=store, plan__retired_at=None, enabled=True,
    ).select_related("plan", "gives", "segment")  # fmt: skip
    rows = list(living)
    if not any(row.plan.scheme_code == ladder for row in rows):
        plan_for(store, ladder, at)
        rows = list(living.all())
    plans = []
    for door in found:
        mine = [row for row in rows if row.plan.scheme_code == door.code]
        if mine:
            plans.append(Working(door, mine, [line_of(row) for row in mine], mine[0].plan.inherits))
    return plans
