"""What the page of a brand's preview shows: each store beside the scheme it has today, and all of them together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from staff.access import stores_of, who_may
from staff.models import Person, Store
from tiering.models import Night
from tiering.rules import UNRATED, Scheme
from tiering.selectors.counts import tier_sizes
from tiering.selectors.schemes import scheme_of
from tiering.services.chain import ChainPreview
from tiering.services.preview import Preview

LISTED = 20


@dataclass(frozen=True)
class Cell:
    """Guests of one tier under the scheme tried; `more` than today, None where today's tiers are another scheme's."""

    code: str
    guests: int
    more: int | None

    @property
    def change(self) -> str:
        """`+12`, `−3`, nothing where it stays."""
        return f"{'+' if self.more > 0 else '−'}{abs(self.more):,}" if self.more else ""


@dataclass(frozen=True)
class Row:
    """One store (None: all together) under the scheme tried. `behind`: the scheme of its labels, None before a night.

    `bars`: (code, where it begins, how wide) in percent of the guests; of labels, which overlap, none.
    """

    store: Store | None
    behind: Scheme | None
    preview: Preview
    cells: list[Cell]
    bars: list[tuple[str, float, float]]


@dataclass(frozen=True)
class Origin:
    """Guests who would move away from the tiers of one scheme, in so many stores; None: who never had a tier.

    `moves`: from, to, guests, the most first; `others` those of moves too rare to be listed.
    """

    scheme: Scheme | None
    stores: int
    moves: list[tuple[str, str, int]]
    others: int


@dataclass(frozen=True)
class ChainPage:
    """A brand under a scheme: the columns (tiers), all stores together, each, and who would move."""

    columns: list[str]
    total: Row
    rows: list[Row]
    origins: list[Origin]

    @property
    def compares(self) -> bool:
        """Whether some store has the scheme already, so that its tiers of today stand beside those tried."""
        return any(cell.more is not None for row in self.rows for cell in row.cells)


def answered_for(person: Person, brand_id: int, at: datetime) -> list[Store]:
    """The stores of the brand for which the person may try a scheme: all for HQ, their own for a head. Two queries."""
    let_in = who_may("scheme-chain", "GET")
    return [store for store, role in stores_of(person, at) if store.brand_id == brand_id and role in let_in]


def chain_page(found: ChainPreview, stores: Sequence[Store], scheme: Scheme) -> ChainPage:
    """The answer laid out, in one query."""
    behind = _behind(stores, scheme.axis)
    columns = [*scheme.codes, *([UNRATED] if found.total.then.get(UNRATED) else [])]
    rows = [
        _row(store, behind.get(store.pk), found.stores[store.pk], scheme, columns)
        for store in sorted(stores, key=lambda store: store.code)
    ]
    alike = all(row.cells[0].more is not None for row in rows)
    first = next((row.behind for row in rows if row.behind), None) if alike else None
    total = _row(None, first, found.total, scheme, columns)
    return ChainPage(columns, total, rows, _origins(rows, scheme))


def _row(
    store: Store | None, behind: Scheme | None, answer: Preview, scheme: Scheme, columns: list[str]
) -> Row:
    then = tier_sizes(scheme, answer.then)
    now = tier_sizes(behind, answer.now) if behind and behind.code == scheme.code else None
    cells = [
        Cell(code, then.get(code, 0), None if now is None else then.get(code, 0) - now.get(code, 0))
        for code in columns
    ]
    bars, begins = [], 0.0
    for cell in cells if scheme.is_ladder and answer.guests else []:
        wide = 100 * cell.guests / answer.guests
        bars.append((cell.code, round(begins, 2), round(wide, 2)))
        begins += wide
    return Row(store, behind, answer, cells, bars)


def _origins(rows: list[Row], tried: Scheme) -> list[Origin]:
    """A tier of one scheme is not a tier of another: moves are added up scheme by scheme, that of the same name first."""
    schemes: dict[str, Scheme | None] = {}
    stores: dict[str, set[int]] = {}
    found: dict[str, dict[tuple[str, str], int]] = {}
    for n, row in enumerate(rows):
        for before, after, guests in row.preview.moves:
            scheme = row.behind if before else None
            code = scheme.code if scheme else ""
            schemes[code] = scheme
            stores.setdefault(code, set()).add(n)
            moves = found.setdefault(code, {})
            moves[before, after] = moves.get((before, after), 0) + guests
    origins = []
    for code in sorted(found, key=lambda code: (code != tried.code, not code, code)):
        every = sorted(((a, b, n) for (a, b), n in found[code].items()), key=lambda move: (-move[2], *move))
        rare = sum(n for _, _, n in every[LISTED:])
        origins.append(Origin(schemes[code], len(stores[code]), every[:LISTED], rare))
    return origins


def _behind(stores: Sequence[Store], axis: str) -> dict[int, Scheme]:
    """The scheme of each store's newest night. One query."""
    nights = (
        Night.objects.filter(store__in=stores, axis=axis)
        .select_related("version__scheme")
        .order_by("store_id", "-business_date")
        .distinct("store_id")
    )
    return {night.store_id: scheme_of(night.version) for night in nights}
