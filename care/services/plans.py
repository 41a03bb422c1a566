"""The plan of a store: its living version, made from the playbook that ships the first time it is asked
for.
"""

import json
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path

from django.db import IntegrityError, transaction

from care.models import Plan, PlanLine
from care.playbook import Line, Playbook, read_playbook
from staff.models import Person, Store

PLAYBOOKS = Path(__file__).resolve().parent.parent / "playbooks"
DEFAULT = "default"


@cache
def playbook_for(scheme_code: str) -> Playbook:
    """The playbook that ships for a scheme; the default one for a scheme that has none of its own."""
    path = PLAYBOOKS / f"{scheme_code}.json"
    if path not in PLAYBOOKS.glob("*.json"):
        path = PLAYBOOKS / f"{DEFAULT}.json"
    return read_playbook(json.loads(path.read_text(encoding="utf-8")))


def plan_for(store: Store, scheme_code: str, at: datetime, actor: Person | None = None) -> Plan:
    """The living plan of the store under a scheme, made from the playbook where there is none yet. May run
    twice.
    """
    living = Plan.objects.filter(store=store, scheme_code=scheme_code, retired_at=None)
    if (plan := living.first()) is not None:
        return plan
    try:
        with transaction.atomic():
            latest = Plan.objects.filter(store=store, scheme_code=scheme_code).order_by("-number").first()
            plan = Plan.objects.create(
                store=store,
                scheme_code=scheme_code,
                number=latest.number + 1 if latest else 1,
                made_at=at,
                made_by=actor,
            )
            PlanLine.objects.bulk_create(
                PlanLine(plan=plan, **(asdict(line) | {"occasions": list(line.occasions)}))
                for line in playbook_for(scheme_code).lines
            )
            return plan
    except IntegrityError:
        # Somebody else made it at the same moment.
        return living.get()


def line_of(row: PlanLine) -> Line:
    """A stored line as the playbook's arithmetic takes it."""
    return Line(
        code=row.code,
        tier=row.tier,
        trigger=row.trigger,
        channel=row.channel,
        zh=row.zh,
        en=row.en,
        role=row.role,
        source_zh=row.source_zh,
        owner_first=row.owner_first,
        occasions=tuple(row.occasions),
        times=row.times,
        lead_days=row.lead_days,
        after_days=row.after_days,
        window_days=row.window_days,
        personal=row.personal,
        enabled=row.enabled,
    )
