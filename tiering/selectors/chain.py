"""What the page of a brand's preview shows: each store beside the scheme it has today, and all of them together."""

from collections.abc import Sequence
from dataclasses import dataclass

from staff.models import Store
from tiering.models import Night
from tiering.rules import UNRATED, Scheme
from tiering.selectors.counts import tier_sizes
from tiering.selectors.schemes import scheme_of
from tiering.services.chain import ChainPreview
from tiering.services.preview import Preview


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
class ChainPage:
    """`moves`: by the scheme that guests come from (None: graded for the first time), who would move where."""

    columns: list[str]
    total: Row
    rows: list[Row]
    moves: list[tuple[Scheme | None, list[tuple[str, str, int]]]]


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
    return ChainPage(columns, total, rows, _moves(rows))


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


def _moves(rows: list[Row]) -> list[tuple[Scheme | None, list[tuple[str, str, int]]]]:
    """A tier of one scheme is not a tier of another: moves are added up scheme by scheme."""
    schemes: dict[str, Scheme | None] = {}
    found: dict[str, dict[tuple[str, str], int]] = {}
    for row in rows:
        for before, after, guests in row.preview.moves:
            scheme = row.behind if before else None
            code = scheme.code if scheme else ""
            schemes[code] = scheme
            moves = found.setdefault(code, {})
            moves[before, after] = moves.get((before, after), 0) + guests
    return [
        (schemes[code], sorted((a, b, n) for (a, b), n in moves.items()))
        for code, moves in sorted(found.items())
    ]


def _behind(stores: Sequence[Store], axis: str) -> dict[int, Scheme]:
    """The scheme of each store's newest night. One query."""
    nights = (
        Night.objects.filter(store__in=stores, axis=axis)
        .select_related("version__scheme")
        .order_by("store_id", "-business_date")
        .distinct("store_id")
    )
    return {night.store_id: scheme_of(night.version) for night in nights}
