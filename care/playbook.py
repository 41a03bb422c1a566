"""The playbook: which gesture a restaurant owes whom, and on which day it is due.

Pure: no clock, no database. The same arithmetic dates one guest here (for a page or a test) and a whole store
in `services.opening`. The rules in words, with numbered cases: docs/rules/care.md.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from care.festivals import COMPUTED, Calendar, is_code
from common.birthdays import Birthday, BirthdayKey, matches_on, occasion_key
from common.clock import add_months

EVERYBODY = "*"
CADENCES = ("weekly", "monthly", "half_year", "yearly")
OCCASIONS = ("birthday", "festival")
UNDATED = ("each_visit", "campaign", "new_dish", "suggestion", "any_time")
TRIGGERS = (
    *CADENCES, *OCCASIONS, "anniversary", "absence", "after_visit", "new_guest", "falling", *UNDATED,
)  # fmt: skip
CHANNELS = ("phone", "visit", "gift", "card", "sms", "wechat", "event", "in_store", "voucher")
ROLES = ("waiter", "host", "manager", "head", "hq")
WEEKEND = "weekend"

# What a person does towards a guest outside the restaurant; what a guest is given.
CONTACTS = ("phone", "visit", "wechat")
TREATMENTS = ("gift", "in_store")
# An absence this long is a lapse: another list, not a call because somebody has not come for ten days.
LAPSED_AFTER_DAYS = 60
_DAY = timedelta(days=1)
_MIXER, _MASK = 2654435761, 0xFFFFFFFF


@dataclass(frozen=True)
class Line:
    """One gesture. `tier`: a tier's code, or `*` for everybody.

    Counting in days: `lead_days` before the occasion the task appears; `after_days` is when it is due,
    counted from the occasion (0 on the day, -10 ten days ahead), from the last visit (absence), or from the
    visit (after_visit); `window_days` after the due day it is closed. A guest who is about to fall (falling) is
    told of `lead_days` before the night that lowers her; the task ends with that night. A cadence has `times` slots a period
    and closes with its slot. `personal`: on that day no ready-made text goes to the same guest. `small`: a coupon or a
    small gift. `gives`: the id of the kind of voucher that goes with it; through the channel `voucher` it is the whole
    gesture. `choice`: of the treatments of one group a guest gets one a visit; `percent_off` the bill.
    `segment`: the id of the group of guests for whom alone it is.
    """

    code: str
    tier: str
    trigger: str
    channel: str
    zh: str
    en: str
    role: str
    source_zh: str = ""
    owner_first: bool = False
    occasions: tuple[str, ...] = ()
    times: int = 1
    lead_days: int = 0
    after_days: int = 0
    window_days: int = 0
    personal: bool = True
    enabled: bool = True
    small: bool = False
    gives: int | None = None
    segment: int | None = None
    choice: str = ""
    percent_off: int = 0


@dataclass(frozen=True)
class Playbook:
    """The gestures of one scheme, in the order in which the plan page shows them."""

    scheme: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Slot:
    """One turn of a cadence: the days from `first` to `last`; due days are spread over the first `days` of
    them.
    """

    occasion: str
    first: date
    last: date
    days: int
    salt: int


@dataclass(frozen=True)
class Event:
    """One occasion in one year; `birthday` names the guests whose day it is."""

    occasion: str
    on: date
    zh: str = ""
    en: str = ""
    birthday: BirthdayKey | None = None


class BadPlaybook(ValueError):
    """A playbook that cannot be meant; `problems` says which line and why."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_playbook(body: Mapping[str, Any]) -> Playbook:
    """A playbook from its JSON. Raises BadPlaybook with every problem found.

    `care_actions` of a line (numbers of the source's list) and `note` are for the reader of the file.
    """
    problems: list[str] = []
    lines: list[Line] = []
    known = {field.name for field in fields(Line)}
    for index, raw in enumerate(body.get("lines", [])):
        said = {key: value for key, value in raw.items() if key not in ("care_actions", "note")}
        if unknown := set(said) - known:
            problems.append(f"lines[{index}]: unknown {', '.join(sorted(unknown))}")
            continue
        try:
            line = Line(**{**said, "occasions": tuple(said.get("occasions", ()))})
        except TypeError as error:
            problems.append(f"lines[{index}]: {error}")
            continue
        problems += [f"{line.code}: {problem}" for problem in _problems(line)]
        lines.append(line)
    codes = [line.code for line in lines]
    problems += [f"{code}: twice" for code in sorted({c for c in codes if codes.count(c) > 1})]
    scheme = body.get("scheme")
    if not isinstance(scheme, str) or not scheme:
        problems.append("scheme: missing")
    if not lines:
        problems.append("lines: none")
    if problems:
        raise BadPlaybook(problems)
    return Playbook(str(scheme), tuple(lines))


def _problems(line: Line) -> Iterable[str]:
    for value, allowed, name in (
        (line.trigger, TRIGGERS, "trigger"),
        (line.channel, CHANNELS, "channel"),
        (line.role, ROLES, "role"),
    ):
        if value not in allowed:
            yield f"{name} {value!r} is none of {', '.join(allowed)}"
    for name, least, most in (
        ("times", 1, 10), ("lead_days", 0, 366), ("after_days", -60, 366), ("window_days", 0, 366),
        ("percent_off", 0, 100),
    ):  # fmt: skip
        if not least <= getattr(line, name) <= most:
            yield f"{name} must be from {least} to {most}"
    for text, most, name in (
        (line.code, 40, "code"),
        (line.tier, 20, "tier"),
        (line.zh, 120, "zh"),
        (line.en, 160, "en"),
    ):
        if not 1 <= len(text) <= most:
            yield f"{name} must have 1 to {most} characters"
    if line.trigger == "festival":
        if not line.occasions or (unknown := {code for code in line.occasions if not is_code(code)}):
            yield f"festivals unknown: {', '.join(sorted(unknown)) if line.occasions else 'none named'}"
    elif line.occasions and (line.trigger, line.occasions) != ("weekly", (WEEKEND,)):
        yield "occasions belong to festivals (and the weekend to a weekly line)"
    if line.trigger in ("absence", "after_visit", "new_guest") and line.after_days < 1:
        yield "after_days must say after how many days"
    if line.trigger == "falling" and not 1 <= line.lead_days <= 31:
        yield "lead_days must say how many days before the fall, 1 to 31"
    if line.channel == "sms" and line.trigger not in (*OCCASIONS, "absence", *UNDATED):
        yield "a text goes out for a birthday or a festival only, and for an absence"
    if line.channel == "voucher" and line.gives is None:
        yield "gives must say which voucher"
    if line.gives is not None and (line.trigger in UNDATED or line.channel == "sms"):
        yield "a voucher goes with a gesture that the plan can date, and not with a text"
    if line.segment is not None and (line.trigger in UNDATED or line.channel == "sms"):
        yield "a segment is asked for a gesture that the plan can date, and not for a text"
    if (line.choice or line.percent_off) and line.channel not in TREATMENTS:
        yield "choice and percent_off belong to what is given in the restaurant"
    if len(line.choice) > 20:
        yield "choice must have at most 20 characters"


# ---- cadences ----------------------------------------------------------------------------------------------


def slots(line: Line, day: date) -> list[Slot]:
    """The turns of a cadence in the period that holds `day` which are not over on that day."""
    name, first, last = _period(line.trigger, day)
    if line.occasions == (WEEKEND,):
        first = last - _DAY
    length = (last - first).days + 1
    edges = [first + timedelta(days=length * turn // line.times) for turn in range(line.times + 1)]
    found = []
    for turn in range(line.times):
        begins, ends = edges[turn], edges[turn + 1] - _DAY
        if ends < day or ends < begins:
            continue
        occasion = f"{line.trigger}:{name}:{turn + 1}"
        # Whoever is due last still has a third of the turn to be reached in.
        spread = max(1, ((ends - begins).days + 1) * 2 // 3)
        salt = zlib.crc32(f"{line.code}:{occasion}".encode()) & 0xFFFF
        found.append(Slot(occasion, begins, ends, spread, salt))
    return found


def _period(trigger: str, day: date) -> tuple[str, date, date]:
    if trigger == "weekly":
        monday = day - timedelta(days=day.weekday())
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}", monday, monday + timedelta(days=6)
    if trigger == "monthly":
        first = day.replace(day=1)
        return f"{first:%Y-%m}", first, add_months(first, 1) - _DAY
    if trigger == "half_year":
        first = date(day.year, 1 if day.month <= 6 else 7, 1)
        return f"{day.year}-H{1 if day.month <= 6 else 2}", first, add_months(first, 6) - _DAY
    if trigger == "yearly":
        return f"{day.year}", date(day.year, 1, 1), date(day.year, 12, 31)
    raise ValueError(f"{trigger} is no cadence")


def scatter(customer_id: int, salt: int) -> int:
    """A number from 0 to 65535 that is always the same for this guest and turn, and even over many guests."""
    return ((customer_id + salt) * _MIXER & _MASK) >> 16


def due_in(slot: Slot, customer_id: int, day: date) -> date:
    """When a guest who has the tier on `day` is due: the guest's own day in the turn, at the earliest
    `day`.
    """
    return max(slot.first + timedelta(days=scatter(customer_id, slot.salt) % slot.days), day)


# ---- occasions ---------------------------------------------------------------------------------------------


def events(line: Line, day: date, calendar: Calendar = COMPUTED) -> list[Event]:
    """The birthdays or festivals whose task is visible on `day`: its lead has begun, its window is not
    over. `calendar`: the festivals as the store keeps them.
    """
    first = day - timedelta(days=line.after_days + line.window_days)
    last = day + timedelta(days=line.lead_days)
    if line.trigger == "festival":
        return [event for event in festival_events(first, last, calendar) if _code(event) in line.occasions]
    if line.trigger == "birthday":
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [event for each in days for event in birthday_events(each)]
    raise ValueError(f"{line.trigger} is no occasion")


def _code(event: Event) -> str:
    return event.occasion.split(":")[1]


def festival_events(first: date, last: date, calendar: Calendar = COMPUTED) -> list[Event]:
    """The festivals from `first` to `last`, keyed by name and year: `festival:mid_autumn:2026`."""
    return [Event(each.occasion, each.on, each.zh, each.en) for each in calendar.between(first, last)]


def birthday_events(day: date) -> list[Event]:
    """Every birthday that is greeted on `day`, solar and lunar: `birthday:lunar:08-15:2026`."""
    return [
        Event(
            occasion_key(Birthday(key.calendar, None, key.month, key.day, key.leap), day), day, birthday=key
        )
        for key in matches_on(day)
    ]


def anniversary_days(line: Line, day: date) -> list[tuple[int, int, date]]:
    """The month and day of the anniversaries whose task is visible on `day`, each with the day it is kept: of 29
    February in a common year the 28th.
    """
    first = day - timedelta(days=line.after_days + line.window_days)
    last = day + timedelta(days=line.lead_days)
    found = []
    for on in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        found.append((on.month, on.day, on))
        if (on.month, on.day) == (2, 28) and (on + _DAY).month == 3:
            found.append((2, 29, on))
    return found


def asks_for_table(line: Line) -> bool:
    """Whether the guest is asked for a table and dishes: a contact before a festival."""
    return line.trigger == "festival" and line.channel in CONTACTS and line.after_days < 0


def is_weekend(line: Line) -> bool:
    """Whether it is the greeting at the weekend, with news of the guest's trade."""
    return line.trigger == "weekly" and line.occasions == (WEEKEND,)


def due_for(line: Line, event_on: date, day: date) -> tuple[date, date]:
    """The due day and the last day of a task for an occasion (or a visit), as opened for `day`."""
    due = event_on + timedelta(days=line.after_days)
    return max(due, day), due + timedelta(days=line.window_days)


# ---- absence -----------------------------------------------------------------------------------------------


def absent_between(line: Line, on: date) -> tuple[date, date]:
    """The last visits, first and last day, that make a guest a no-show in the night of `on`."""
    return on - timedelta(days=LAPSED_AFTER_DAYS - 1), on - timedelta(days=line.after_days)


def is_absent(line: Line, last_visit_on: date, on: date) -> bool:
    """Whether the no-show task is owed in the night of `on`."""
    first, last = absent_between(line, on)
    return first <= last_visit_on <= last


# ---- falling -----------------------------------------------------------------------------------------------


def fall_words(line: Line, on: date) -> tuple[str, str]:
    """The task of a guest who is about to fall, in Chinese and English: from which day, and what to do."""
    return f"{on.month}月{on.day}日起将降级：{line.zh}", f"Falls on {on:%d %b}: {line.en}"


# ---- who gets a text ---------------------------------------------------------------------------------------


def greeted_in_person(lines: Iterable[Line], trigger: str, festival: str = "") -> frozenset[str]:
    """The tiers that have a more personal gesture than a text for a birthday or for this festival."""
    return frozenset(
        line.tier
        for line in lines
        if line.enabled
        and line.personal
        and line.channel != "sms"
        and line.trigger == trigger
        and (not festival or festival in line.occasions)
    )


def tiers_with_own(lines: Iterable[Line], line: Line) -> frozenset[str]:
    """For a line for everybody: the tiers whose own line of the same trigger and channel takes its place."""
    if line.tier != EVERYBODY:
        return frozenset()
    return frozenset(
        other.tier
        for other in lines
        if other.enabled
        and other.tier != EVERYBODY
        and (other.trigger, other.channel) == (line.trigger, line.channel)
        and (not line.occasions or bool(set(line.occasions) & set(other.occasions)))
    )


def is_for(line: Line, tier: str, own: Collection[str] = ()) -> bool:
    """Whether a guest of `tier` is owed the line; `own` as told by `tiers_with_own`."""
    return line.tier == tier or (line.tier == EVERYBODY and tier not in own)


# ---- two plans -----------------------------------------------------------------------------------------------


def competes(first: Line, line: Line) -> bool:
    """Whether a line of a plan that goes first takes the place of `line`, for guests who are owed both.

    Both are for the same occasion, and through the same channel or both personal. A line for some guests only
    (`segment`) takes a place only where it was opened; a text takes none.
    """
    return (
        first.enabled
        and first.channel != "sms"
        and first.segment is None
        and first.trigger == line.trigger
        and (first.trigger != "festival" or bool(set(first.occasions) & set(line.occasions)))
        and (first.channel == line.channel or (first.personal and line.personal))
    )


# ---- who is treated otherwise ------------------------------------------------------------------------------


def blocked_because(line: Line, *, official: bool, dislikes_favours: bool, gifts_to_officials: bool) -> str:
    """Why a guest of this kind does not get the gesture; "" where nothing speaks against it."""
    if line.channel == "gift" and official and not gifts_to_officials:
        return "official"
    if line.small and dislikes_favours:
        return "small_favour"
    return ""


def reached_by(line: Line, overseas: bool) -> str:
    """The channel to a guest: nobody visits somebody who lives abroad, he is written to."""
    return "wechat" if line.channel == "visit" and overseas else line.channel
