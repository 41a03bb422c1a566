"""Who comes: the demo's guests, invented by seed. Pure: no clock, no database.

A guest's `rate` (visits a month) is drawn from a gamma distribution, so that few come often and many seldom;
most drift away after some months, and every month brings new ones.
"""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate

from common.birthdays import Birthday, BirthdayError, check_birthday
from common.lunar import month_of, months_of, solar_to_lunar
from crm.demo import words

KIND_WEIGHTS = {"business": 17, "family": 38, "friends": 31, "couple": 14}
# Born from, until; how many of the guests; of those whose birthday is known, how many keep the lunar one.
GENERATIONS = ((1946, 1966, 18, 0.78), (1967, 1988, 47, 0.30), (1989, 2005, 35, 0.05))
RATE_SHAPE = {"business": 1.05, "family": 0.97, "friends": 0.97, "couple": 0.90}
RATE_SCALE = {"business": 1.55, "family": 1.16, "friends": 1.22, "couple": 1.05}
HIGHEST_RATE = 6.5
ON_FILE_BEFORE = 0.42
STAYS_MONTHS = 19.0
SECOND_STORE = 0.05

_SURNAMES = [surname for surname, _ in words.SURNAMES]
_SURNAME_WEIGHTS = list(accumulate(weight for _, weight in words.SURNAMES))
_KINDS = list(KIND_WEIGHTS)
_KIND_WEIGHTS = list(accumulate(KIND_WEIGHTS.values()))
_GENERATION_WEIGHTS = list(accumulate(share for _, _, share, _ in GENERATIONS))
# Ranges that no operator has: nobody's telephone rings, whatever the demo is connected to.
_PREFIXES = ("160", "161", "163", "164", "168")
_PREFIX_OF_OFFICES = "169"


@dataclass(slots=True)
class Guest:
    """One guest as invented. Days are numbers counted from the first day of the demo; stores are 0 and 1."""

    number: int
    store: int
    kind: str
    generation: int
    sex: str
    surname: str
    name: str
    joined: int
    left: int
    rate: float
    level: float
    second_store: bool = False
    imported: bool = False
    since: int = 0
    salutation: str = ""
    birthday: Birthday | None = None
    address: str = ""
    industry: str = ""
    employer: str = ""
    position: str = ""
    married: bool | None = None
    allergies: str | None = None
    taboos: str | None = None
    likes: str = ""
    note: str | None = None
    usual_table: str = ""
    phone: str = ""
    contacts: list[tuple[str, str, bool | None]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    introducer: int | None = None
    consents: list[tuple[int, bool, str]] = field(default_factory=list)

    @property
    def card(self) -> str:
        """The guest's number in a store."""
        return f"K{self.number:05}"


def invent(*, seed: int, guests: int, days: int, today: date) -> list[Guest]:
    """`guests` guests over `days` days that end with `today`; the same for the same arguments.

    In the order of their joining: those on file at the beginning, then the newcomers of every day.
    """
    dice = random.Random(f"{seed}:guests")
    old = round(guests * ON_FILE_BEFORE)
    arrivals = sorted(min(days - 1, int(dice.random() ** 0.92 * days)) for _ in range(guests - old))
    phones = _phones(dice, guests)
    made = []
    for number, joined in enumerate([0] * old + arrivals, 1):
        made.append(
            _guest(
                random.Random(f"{seed}:{number}"), number, joined, number <= old, phones[number - 1], today
            )
        )
    _relate(dice, made)
    _cast(made, today)
    return made


def _phones(dice: random.Random, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[f"{dice.choice(_PREFIXES)}{dice.randrange(10**8):08}"] = None
    return list(found)


def _guest(dice: random.Random, number: int, joined: int, imported: bool, phone: str, today: date) -> Guest:
    kind = dice.choices(_KINDS, cum_weights=_KIND_WEIGHTS)[0]
    generation = dice.choices(range(3), cum_weights=_GENERATION_WEIGHTS)[0]
    sex = "m" if dice.random() < (0.68 if kind == "business" else 0.47) else "f"
    surname = dice.choices(_SURNAMES, cum_weights=_SURNAME_WEIGHTS)[0]
    given = dice.choice((words.MEN if sex == "m" else words.WOMEN)[generation])
    rate = min(HIGHEST_RATE, dice.gammavariate(RATE_SHAPE[kind], RATE_SCALE[kind]))
    # Who comes often stays longer.
    stays = dice.expovariate(1 / (STAYS_MONTHS * (0.6 + min(rate, 3.0) / 2))) * 30.4
    guest = Guest(
        number, int(dice.random() < 0.46), kind, generation, sex, surname, surname + given, joined,
        joined + max(1, round(stays)), rate, dice.lognormvariate(0, 0.14), imported=imported,
    )  # fmt: skip
    guest.since = -dice.randrange(1, 700) if imported else joined
    guest.second_store = dice.random() < SECOND_STORE
    known = min(1.0, 0.36 + rate * 0.26)
    _profile(dice, guest, known, today)
    _reachable(dice, guest, phone)
    return guest


def _profile(dice: random.Random, guest: Guest, known: float, today: date) -> None:
    """What the restaurant has learnt: the more often somebody comes, the more; seldom all of it."""
    trade, positions = dice.choice(words.TRADES)
    high = dice.random() < (0.75 if guest.kind == "business" else 0.15)
    position = positions[dice.randrange(2)] if high else positions[dice.randrange(2, 4)]
    if dice.random() < known * (0.95 if guest.kind == "business" else 0.6):
        guest.industry, guest.position = trade, position
        firms = words.FIRMS.get(trade, ())
        # Every other guest of such a trade works for one of a few firms of the town.
        guest.employer = firms[guest.number // 2 % len(firms)] if firms and guest.number % 2 else ""
    if dice.random() < known * 0.85:
        guest.birthday = _birthday(dice, guest.generation, today)
    if dice.random() < known * 0.7:
        street = dice.choice(words.STREETS[guest.store])
        estate = (
            dice.choice("云水金桂江枫兰翠明悦") + dice.choice("湖苑庭溪岸湾景城") + dice.choice(words.ESTATES)
        )
        guest.address = f"{street}{dice.randrange(1, 400)}号{estate}{dice.randrange(1, 30)}幢"
    if dice.random() < known * 0.75:
        guest.married = dice.random() < (0.95, 0.85, 0.35)[guest.generation]
    if dice.random() < 0.035:
        guest.allergies = dice.choice(words.ALLERGIES)
    if dice.random() < 0.11:
        guest.taboos = dice.choice(words.TABOOS)
    if dice.random() < known * 0.45:
        guest.likes = "、".join(dice.sample(words.LIKES, dice.choice((1, 1, 2, 3))))
    if dice.random() < known * 0.12:
        guest.note = dice.choice(words.GUEST_NOTES)
    guest.tags = [
        word
        for word, kind, percent in words.TAGS
        if kind in ("", guest.kind) and dice.random() * 100 < percent
    ]
    if dice.random() < 0.09:
        guest.tags.append("nearby_resident")
    if guest.industry == "政府机构":
        guest.tags.append("government_or_committee")
    guest.salutation = _salutation(dice, guest, known)
    if guest.rate > 1.6 and dice.random() < 0.6:
        rooms, seats = words.ROOMS[guest.store], words.WINDOW_SEATS + words.HALL[3:12]
        guest.usual_table = dice.choice(rooms if guest.kind == "business" else seats)


def _salutation(dice: random.Random, guest: Guest, known: float) -> str:
    if guest.position in words.TITLES and dice.random() < 0.9:
        return guest.surname + words.TITLES[guest.position]
    if dice.random() > known * 0.8:
        return ""
    if guest.generation == 0:
        return guest.surname + ("叔" if guest.sex == "m" else "阿姨")
    if guest.generation == 1:
        return guest.surname + ("哥" if guest.sex == "m" else "姐")
    return guest.surname + ("先生" if guest.sex == "m" else "女士")


def _birthday(dice: random.Random, generation: int, today: date) -> Birthday:
    first, last, _, lunar = GENERATIONS[generation]
    year = dice.randrange(first, last + 1)
    told = year if dice.random() < 0.78 else None
    if dice.random() >= lunar:
        day = date(year, 1, 1) + timedelta(days=dice.randrange(365))
        return Birthday("solar", told, day.month, day.day)
    months = months_of(year)
    month = months[dice.randrange(len(months))]
    birthday = Birthday("lunar", told, month.number, dice.randrange(1, month.days + 1), month.leap)
    try:
        check_birthday(birthday, today=today)
    except BirthdayError:
        # A leap first, eleventh or twelfth month that nobody alive was born in, told without its year.
        return Birthday("lunar", year, birthday.month, birthday.day, birthday.leap)
    return birthday


def _reachable(dice: random.Random, guest: Guest, phone: str) -> None:
    """Numbers and consent: seven in ten agree to texts, some take it back later."""
    draw = dice.random()
    if guest.generation == 0 and draw < 0.14:
        guest.contacts.append((phone, dice.choice(("儿子", "女儿")), dice.choice((True, None))))
    elif draw > 0.008:
        guest.phone = phone
    day = guest.joined if dice.random() < 0.8 else guest.joined + dice.randrange(1, 60)
    source = "import" if guest.imported and day == 0 else dice.choice(("tablet", "tablet", "tablet", "desk"))
    said = dice.random()
    if said < 0.76:
        guest.consents.append((day, True, source))
        if dice.random() < 0.08:
            guest.consents.append((day + dice.randrange(20, 300), False, dice.choice(("tablet", "desk"))))
    elif said < 0.90:
        guest.consents.append((day, False, source))


def _relate(dice: random.Random, guests: list[Guest]) -> None:
    """Who brought whom, whose wife is a guest too, whose secretary answers for three."""
    regulars: tuple[list[Guest], list[Guest]] = ([], [])
    secretaries: dict[int, tuple[str, int]] = {}
    for guest in guests:
        friends = regulars[guest.store]
        if not guest.imported and friends and dice.random() < 0.17:
            guest.introducer = max(dice.choices(friends, k=3), key=lambda friend: friend.rate).number
        if guest.kind == "family" and guest.phone and friends and dice.random() < 0.05:
            other = dice.choice(friends)
            if other.phone and other.sex != guest.sex:
                whose = "太太" if guest.sex == "m" else "先生"
                guest.contacts.append((other.phone, whose, None))
        if guest.kind == "business" and guest.phone and dice.random() < 0.14:
            number, shared = secretaries.get(guest.store, ("", 3))
            if shared == 3:
                number, shared = f"{_PREFIX_OF_OFFICES}{dice.randrange(10**8):08}", 0
            secretaries[guest.store] = (number, shared + 1)
            guest.contacts.append((number, dice.choice(("秘书", "助理")), dice.choice((True, None, None))))
        if guest.rate > 0.8:
            friends.append(guest)


def _cast(guests: list[Guest], today: date) -> None:
    """Birthdays every demo needs, in each store: today, tomorrow, this week; a leap month, 29 February."""
    known = [guest for guest in guests if guest.imported and guest.phone]
    for store in (0, 1):
        wanted = [Birthday("lunar", 1963, 4, 3, True) if store == 0 else Birthday("solar", 1988, 2, 29)]
        wanted += [_lunar_on(today + timedelta(days=ahead)) for ahead in (0, 1, 3)]
        for ahead, year in ((0, 1985), (0, 1994), (1, 1979), (2, 1998), (4, 1990), (6, 1971)):
            day = today + timedelta(days=ahead)
            wanted.append(
                Birthday("solar", year if (day.month, day.day) != (2, 29) else 1984, day.month, day.day)
            )
        regulars = sorted(
            (guest for guest in known if guest.store == store), key=lambda g: (-g.rate, g.number)
        )
        for birthday in wanted:
            # Not always the very best: also guests who come now and then have a birthday.
            born = next(n for n, (_, last, *_) in enumerate(GENERATIONS) if (birthday.year or 0) <= last)
            fit = [guest for guest in regulars[2::2] if guest.generation == born] or regulars
            regulars.remove(fit[0])
            fit[0].birthday = birthday
            if not fit[0].consents or not fit[0].consents[-1][1]:
                fit[0].consents = [(0, True, "import")]


def _lunar_on(day: date) -> Birthday:
    """A birthday of an elder that is celebrated on `day`, by the lunar calendar."""
    lunar = solar_to_lunar(day)
    for year in range(1950, 1967):
        found = month_of(year, lunar.month)
        if found is not None and found.days >= lunar.day:
            return Birthday("lunar", year, lunar.month, lunar.day)
    return Birthday("lunar", 1950, lunar.month, min(lunar.day, 29))
