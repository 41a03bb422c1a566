"""The schemes a store can choose from, axis by axis, and how complete its data is for one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.db.models import Count, Q

from customers.models import Patronage
from staff.models import Store
from tiering import facts
from tiering.axes import axis_name, axis_order
from tiering.models import SchemeVersion
from tiering.rules import MANDATORY, Compare, Scheme, leaves, read_scheme
from tiering.selectors.adoptions import InUse, in_use
from tiering.selectors.schemes import preset, preset_codes, scheme_of
from tiering.sentences import named

VERSIONS_LISTED = 120


@dataclass(frozen=True)
class Offer:
    """A scheme at hand: the store's own newest version, else one that ships (`version` is None)."""

    code: str
    scheme: Scheme
    version: SchemeVersion | None
    is_preset: bool


@dataclass(frozen=True)
class Shelf:
    """One axis: what grades it, and what could."""

    axis: str
    use: InUse
    offers: list[Offer]


def presets() -> list[Offer]:
    """The presets, in the order in which to offer them."""
    return [Offer(code, _preset(code), None, True) for code in preset_codes()]


@lru_cache(maxsize=128)
def _preset(code: str) -> Scheme:
    return read_scheme(preset(code))


def own_schemes(store: Store) -> dict[str, SchemeVersion]:
    """The newest version of every scheme that the store has written or adopted, by code. One query."""
    newest = (
        SchemeVersion.objects.filter(scheme__store=store)
        .select_related("scheme")
        .order_by("scheme_id", "-number")
        .distinct("scheme_id")
    )
    return {version.scheme.code: version for version in newest}


def offers(store: Store) -> list[Offer]:
    """Everything the store can adopt: its own schemes, then the presets it has not touched. One query."""
    own = own_schemes(store)
    shipped = preset_codes()
    mine = [
        Offer(code, scheme_of(version), version, code in shipped) for code, version in sorted(own.items())
    ]
    return mine + [offer for offer in presets() if offer.code not in own]


def shelves(store: Store, on: date) -> list[Shelf]:
    """The offers by axis, the main axis first, each with what is in use there. Two queries."""
    used = {use.axis: use for use in in_use(store, on)}
    found: dict[str, list[Offer]] = {axis: [] for axis in used}
    for offer in offers(store):
        found.setdefault(offer.scheme.axis, []).append(offer)
    return [
        Shelf(axis, used.get(axis) or InUse(axis, None, None, [], None), there)
        for axis, there in sorted(found.items(), key=lambda pair: axis_order(pair[0]))
    ]


@dataclass(frozen=True)
class Completeness:
    """How far the store's data goes for a scheme: guests in all, with a complete profile, with a visit.

    `gaps`: for each field asked for, how many guests lack it, the most first. `unmeasured`: facts of the rules that
    nobody counts yet.
    """

    guests: int
    complete: int
    with_visits: int
    gaps: list[tuple[str, int]]
    unmeasured: list[str]


def completeness(store: Store, scheme: Scheme) -> Completeness:
    """The store's data as the scheme needs it; a scheme that asks for no field is told of all. Two queries."""
    asked: Sequence[str] = scheme.requires or MANDATORY
    missing = Q(customer__gaps__filled_at=None, customer__gaps__field__in=asked)
    guests = Patronage.objects.filter(store=store)
    counted = guests.aggregate(
        guests=Count("pk", distinct=True),
        with_visits=Count("pk", filter=Q(visits_total__gt=0), distinct=True),
        incomplete=Count("pk", filter=missing, distinct=True),
    )
    gaps = guests.filter(missing).values_list("customer__gaps__field").annotate(n=Count("pk")).order_by()
    rules = [leaf for tier in scheme.tiers for leaf in leaves(tier.when)]
    unmeasured = {
        leaf.fact for leaf in rules if isinstance(leaf, Compare) and not facts.is_measured(leaf.fact)
    }
    return Completeness(
        counted["guests"],
        counted["guests"] - counted["incomplete"],
        counted["with_visits"],
        sorted(gaps, key=lambda pair: (-pair[1], pair[0])),
        sorted(unmeasured),
    )


def at_hand(store: Store) -> list[tuple[str, list[tuple[str, str]]]]:
    """Everything that can be compared, by the name of its axis: (`code` or `code@version`, words). One query."""
    versions = (
        SchemeVersion.objects.filter(scheme__store=store)
        .select_related("scheme")
        .order_by("scheme__code", "-number")[:VERSIONS_LISTED]
    )
    found: dict[str, list[tuple[str, str]]] = {}
    own = set()
    for version in versions:
        scheme = scheme_of(version)
        own.add(version.scheme.code)
        words = f"{named(scheme)} v{version.number}"
        found.setdefault(scheme.axis, []).append((f"{version.scheme.code}@{version.number}", words))
    for offer in presets():
        if offer.code not in own:
            found.setdefault(offer.scheme.axis, []).append((offer.code, named(offer.scheme)))
    return [(axis_name(axis), found[axis]) for axis in sorted(found, key=axis_order)]
