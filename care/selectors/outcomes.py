"""What the gestures of a store earned, asked for the page of results: a fixed number of queries."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from care.models import PlanLine
from care.outcomes import Earned
from staff.models import Store

# Every day and tier weighs in the base as its gestures do; a day without anybody to compare with weighs nothing.
_EARNED = """
WITH day AS (
    SELECT o.code, o.trigger, o.channel, o.tier, o.made_on, o.days, count(*) AS made, count(o.came_on) AS came,
        coalesce(sum(o.spend_fen), 0) AS spend
    FROM care_outcome o WHERE o.store_id = %(store)s AND o.made_on BETWEEN %(first)s AND %(last)s
        AND o.code NOT LIKE 'campaign:%%'
    GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT d.code, min(d.trigger), min(d.channel), string_agg(DISTINCT d.tier, ' '), min(d.days), max(d.days),
    sum(d.made), sum(d.came), sum(d.spend),
    coalesce(sum(d.made * b.came / b.guests::float8), 0), coalesce(sum(d.made * b.guests), 0)::float8,
    coalesce(sum(d.made) FILTER (WHERE b.guests > 0), 0), coalesce(sum(d.came) FILTER (WHERE b.guests > 0), 0)
FROM day d LEFT JOIN care_baseline b ON b.store_id = %(store)s AND b.code = d.code AND b.tier = d.tier
    AND b.made_on = d.made_on AND b.days = d.days AND b.guests > 0
GROUP BY d.code
"""


@dataclass(frozen=True)
class Result:
    """What one plan line (or one kind of text) earned in a period. `zh` is empty where it is no plan line."""

    code: str
    trigger: str
    channel: str
    tiers: list[str]
    days: tuple[int, int]
    earned: Earned
    zh: str = ""
    en: str = ""
    tier: str = ""  # the tier that the plan line is written for; what it reached is in `tiers`

    @property
    def by_hand(self) -> bool:
        """Whether a person greeted in place of a text."""
        return self.code.endswith("_by_hand")


def results_of(store: Store, first: date, last: date) -> list[Result]:
    """What the gestures made between two days earned, the most tables first; those whose days are over. Two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_EARNED, {"store": store.pk, "first": first, "last": last})
        rows = cursor.fetchall()
    names = {
        line.code: line
        for line in PlanLine.objects.filter(plan__store=store, code__in=[row[0] for row in rows]).order_by(
            "pk"
        )
    }
    found = []
    for (
        code,
        trigger,
        channel,
        tiers,
        shortest,
        longest,
        made,
        came,
        spend,
        base,
        others,
        like,
        like_came,
    ) in rows:
        earned = Earned(
            int(made),
            int(came),
            int(spend),
            base=base / float(like) if like else 0.0,
            base_of=others / float(like) if like else 0.0,
            compared=int(like),
            compared_came=int(like_came),
        )
        line = names.get(code)
        found.append(
            Result(
                code, trigger, channel, [tier for tier in tiers.split(" ") if tier], (shortest, longest), earned,
                line.zh if line else "", line.en if line else "", line.tier if line else "",
            )
        )  # fmt: skip
    return sorted(
        found, key=lambda each: (-(each.earned.tables.value if each.earned.tables else 0.0), each.code)
    )
