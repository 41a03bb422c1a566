"""The plan of a store: its living version, made from the playbook that ships the first time it is asked
for.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from care.models import Plan, PlanLine
from care.playbook import Line, Playbook, read_playbook
from common.errors import NotHere, Refused
from loyalty.models import VoucherKind
from staff.models import Person, Store
from tiering.axes import MAIN
from tiering.models import Scheme, Segment

PLAYBOOKS = Path(__file__).resolve().parent.parent / "playbooks"
DEFAULT = "default"


@cache
def playbook_for(scheme_code: str) -> Playbook:
    """The playbook that ships for a scheme; the default one for a scheme that has none of its own."""
    path = PLAYBOOKS / f"{scheme_code}.json"
    if path not in PLAYBOOKS.glob("*.json"):
        path = PLAYBOOKS / f"{DEFAULT}.json"
    return read_playbook(json.loads(path.read_text(encoding="utf-8")))


def shipped_lines(scheme_code: str, axis: str) -> list[Line]:
    """The lines that ship for a scheme; of one beside the ladder none where it has no playbook of its own."""
    book = playbook_for(scheme_code)
    return list(book.lines) if axis == MAIN or book.scheme == scheme_code else []


@dataclass(frozen=True)
class ReadySet:
    """A ready-made set of gestures that belongs to no scheme: a store takes from it what it likes."""

    code: str
    zh: str
    en: str
    lines: tuple[Line, ...]


@cache
def ready_sets() -> tuple[ReadySet, ...]:
    """The sets that ship, in the order of their files."""
    found = []
    for path in sorted((PLAYBOOKS / "sets").glob("*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        found.append(ReadySet(path.stem, body["zh"], body["en"], read_playbook(body).lines))
    return tuple(found)


def plan_for(store: Store, scheme_code: str, at: datetime, actor: Person | None = None) -> Plan:
    """The living plan of the store under a scheme, made from the playbook where there is none yet. May run
    twice.
    """
    living = Plan.objects.filter(store=store, scheme_code=scheme_code, retired_at=None)
    if (plan := living.first()) is not None:
        return plan
    try:
        with transaction.atomic():
            return _write(store, scheme_code, 1, playbook_for(scheme_code), at, actor)
    except IntegrityError:
        # Somebody else made it at the same moment.
        return living.get()


def _write(
    store: Store,
    scheme_code: str,
    number: int,
    book: Playbook,
    at: datetime,
    actor: Person | None,
    inherits: bool = False,
    works: bool = False,
) -> Plan:
    plan = Plan.objects.create(
        store=store, scheme_code=scheme_code, number=number, made_at=at, made_by=actor, inherits=inherits,
        works=works,
    )  # fmt: skip
    PlanLine.objects.bulk_create(PlanLine(plan=plan, **_columns(line)) for line in book.lines)
    return plan


def _columns(line: Line) -> dict[str, Any]:
    """A line as its row is written."""
    said = asdict(line) | {"occasions": list(line.occasions)}
    said["gives_id"], said["segment_id"] = said.pop("gives"), said.pop("segment")
    return said


@transaction.atomic
def change_line(
    *, store: Store, scheme_code: str, code: str, actor: Person | None, at: datetime, **changes: Any
) -> Plan:
    """Change a line of the store's plan (switch it on or off, another cadence, other words): a new version.

    The old version stays on file with who retired it when; tasks that are open stay. A change that changes
    nothing returns the living version. Raises NotHere for a line the plan does not have, BadPlaybook for a
    change that cannot be meant.
    """
    living, lines = _living(store, scheme_code, at)
    _find(lines, code)
    changed = [replace(line, **changes) if line.code == code else line for line in lines]
    return _next(living, lines, changed, at, actor)


@transaction.atomic
def add_line(*, store: Store, scheme_code: str, line: Line, actor: Person | None, at: datetime) -> Plan:
    """One gesture more: a new version. Refuses a code the plan has; BadPlaybook for a line that cannot be meant."""
    living, lines = _living(store, scheme_code, at)
    if line.code in {each.code for each in lines}:
        raise Refused("plan_line_code_taken", field="code", status=409)
    return _next(living, lines, [*lines, line], at, actor)


@transaction.atomic
def add_ready(
    *,
    store: Store,
    scheme_code: str,
    lines: Sequence[Line],
    tier: str,
    actor: Person | None,
    at: datetime,
) -> int:
    """Take gestures of ready-made sets into the plan, for guests of `tier`: one new version; how many were added.

    A gesture that the tier has already (the same words at the same time through the same channel) is passed over, so
    twice is once. Refuses none at all.
    """
    if not lines:
        raise Refused("plan_none_chosen")
    living, mine = _living(store, scheme_code, at)
    has = {(line.tier, line.trigger, line.channel, line.zh) for line in mine}
    taken, wanted = codes_used(store, scheme_code), list(mine)
    for line in lines:
        if (tier, line.trigger, line.channel, line.zh) in has:
            continue
        code = free_code(taken, tier, line.trigger)
        taken.add(code)
        wanted.append(replace(line, code=code, tier=tier, enabled=True))
    _next(living, mine, wanted, at, actor)
    return len(wanted) - len(mine)


@transaction.atomic
def remove_line(*, store: Store, scheme_code: str, code: str, actor: Person | None, at: datetime) -> Plan:
    """One gesture less: a new version. Open tasks of the line stay. Refuses to take the last line."""
    living, lines = _living(store, scheme_code, at)
    _find(lines, code)
    if len(lines) == 1:
        raise Refused("plan_last_line")
    return _next(living, lines, [line for line in lines if line.code != code], at, actor)


@transaction.atomic
def set_inherits(
    *, store: Store, scheme_code: str, inherits: bool, actor: Person | None, at: datetime
) -> Plan:
    """Whether a tier is given what the tiers below it are given: a new version. As it is already: nothing."""
    living, lines = _living(store, scheme_code, at)
    return _next(living, lines, lines, at, actor, inherits)


@transaction.atomic
def set_works(*, store: Store, scheme_code: str, works: bool, actor: Person | None, at: datetime) -> Plan:
    """Whether the plan of an axis beside the ladder opens tasks and plans texts: a new version. As it is already:
    nothing. Open tasks stay as they are. Refuses the ladder's plan, which always does.
    """
    if not Scheme.objects.filter(store=store, code=scheme_code).exclude(axis=MAIN).exists():
        raise Refused("plan_always_works")
    living, lines = _living(store, scheme_code, at)
    return _next(living, lines, lines, at, actor, works=works)


@transaction.atomic
def restore(*, store: Store, scheme_code: str, number: int, actor: Person | None, at: datetime) -> Plan:
    """The plan as it was in version `number`: as a new version, so that nothing is lost. NotHere for no such one.

    Whether it works is no part of that: it goes on as it is now.
    """
    living, lines = _living(store, scheme_code, at)
    old = Plan.objects.filter(store=store, scheme_code=scheme_code, number=number).first()
    if old is None:
        raise NotHere()
    wanted = [line_of(row) for row in old.lines.all()]
    return _next(living, lines, wanted, at, actor, old.inherits)


def _living(store: Store, scheme_code: str, at: datetime) -> tuple[Plan, list[Line]]:
    Store.objects.select_for_update().get(pk=store.pk)
    living = plan_for(store, scheme_code, at)
    return living, [line_of(row) for row in living.lines.all()]


def _find(lines: list[Line], code: str) -> None:
    if code not in {line.code for line in lines}:
        raise NotHere()


def _next(
    living: Plan,
    lines: list[Line],
    wanted: list[Line],
    at: datetime,
    actor: Person | None,
    inherits: bool | None = None,
    works: bool | None = None,
) -> Plan:
    inherits = living.inherits if inherits is None else inherits
    works = living.works if works is None else works
    if wanted == lines and (inherits, works) == (living.inherits, living.works):
        return living
    _check_own(living.store, wanted)
    # Read back as a file would be: the same refusals for a page as for a playbook.
    book = read_playbook({"scheme": living.scheme_code, "lines": [asdict(line) for line in wanted]})
    living.retired_at = at
    living.save(update_fields=["retired_at"])
    return _write(living.store, living.scheme_code, living.number + 1, book, at, actor, inherits, works)


def _check_own(store: Store, wanted: list[Line]) -> None:
    """A line gives a voucher of its own store, to a segment of its own store. NotHere for another's."""
    kinds = {line.gives for line in wanted if line.gives is not None}
    segments = {line.segment for line in wanted if line.segment is not None}
    if kinds and VoucherKind.objects.filter(store=store, pk__in=kinds).count() != len(kinds):
        raise NotHere()
    if segments and Segment.objects.filter(store=store, pk__in=segments).count() != len(segments):
        raise NotHere()


def codes_used(store: Store, scheme_code: str) -> set[str]:
    """Every code that any version of any plan of the store has, or the playbook that ships: two gestures of one code
    would be one to the night.
    """
    kept = PlanLine.objects.filter(plan__store=store).values_list("code", flat=True)
    return {*kept, *(line.code for line in playbook_for(scheme_code).lines)}


def free_code(taken: Collection[str], tier: str, trigger: str) -> str:
    """A code that no version of a plan ever had: tasks of a line that was taken away keep theirs."""
    stem = f"{slugify(tier)[:14] or 'all'}_{trigger}"
    return next(code for n in range(1, 10_000) if (code := f"{stem}_{n}") not in taken)


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
        small=row.small,
        gives=row.gives_id,
        segment=row.segment_id,
        choice=row.choice,
        percent_off=row.percent_off,
    )
