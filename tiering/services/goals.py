"""What a store wants of a class of guests."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.messages import add_sentences
from staff.models import Person, Store
from tiering.goals import METRICS
from tiering.models import Goal

add_sentences({"goal_unreadable": _("目标应是大于零的数字；不要目标就留空。")})


@transaction.atomic
def set_goals(
    *,
    store: Store,
    axis: str,
    targets: Mapping[tuple[str, str], int | None],
    actor: Person | None,
    at: datetime,
) -> int:
    """Write the targets, by (tier, metric), in hundredths (money in fen); None takes a goal away.

    Returns how many changed; the same again changes none. Refuses a metric that nobody measures and a target that
    is not above zero.
    """
    kept = {
        (goal.tier, goal.metric): goal
        for goal in Goal.objects.select_for_update().filter(store=store, axis=axis).order_by("pk")
    }
    changed = 0
    for (tier, metric), target in targets.items():
        if metric not in METRICS or (target is not None and target <= 0):
            raise Refused("goal_unreadable", field=f"{tier}-{metric}")
        goal = kept.get((tier, metric))
        if target == (goal.target if goal else None):
            continue
        changed += 1
        if target is None:
            kept[tier, metric].delete()
        elif goal is None:
            Goal.objects.create(
                store=store, axis=axis, tier=tier, metric=metric, target=target, set_at=at, set_by=actor
            )
        else:
            goal.target, goal.set_at, goal.set_by = target, at, actor
            goal.save(update_fields=["target", "set_at", "set_by"])
    return changed
