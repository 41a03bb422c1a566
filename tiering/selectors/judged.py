"""What people said of a guest: the judgements, the tier given by hand, and what the schemes in force ask for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from staff.models import Store
from tiering.models import Adoption, Judgement, Override
from tiering.rules import Scheme, needs_of
from tiering.selectors.schemes import scheme_of
from tiering.sentences import JUDGEMENTS, tier_name
from tiering.services.judgements import LIKELY

SHOWN = 40


@dataclass(frozen=True)
class Said:
    """A judgement with its name. `stands`: it is in force on the day asked for."""

    judgement: Judgement
    name: str
    stands: bool


def judgement_name(code: str, scheme: Scheme | None) -> str:
    """What a judgement says: `确认为VIP`; of a flag `可能升为B类顾客` (by the main axis's scheme); else its code."""
    if code.startswith(LIKELY):
        tier = code.removeprefix(LIKELY)
        return _("可能升为%(tier)s") % {"tier": tier_name(scheme, tier) if scheme else tier}
    return str(JUDGEMENTS.get(code, code))


def said_of(store: Store, customer_id: int, on: date, scheme: Scheme | None) -> list[Said]:
    """The judgements of a guest, those in force first, then the newest. One query."""
    rows = (
        Judgement.objects.filter(store=store, customer_id=customer_id)
        .select_related("recorded_by", "withdrawn_by")
        .order_by("-recorded_at", "-id")[:SHOWN]
    )
    said = [Said(row, judgement_name(row.code, scheme), _stands(row, on)) for row in rows]
    return sorted(said, key=lambda each: not each.stands)


def _stands(row: Judgement, on: date) -> bool:
    ended = row.valid_until is not None and row.valid_until < on
    return row.withdrawn_at is None and row.valid_from <= on and not ended


def override_of(store: Store, customer_id: int, on: date, axis: str = "tier") -> Override | None:
    """The tier given by hand that is in force on a day."""
    return (
        Override.objects.filter(
            store=store, customer_id=customer_id, axis=axis, withdrawn_at=None, valid_from__lte=on,
            valid_until__gte=on,
        )
        .select_related("recorded_by")
        .first()
    )  # fmt: skip


def codes_asked(schemes: Iterable[Scheme]) -> list[tuple[str, str]]:
    """The judgements that the schemes look at, by code and name, each once, in the order in which they are asked."""
    codes = dict.fromkeys(code for scheme in schemes for code in needs_of(scheme).codes)
    return [(code, judgement_name(code, None)) for code in codes]


def flags_above(scheme: Scheme, tier: str) -> list[tuple[str, str]]:
    """The flags `likely to become …` that make sense for a guest of `tier`: every tier of the ladder above it."""
    if not scheme.is_ladder:
        return []
    above = scheme.tiers[: scheme.rank(tier)]
    return [(f"{LIKELY}{each.code}", judgement_name(f"{LIKELY}{each.code}", scheme)) for each in above]


def schemes_in(adoptions: Iterable[Adoption]) -> dict[str, Scheme]:
    """Axis → scheme, of the adoptions in force."""
    return {adoption.axis: scheme_of(adoption.version) for adoption in adoptions}


def adopted_between(store_id: int, axis: str, after: date, until: date) -> bool:
    """Whether other rules begin to grade the axis in the days after `after`, up to `until`. One query."""
    coming = Adoption.objects.filter(store_id=store_id, axis=axis, withdrawn_at=None)
    return coming.filter(from_date__gt=after, from_date__lte=until).exists()
