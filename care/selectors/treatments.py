"""What a guest at the table is given, and which of it was given already on this visit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from care.playbook import Line
from care.selectors.plans import Governing, governing
from care.services.plans import line_of, shipped_lines
from care.treatments import is_given_at_table, slot_of, treatments
from customers.models import Patronage
from loyalty.models import TreatmentUse
from loyalty.selectors.giving import uses_now
from loyalty.services.keeping import sitting_of
from staff.models import Store
from tiering.axes import MAIN
from tiering.rules import TOGETHER
from tiering.selectors.schemes import scheme_of


@dataclass(frozen=True)
class Treatment:
    """A treatment of a guest. `now`: what fills its place on this visit (itself, or another of its group); `times` it was
    given so far; `is_ticked`: a waiter ticks it when it is given.
    """

    line: Line
    now: TreatmentUse | None
    times: int
    is_ticked: bool

    @property
    def is_used(self) -> bool:
        """Whether it was given on this visit."""
        return self.now is not None and self.now.code == self.line.code


def treatment_lines(governed: Sequence[Governing], patronage: Patronage) -> list[Line]:
    """The lines of the plans that are treatments of the guest's tiers: of the ladder the store lives by, and of those
    beside it that have a plan of their own.
    """
    found: dict[str, Line] = {}
    for each in governed:
        code, adoption, plan = each.code, each.adoption, each.plan
        label = patronage.tier if adoption.axis == MAIN else patronage.labels.get(adoption.axis, "")
        if not label:
            continue
        lines = [line_of(row) for row in plan.lines.all()] if plan else shipped_lines(code, adoption.axis)
        ladder, inherits = scheme_of(adoption.version).codes, bool(plan and plan.inherits)
        for tier in label.split(TOGETHER):
            for line in treatments(lines, ladder, tier, inherits):
                found.setdefault(line.code, line)
    return list(found.values())


def treatments_now(
    store: Store, patronage: Patronage, at: datetime, governed: Sequence[Governing] | None = None
) -> list[Treatment]:
    """The guest's treatments with what was given of them on the visit of this moment and before. `governed`: where the
    caller knows it already.
    """
    known = governing(store, store.business_day(at)) if governed is None else governed
    lines = treatment_lines(known, patronage)
    if not lines:
        return []
    uses = uses_now(store, patronage.customer_id, *sitting_of(store, patronage.customer_id, at))
    given = {each.use.slot: each.use for each in uses.values() if each.is_now}
    return [
        Treatment(
            line,
            given.get(slot_of(line)),
            uses[line.code].times if line.code in uses else 0,
            is_given_at_table(line),
        )
        for line in lines
    ]
