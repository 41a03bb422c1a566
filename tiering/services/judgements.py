"""What a person says of a guest where no number can: a judgement for a rule's manual line, a tier given by hand."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import BadFields, NotHere, Refused
from common.messages import add_sentences
from customers.models import Patronage
from staff.models import Person, Store
from tiering.models import Judgement, Override
from tiering.rules import Scheme
from tiering.selectors.decisions import is_unrated
from tiering.selectors.schemes import in_force, scheme_of

# A flag on a guest whose tier stays: the plan of the tier she is likely to reach is hers already.
LIKELY = "likely-"
# Judgements that rest on a paper and end with it: the reason names it, the last day is asked for.
BOUNDED = {"cooperating", "short_stay"}
LONGEST_DAYS = 366
REASON_AT_LEAST = 2
REASON_AT_LEAST_SKIPPING = 5

add_sentences(
    {
        "judgement_reason": _("请写明理由，至少 %(least)s 个字。"),
        "judgement_needs_end": _("“合作”和“临时”要写明到哪一天为止。"),
        "judgement_needs_agreement": _("请写明协议编号或依据。"),
        "judgement_days": _("结束日期不能早于开始日期。"),
        "override_tier_unknown": _("现在的方案里没有“%(tier)s”这个级别。"),
        "override_too_long": _("人工指定最长一年，到期可以再确认一次。"),
        "override_no_scheme": _("这家店还没有采用等级方案。"),
    }
)


@transaction.atomic
def judge(
    *, store: Store, customer_id: int, code: str, reason: str, actor: Person, on: date, at: datetime,
    valid_until: date | None = None,
) -> Judgement:  # fmt: skip
    """Say of a guest what a rule's manual line asks; a judgement of the same code that stands is replaced.

    Refuses (BadFields) a reason that says nothing, an end before `on`, and one of `BOUNDED` without agreement and end.
    """
    _lock(store, customer_id)
    bad: dict[str, Refused] = {}
    if len(reason.strip()) < REASON_AT_LEAST:
        missing = "judgement_needs_agreement" if code in BOUNDED else "judgement_reason"
        bad["reason"] = Refused(missing, field="reason", least=REASON_AT_LEAST)
    if valid_until is None and code in BOUNDED:
        bad["valid_until"] = Refused("judgement_needs_end", field="valid_until")
    if valid_until and valid_until < on:
        bad["valid_until"] = Refused("judgement_days", field="valid_until")
    if bad:
        raise BadFields(bad)
    Judgement.objects.filter(store=store, customer_id=customer_id, code=code, withdrawn_at=None).update(
        withdrawn_at=at, withdrawn_by=actor
    )
    return Judgement.objects.create(
        store=store, customer_id=customer_id, code=code, reason=reason.strip()[:200], valid_from=on,
        valid_until=valid_until, recorded_at=at, recorded_by=actor,
    )  # fmt: skip


@transaction.atomic
def withdraw_judgement(*, store: Store, judgement_id: int, actor: Person, at: datetime) -> Judgement:
    """Take a judgement back. Twice is the same as once; another store's is NotHere."""
    found = Judgement.objects.select_for_update().filter(store=store, pk=judgement_id).first()
    if found is None:
        raise NotHere()
    if found.withdrawn_at is None:
        found.withdrawn_at, found.withdrawn_by = at, actor
        found.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return found


@transaction.atomic
def override_tier(
    *, store: Store, customer_id: int, tier: str, reason: str, valid_until: date, actor: Person, on: date,
    at: datetime, axis: str = "tier",
) -> Override:  # fmt: skip
    """Give a guest a tier by hand from `on` to `valid_until`, both included; an override that stands is replaced.

    The night decides by it and falls back by itself the day after. Refuses (BadFields) a tier that the scheme in
    force does not have, more than a year, and a reason too short: where the tier given skips one, five characters.
    """
    patronage = _lock(store, customer_id)
    adoption = in_force(store.pk, on, axis)
    if adoption is None:
        raise Refused("override_no_scheme", field="tier")
    scheme = scheme_of(adoption.version)
    now_at = patronage.tier if axis == "tier" else patronage.labels.get(axis, "")
    least = REASON_AT_LEAST_SKIPPING if _skips(scheme, now_at, tier) else REASON_AT_LEAST
    bad: dict[str, Refused] = {}
    if tier not in scheme.codes:
        bad["tier"] = Refused("override_tier_unknown", field="tier", tier=tier)
    if len(reason.strip()) < least:
        bad["reason"] = Refused("judgement_reason", field="reason", least=least)
    if valid_until < on:
        bad["valid_until"] = Refused("judgement_days", field="valid_until")
    elif (valid_until - on).days > LONGEST_DAYS:
        bad["valid_until"] = Refused("override_too_long", field="valid_until")
    if bad:
        raise BadFields(bad)
    Override.objects.filter(store=store, customer_id=customer_id, axis=axis, withdrawn_at=None).update(
        withdrawn_at=at, withdrawn_by=actor
    )
    return Override.objects.create(
        store=store, customer_id=customer_id, axis=axis, tier=tier, reason=reason.strip()[:200], valid_from=on,
        valid_until=valid_until, recorded_at=at, recorded_by=actor,
    )  # fmt: skip


@transaction.atomic
def withdraw_override(*, store: Store, override_id: int, actor: Person, at: datetime) -> Override:
    """Let the rules decide again, from the next night on. Twice is the same as once; another store's is NotHere."""
    found = Override.objects.select_for_update().filter(store=store, pk=override_id).first()
    if found is None:
        raise NotHere()
    if found.withdrawn_at is None:
        found.withdrawn_at, found.withdrawn_by = at, actor
        found.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return found


def _lock(store: Store, customer_id: int) -> Patronage:
    patronage = Patronage.objects.select_for_update().filter(store=store, customer_id=customer_id).first()
    if patronage is None:
        raise NotHere()
    return patronage


def _skips(scheme: Scheme, before: str, tier: str) -> bool:
    """Whether the tier given lies more than one above the one the guest has."""
    if is_unrated(before) or not scheme.is_ladder:
        return False
    return scheme.rank(before) - scheme.rank(tier) > 1
