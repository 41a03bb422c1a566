"""What a guest says when called before a festival: a table or none, and which dishes to prepare."""

import re
from dataclasses import dataclass, field
from datetime import date, time

from care.models import TableAnswer, TaskEvent
from common.errors import Refused
from staff.models import Store

DISHES_AT_MOST, NAME_AT_MOST, NUMBER_AT_MOST, PARTY_AT_MOST = 30, 40, 99, 500
_DISH = re.compile(r"(?P<name>.*?\S)\s*(?:[×xX*]\s*(?P<number>[0-9]{1,3})\s*[份个只条]?)?")


@dataclass(frozen=True)
class TableSaid:
    """The two answers. With a table: the day, the time and for how many; `dishes`: name and number."""

    wants_table: bool
    on: date | None = None
    arrives: time | None = None
    party: int | None = None
    dishes: tuple[tuple[str, int], ...] = field(default=())


def read_dishes(text: str) -> tuple[tuple[str, int], ...]:
    """Dishes as people write them, `清蒸石斑 ×1，东坡肉 x2`, one a line or with commas; without a number it is one.

    Refuses (dishes_unreadable) what is none, and more than 30.
    """
    found = []
    for part in re.split(r"[\n,，;；、]+", text):
        if not part.strip():
            continue
        dish = _DISH.fullmatch(part.strip())
        number = int(dish["number"] or 1) if dish else 0
        if dish is None or len(dish["name"]) > NAME_AT_MOST or not 1 <= number <= NUMBER_AT_MOST:
            raise Refused("dishes_unreadable", field="dishes")
        found.append((dish["name"], number))
    if len(found) > DISHES_AT_MOST:
        raise Refused("dishes_unreadable", field="dishes")
    return tuple(found)


def check_answer(answer: TableSaid, *, today: date) -> None:
    """Refuse a table without day, time or number of people (1 to 500), or on a day that is over."""
    if not answer.wants_table:
        return
    if answer.on is None or answer.arrives is None or not 1 <= (answer.party or 0) <= PARTY_AT_MOST:
        raise Refused("table_when", field="table_on")
    if answer.on < today:
        raise Refused("table_past", field="table_on")


def write_answer(*, event: TaskEvent, store: Store, answer: TableSaid) -> TableAnswer:
    """Keep the answers with the event that completed the call."""
    table = answer.wants_table
    return TableAnswer.objects.create(
        event=event, store=store, wants_table=table, on=answer.on if table else None,
        time=answer.arrives if table else None, party=answer.party if table else None,
        dishes=[{"name": name, "number": number} for name, number in answer.dishes],
    )  # fmt: skip
