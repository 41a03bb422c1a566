"""The segments of a store, and who is in them: the exact set, a page of it, how many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Q

from common.errors import Refused
from customers.models import Patronage
from staff.models import Store
from tiering.axes import MAIN
from tiering.compile import condition, quoted
from tiering.models import Segment
from tiering.query import Question as Facts
from tiering.query import fact_rows
from tiering.rules import TOGETHER, UNRATED, needs_of
from tiering.segments import Question, read_segment
from tiering.selectors.groups import PAGE, Guests


def segments_of(store: Store) -> list[Segment]:
    """The living segments of a store, by name."""
    return list(
        Segment.objects.filter(store=store, retired_at=None).select_related("made_by").order_by("name", "id")
    )


def segment_choices(store: Store, *also: int | None) -> list[tuple[int, str]]:
    """The living segments, to choose from, and those named beside: (id, name). One query."""
    wanted = Q(retired_at=None) | Q(pk__in=[pk for pk in also if pk is not None])
    found = Segment.objects.filter(wanted, store=store).order_by("name", "pk")
    return list(found.values_list("pk", "name"))


def segment_of(store: Store, segment_id: int) -> Segment | None:
    """A segment of the store, living or retired."""
    return Segment.objects.filter(store=store, pk=segment_id).select_related("made_by").first()


def guests_in(segment: Segment, store: Store, on: date) -> list[int]:
    """The ids of the store's guests in the segment on a day, in order: all of them, exactly. One query."""
    hits, params = _hits(read_segment(segment.rule), store, on)
    with connection.cursor() as cursor:
        cursor.execute(f"{hits} SELECT customer_id FROM hits ORDER BY customer_id", params)
        return [pk for (pk,) in cursor.fetchall()]


def count_in(question: Question, store: Store, on: date) -> int:
    """How many guests of the store a question finds on a day. One query."""
    hits, params = _hits(question, store, on)
    with connection.cursor() as cursor:
        cursor.execute(f"{hits} SELECT count(*) FROM hits", params)
        [found] = cursor.fetchone()
    return int(found)


def page_in(segment: Segment, store: Store, on: date, cursor: str = "", size: int = PAGE) -> Guests:
    """A page of the segment's guests, who spent most first; raises Refused for a cursor that is none of ours."""
    hits, params = _hits(read_segment(segment.rule), store, on)
    after = ""
    if cursor:
        fen, _dash, pk = cursor.partition("-")
        if not (fen.isdecimal() and pk.isdecimal() and cursor.isascii() and len(cursor) < 40):
            raise Refused("cursor_unreadable", field="cursor")
        after = " AND (-p.spend_total_fen, p.customer_id) > (-%(fen)s, %(pk)s)"
        params |= {"fen": int(fen), "pk": int(pk)}
    statement = (
        f"{hits} SELECT n.total, p.customer_id FROM (SELECT count(*) AS total FROM hits) n "
        "LEFT JOIN LATERAL (SELECT p.customer_id, p.spend_total_fen FROM hits h JOIN customers_patronage p "
        f"ON p.store_id = %(store)s AND p.customer_id = h.customer_id{after} "
        "ORDER BY p.spend_total_fen DESC, p.customer_id LIMIT %(size)s) p ON true "
        "ORDER BY p.spend_total_fen DESC, p.customer_id"
    )
    with connection.cursor() as asked:
        asked.execute(statement, params | {"size": size + 1})
        found = asked.fetchall()
    ids = [pk for _total, pk in found if pk is not None]
    rows = {
        row.customer_id: row
        for row in Patronage.objects.filter(store=store, customer_id__in=ids).select_related(
            "customer", "owner"
        )
    }
    last = rows[ids[size - 1]] if len(ids) > size else None
    return Guests(
        [rows[pk] for pk in ids[:size]],
        found[0][0],
        f"{last.spend_total_fen}-{last.customer_id}" if last else "",
    )


def hits_of(segment: Segment, store: Store, on: date) -> tuple[str, dict[str, Any]]:
    """The guests of a segment for a larger statement: a WITH clause that ends in `hits(customer_id)`, and what it asks."""
    return _hits(read_segment(segment.rule), store, on)


def _hits(question: Question, store: Store, on: date) -> tuple[str, dict[str, Any]]:
    """The WITH clause that ends in `hits`: the customer_id of every guest found."""
    rows, params = _rows([question], store, on)
    hits = f"SELECT f.customer_id FROM f WHERE {_found(question)}"
    return f"{rows}, hits AS MATERIALIZED ({hits})", params


def _rows(questions: Sequence[Question], store: Store, on: date) -> tuple[str, dict[str, Any]]:
    """The fact rows that are enough for some questions at once."""
    needs = [needs_of(question.scheme) for question in questions]

    def together(kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for need in needs for name in getattr(need, kind)))

    return fact_rows(
        Facts(
            store.pk, on, together("facts"), together("tags"), together("codes"), together("fields"),
            zone=store.timezone,
        )
    )  # fmt: skip


def _found(question: Question) -> str:
    """The SQL condition under which a row of the facts is in the segment."""
    return " AND ".join([condition(question.when), *_labels(question.where)])


def _labels(where: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The SQL of each axis asked for: one of the codes is among the guest's (joined) codes there."""
    found = []
    for axis, codes in where.items():
        label = "f.label" if axis == MAIN else f"f.labels ->> {quoted(axis)}"
        listed = ", ".join(quoted(code) for code in codes)
        own = f"string_to_array(coalesce(nullif({label}, ''), '{UNRATED}'), '{TOGETHER}')"
        found.append(f"{own} && ARRAY[{listed}]::text[]")
    return found


@dataclass(frozen=True)
class Listed:
    """A segment with how many guests it has today."""

    segment: Segment
    guests: int


def listed(store: Store, on: date) -> list[Listed]:
    """The living segments with their guests of a day. Two queries, however many segments."""
    kept = segments_of(store)
    if not kept:
        return []
    questions = [read_segment(segment.rule) for segment in kept]
    rows, params = _rows(questions, store, on)
    each = ", ".join(f"count(*) FILTER (WHERE {_found(question)})" for question in questions)
    with connection.cursor() as cursor:
        cursor.execute(f"{rows} SELECT {each} FROM f", params)
        counts = cursor.fetchone()
    return [Listed(segment, guests) for segment, guests in zip(kept, counts, strict=True)]
