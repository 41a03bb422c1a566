"""The plans of a store."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Count

from care.models import Plan
from care.playbook import UNDATED, Line, tiers_with_own
from care.services.working import Door
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


def codes_working(store: Store, scheme_codes: Collection[str]) -> set[str]:
    """The schemes among these whose plan was switched on. One query."""
    found = Plan.objects.filter(store=store, scheme_code__in=scheme_codes, retired_at=None, works=True)
    return set(found.values_list("scheme_code", flat=True))


def lines_at_night(lines: Sequence[Line]) -> list[Line]:
    """The lines by which the night of a plan beside the ladder opens tasks and plans texts: the others have no day, or
    ask the forecast, which knows the ladder only.
    """
    return [line for line in lines if line.enabled and line.trigger not in (*UNDATED, "falling")]


def guests_concerned(store: Store, door: Door, lines: Sequence[Line]) -> int:
    """How many guests of the store one of these lines is for. One query."""
    meets = [door.meets([line.tier], tiers_with_own(lines, line)) for line in lines]
    if not meets:
        return 0
    one = " OR ".join(f"({each})" for each in dict.fromkeys(meets))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM customers_patronage p WHERE p.store_id = %(store)s AND ({one})",
            {"store": store.pk},
        )
        return int(cursor.fetchone()[0])
