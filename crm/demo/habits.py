"""When they come and what they leave: the visits of the demo's guests, invented by seed. Pure."""

import random
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from math import exp
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from common.birthdays import next_celebration
from crm.demo import words
from crm.demo.guests import Guest
from crm.demo.seasons import KINDS, festive, fullness

LATEST_HOUR = 27  # minutes past 03:00 would belong to the next day's book


class Visit(NamedTuple):
    """One visit as invented; `guest` by number, `store` 0 or 1, `day` counted from the demo's first."""

    guest: int
    store: int
    day: int
    at: datetime
    recorded_at: datetime
    id: UUID
    bill: str
    amount_fen: int
    party: int | None
    table: str
    occasion: str
    channel: str
    dishes: tuple[tuple[str, int], ...]
    note: str
    entry: str


class Calendar:
    """The days of the demo, and for each kind of guest how full they are, summed up."""

    def __init__(self, first: date, days: int) -> None:
        self.first, self.days = first, days
        self.sums = {
            kind: [0.0, *accumulate(fullness(kind, first + timedelta(days=n)) for n in range(days))]
            for kind in KINDS
        }

    def visits(self, dice: random.Random, kind: str, start: int, stop: int, a_month: float) -> list[int]:
        """The days from `start` to before `stop` on which a guest comes, sorted; busy days more often."""
        sums = self.sums[kind]
        low, high = sums[max(0, start)], sums[max(0, min(stop, self.days))]
        count = poisson(dice, (high - low) * a_month / 30.4)
        return sorted({bisect_left(sums, dice.uniform(low, high), 1) - 1 for _ in range(count)})


def poisson(dice: random.Random, mean: float) -> int:
    """A Poisson number with this mean (above 30 in steps, each rounded from a normal one)."""
    count, left = 0, mean
    while left > 30:
        part = max(0, round(dice.gauss(30, 30**0.5)))
        count, left = count + part, left - 30
    limit, product = exp(-left), dice.random()
    while product > limit:
        count, product = count + 1, product * dice.random()
    return count


def come(
    guests: Sequence[Guest], *, seed: int, first: date, days: int, zone: ZoneInfo, codes: Sequence[str]
) -> list[Visit]:
    """Every visit of the guests over the days, in the order of the bills; `codes` are the stores'."""
    calendar = Calendar(first, days)
    drafts = []
    for guest in guests:
        dice = random.Random(f"{seed}:{guest.number}:visits")
        drafts += _life(dice, guest, calendar, first, zone)
    drafts.sort(key=lambda draft: (draft[0], draft[1].number))
    return _billed(drafts, random.Random(f"{seed}:bills"), codes)


Draft = tuple[datetime, Guest, int, int, int, int | None, str, str, bool]


def _life(dice: random.Random, guest: Guest, calendar: Calendar, first: date, zone: ZoneInfo) -> list[Draft]:
    days = calendar.visits(dice, guest.kind, guest.joined, guest.left, guest.rate)
    if not guest.imported and guest.joined not in days and dice.random() < 0.96:
        days.insert(0, guest.joined)  # newcomers leave their number over their first meal
    drafts = []
    for day in days:
        store = guest.store
        if guest.second_store and day != guest.joined and dice.random() < 0.35:
            store = 1 - store
        drafts.append(_visit(dice, guest, store, day, first + timedelta(days=day), zone))
    return drafts


def _visit(dice: random.Random, guest: Guest, store: int, day: int, on: date, zone: ZoneInfo) -> Draft:
    party: int | None
    occasion, party, a_head, banquet = _party(dice, guest, on)
    channel = "dine_in"
    if not banquet and occasion != "birthday":
        draw = dice.random()
        limit = 0.5 if "外卖为主" in guest.tags else 0.06
        if draw < limit:
            channel = dice.choice(("takeaway", "delivery", "delivery", "online"))
            party, occasion = None, "other"
    people = party if party else dice.choice((1, 2, 2, 3))
    amount = round(
        people * a_head * guest.level * dice.lognormvariate(0, 0.16) * (0.8 if party is None else 1)
    )
    fen = max(amount, 28) * 100
    if dice.random() < 0.12:
        fen = round(fen * 0.88)  # a voucher or the members' day
    return _moment(dice, guest, on, zone, banquet), guest, store, day, fen, party, occasion, channel, banquet


def _party(dice: random.Random, guest: Guest, on: date) -> tuple[str, int, float, bool]:
    """Why they come, how many, yuan a head, whether it is a banquet."""
    business, _, festival = festive(on)
    if (
        guest.birthday
        and dice.random() < 0.75
        and (next_celebration(guest.birthday, on - timedelta(days=2)).on - on).days < 3
    ):
        return "birthday", dice.choice((4, 5, 6, 6, 8, 8, 10)), 112, False
    if guest.kind == "business":
        banquet = dice.random() < (0.075 if business > 1.2 else 0.035)
        if banquet:
            return "hosting", dice.choice((8, 10, 10, 12, 14)), dice.choice((185, 215, 250, 310)), True
        return (
            dice.choice(("business", "business", "hosting", "friends")),
            dice.choice((2, 3, 4, 4, 5, 6)),
            148,
            False,
        )
    if festival and dice.random() < 0.45:
        return "festival", dice.choice((3, 4, 5, 6, 8)), 112, False
    if guest.kind == "family":
        if dice.random() < 0.008:
            return "hosting", dice.choice((10, 12, 16, 20)), 138, True
        return (
            dice.choice(("family", "family", "family", "friends")),
            dice.choice((2, 3, 3, 4, 4, 5, 6)),
            100,
            False,
        )
    if guest.kind == "couple":
        anniversary = dice.random() < 0.04
        return ("anniversary" if anniversary else "friends"), 2, (150 if anniversary else 118), False
    return (
        dice.choice(("friends", "friends", "friends", "other")),
        dice.choice((2, 2, 3, 4, 4, 5, 6)),
        108,
        False,
    )


def _moment(dice: random.Random, guest: Guest, on: date, zone: ZoneInfo, banquet: bool) -> datetime:
    """When the bill was paid: lunch, dinner, or in the small hours, which belong to the day before."""
    late = 0.16 if guest.kind == "friends" else 0.04
    draw = dice.random()
    if draw < late and not banquet:
        minutes = dice.triangular(22.5 * 60, LATEST_HOUR * 60, 23.5 * 60)
    elif draw < late + (0.34 if on.weekday() >= 5 else 0.25):
        minutes = dice.triangular(11.8 * 60, 14.5 * 60, 12.8 * 60)
    else:
        minutes = dice.triangular(17.8 * 60, 22.3 * 60, 19.6 * 60)
    local = datetime(on.year, on.month, on.day) + timedelta(minutes=int(minutes), seconds=dice.randrange(60))
    return local.replace(tzinfo=zone)


def _billed(drafts: list[Draft], dice: random.Random, codes: Sequence[str]) -> list[Visit]:
    """Numbers, tables, dishes and remarks, in the order in which the bills were paid."""
    numbers: dict[tuple[int, int], int] = {}
    visits = []
    for at, guest, store, day, fen, party, occasion, channel, banquet in drafts:
        number = numbers[store, day] = numbers.get((store, day), 0) + 1
        on = (at - timedelta(hours=4)).date()
        entry = dice.choice(("tablet", "tablet", "api"))
        visits.append(
            Visit(
                guest.number,
                store,
                day,
                at,
                at + timedelta(seconds=dice.randrange(20, 600)),
                UUID(int=dice.getrandbits(128), version=4),
                f"{codes[store]}-{on:%y%m%d}-{number:03}",
                fen,
                party,
                _table(dice, guest, store, party, occasion) if party else "",
                occasion,
                channel,
                _dishes(dice, on, party or 2, banquet) if dice.random() < 0.4 else (),
                dice.choice(words.VISIT_NOTES) if dice.random() < 0.012 else "",
                entry,
            )
        )
    return visits


def _table(dice: random.Random, guest: Guest, store: int, party: int, occasion: str) -> str:
    if guest.usual_table and store == guest.store and dice.random() < 0.7:
        return guest.usual_table
    if party >= 8 or (occasion in ("business", "hosting") and dice.random() < 0.5):
        return dice.choice(words.ROOMS[store])
    return dice.choice(words.HALL)


_POTS = {s: list(accumulate((pot[1], pot[2])[s] for pot in words.POTS)) for s in (0, 1)}
_DISHES = {s: list(accumulate((dish[1], dish[2])[s] for dish in words.DISHES)) for s in (0, 1)}


def _dishes(dice: random.Random, on: date, party: int, banquet: bool) -> tuple[tuple[str, int], ...]:
    winter = int(on.month in (11, 12, 1, 2, 3))
    found = {dice.choices(words.POTS, cum_weights=_POTS[winter])[0][0]: 1 if party < 8 else 2}
    for dish in dice.choices(words.DISHES, cum_weights=_DISHES[winter], k=min(9, 2 + party)):
        found[dish[0]] = found.get(dish[0], 0) + 1
    if banquet:
        for dish_name in dice.sample(words.BANQUET_DISHES, 3):
            found[dish_name] = found.get(dish_name, 0) + dice.choice((1, 1, 2))
    return tuple(found.items())
