"""The plans of a store."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db.models import Count

from care.models import Plan
from staff.models import Store
from tiering.models import Adoption
from tiering.selectors.schemes import in_force_everywhere


def living_plan(store: Store, scheme_code: str) -> Plan | None:
    """The store's living plan under a scheme with its lines; None where none was made yet."""
    found = Plan.objects.filter(store=store, scheme_code=scheme_code, retired_at=None)
    return found.prefetch_related("lines").first()


def living_plans(store: Store, scheme_codes: Collection[str]) -> dict[str, Plan]:
    """The store's living plans under these schemes with their lines, by scheme. Two queries."""
    found = Plan.objects.filter(store=store, scheme_code__in=scheme_codes, retired_at=None)
    return {plan.scheme_code: plan for plan in found.prefetch_related("lines")}


@dataclass(frozen=True)
class Governing:
    """A scheme that is in force in a store, and the store's living plan under it; None where none was made yet."""

    adoption: Adoption
    plan: Plan | None

    @property
    def code(self) -> str:
        """The scheme's."""
        return self.adoption.version.scheme.code


def governing(store: Store, day: date) -> list[Governing]:
    """What grades and serves the store's guests on a day: one an axis, the main axis first. Three queries."""
    adoptions = in_force_everywhere(store.pk, day)
    plans = living_plans(store, {each.version.scheme.code for each in adoptions})
    return [Governing(each, plans.get(each.version.scheme.code)) for each in adoptions]


def plan_versions(store: Store, scheme_code: str) -> list[Plan]:
    """Every version of the plan, the latest first, with who made it and how many lines it has."""
    found = Plan.objects.filter(store=store, scheme_code=scheme_code).select_related("made_by")
    return list(found.annotate(lines_number=Count("lines")).order_by("-number"))
