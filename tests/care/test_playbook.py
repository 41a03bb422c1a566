"""The arithmetic of the plan, case by case as numbered in docs/rules/care.md. No Django."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from care.playbook import (
    BadPlaybook,
    Line,
    absent_between,
    birthday_events,
    competes,
    due_for,
    due_in,
    events,
    festival_events,
    greeted_in_person,
    is_absent,
    is_for,
    read_playbook,
    slots,
    tiers_with_own,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER, PRESETS = ROOT / "care" / "playbooks", ROOT / "tiering" / "presets"
SETS = sorted((FOLDER / "sets").glob("*.json"))
NOT_GESTURES = json.loads((FOLDER / "apart" / "not_gestures.json").read_text("utf-8"))
SAID_43 = ("加强关系,专属会员服务", "定期发送优惠券和活动信息", "通过活动引导提升消费水平")
BOOKS = {path.stem: read_playbook(json.loads(path.read_text("utf-8"))) for path in FOLDER.glob("*.json")}


def line(trigger: str = "monthly", **said: object) -> Line:
    base = Line(code="x", tier="A", trigger=trigger, channel="phone", zh="电话", en="call", role="head")
    return replace(base, **said)


def gesture(book: str, code: str) -> Line:
    return next(each for each in BOOKS[book].lines if each.code == code)


@pytest.mark.parametrize(
    ("trigger", "times", "day", "expected"),
    [
        pytest.param("monthly", 2, "2026-06-01", ["06-01..06-15", "06-16..06-30"], id="1-june-in-halves"),
        pytest.param("monthly", 2, "2026-02-01", ["02-01..02-14", "02-15..02-28"], id="2-february"),
        pytest.param("monthly", 2, "2026-07-01", ["07-01..07-15", "07-16..07-31"], id="3-a-month-of-31"),
        pytest.param("monthly", 1, "2026-06-30", ["06-01..06-30"], id="4-once-a-month"),
        pytest.param("half_year", 1, "2026-06-30", ["01-01..06-30"], id="4-first-half-year"),
        pytest.param("half_year", 1, "2026-07-01", ["07-01..12-31"], id="4-second-half-year"),
        pytest.param("yearly", 1, "2026-12-31", ["01-01..12-31"], id="4-year"),
        pytest.param("weekly", 1, "2026-06-20", ["06-15..06-21"], id="4-week-from-monday"),
        pytest.param("monthly", 2, "2026-06-15", ["06-01..06-15", "06-16..06-30"], id="6-last-day-of-half"),
        pytest.param("monthly", 2, "2026-06-16", ["06-16..06-30"], id="6-first-half-is-over"),
        pytest.param("monthly", 3, "2026-06-11", ["06-11..06-20", "06-21..06-30"], id="thirds"),
    ],
)
def test_slots(trigger: str, times: int, day: str, expected: list[str]):
    found = slots(line(trigger, times=times), date.fromisoformat(day))
    assert [f"{slot.first:%m-%d}..{slot.last:%m-%d}" for slot in found] == expected


def test_5_a_weekend_line_is_due_on_saturday():
    (slot,) = slots(line("weekly", occasions=("weekend",)), date(2026, 6, 16))
    assert (slot.first, slot.last) == (date(2026, 6, 20), date(2026, 6, 21))
    assert {due_in(slot, guest, date(2026, 6, 16)) for guest in range(50)} == {date(2026, 6, 20)}


@pytest.mark.parametrize("first_id", [1, 5000, 1_000_001])
@pytest.mark.parametrize("code", ["a_phone", "b_phone", "c"])
def test_7_two_hundred_guests_are_spread(first_id: int, code: str):
    (slot, _) = slots(line(code=code, times=2), date(2026, 6, 1))
    days = Counter(due_in(slot, first_id + n, date(2026, 6, 1)) for n in range(200))
    assert sum(days.values()) == 200
    assert max(days) <= date(2026, 6, 10)
    assert len(days) == 10
    assert max(days.values()) <= 40


def test_7_another_month_is_another_day():
    """Not always the same guests on the first of the month."""
    first_days = [
        due_in(slots(line(times=2), date(2026, month, 1))[0], 7, date(2026, month, 1)).day
        for month in range(1, 13)
    ]
    assert len(set(first_days)) > 3


def test_8_whoever_comes_late_is_due_the_next_day():
    (slot,) = slots(line(times=2), date(2026, 6, 29))
    assert {due_in(slot, guest, date(2026, 6, 29)) for guest in range(100)} == {date(2026, 6, 29)}


def test_slot_keys_name_period_and_turn():
    assert [slot.occasion for slot in slots(line(times=2), date(2026, 6, 1))] == [
        "monthly:2026-06:1",
        "monthly:2026-06:2",
    ]
    assert slots(line("weekly"), date(2027, 1, 1))[0].occasion == "weekly:2026-W53:1"
    assert slots(line("half_year"), date(2026, 7, 1))[0].occasion == "half_year:2026-H2:1"
    assert slots(line("yearly"), date(2026, 7, 1))[0].occasion == "yearly:2026:1"


# ---- occasions ----


def visible(gesture: Line, occasion: str, days: range) -> list[date]:
    """The days on which the task of an occasion is to be seen."""
    first = date(2026, 1, 1).toordinal()
    return [
        day
        for day in (date.fromordinal(first + n) for n in days)
        if occasion in {event.occasion for event in events(gesture, day)}
    ]


def test_10_a_gift_appears_seven_days_before_and_is_due_on_the_day():
    gift = gesture("monthly_avg_abc", "a_birthday")
    days = visible(gift, "birthday:solar:06-20:2026", range(365))
    assert days[0] == date(2026, 6, 13)
    assert due_for(gift, date(2026, 6, 20), days[0]) == (date(2026, 6, 20), date(2026, 6, 22))
    assert days[-1] == date(2026, 6, 22)


def test_11_the_booking_call_ten_days_before_mid_autumn():
    call = gesture("monthly_avg_abc", "a_reserve")
    days = visible(call, "festival:mid_autumn:2026", range(365))
    assert days[0] == date(2026, 9, 15)
    assert due_for(call, date(2026, 9, 25), days[0]) == (date(2026, 9, 15), date(2026, 9, 22))
    assert days[-1] == date(2026, 9, 22)


def test_11_late_by_three_days_it_is_due_at_once_and_ends_no_later():
    call = gesture("monthly_avg_abc", "a_reserve")
    assert due_for(call, date(2026, 9, 25), date(2026, 9, 18)) == (date(2026, 9, 18), date(2026, 9, 22))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param("2026-06-03", {"birthday:solar:06-03:2026", "birthday:lunar:04-18:2026",
                                    "birthday:lunar:leap04-18:2026"}, id="12-solar-and-lunar"),
        pytest.param("2026-09-25", {"birthday:solar:09-25:2026", "birthday:lunar:08-15:2026",
                                    "birthday:lunar:leap08-15:2026"}, id="12-mid-autumn"),
        pytest.param("2026-01-18", {"birthday:solar:01-18:2026", "birthday:lunar:11-30:2025",
                                    "birthday:lunar:leap11-30:2025"}, id="12-the-lunar-year-before"),
        pytest.param("2026-02-28", {"birthday:solar:02-28:2026", "birthday:solar:02-29:2026",
                                    "birthday:lunar:01-12:2026", "birthday:lunar:leap01-12:2026"},
                     id="13-29-february-in-a-common-year"),
        pytest.param("2028-02-28", {"birthday:solar:02-28:2028", "birthday:lunar:02-04:2028",
                                    "birthday:lunar:leap02-04:2028"}, id="13-not-in-a-leap-year"),
    ],
)  # fmt: skip
def test_birthdays_of_a_day(day: str, expected: set[str]):
    assert {event.occasion for event in birthday_events(date.fromisoformat(day))} == expected


def test_15_a_festival_carries_the_year_of_its_day():
    found = festival_events(date(2026, 12, 31), date(2027, 2, 6))
    assert [(event.occasion, event.on) for event in found] == [
        ("festival:new_year:2027", date(2027, 1, 1)),
        ("festival:new_years_eve:2027", date(2027, 2, 5)),
        ("festival:spring_festival:2027", date(2027, 2, 6)),
    ]


def test_a_festival_line_knows_only_its_own_festivals():
    visit = gesture("recent_month_abc", "a_festival_visit")
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    named = {event.occasion.split(":")[1] for day in year for event in events(visit, day)}
    assert named == {"new_year", "spring_festival", "may_day", "mid_autumn"}


# ---- absence ----


@pytest.mark.parametrize(
    ("last", "night", "owed"),
    [
        pytest.param("2026-06-01", "2026-06-10", False, id="17-nine-days"),
        pytest.param("2026-06-01", "2026-06-11", True, id="17-ten-days"),
        pytest.param("2026-06-01", "2026-06-12", True, id="17-eleven-days"),
        pytest.param("2026-06-10", "2026-06-11", False, id="18-came-the-day-before"),
        pytest.param("2026-06-01", "2026-07-30", True, id="20-fifty-nine-days"),
        pytest.param("2026-06-01", "2026-07-31", False, id="20-sixty-days-are-a-lapse"),
        pytest.param("2026-06-12", "2026-06-11", False, id="a-visit-after-the-night"),
    ],
)
def test_absence(last: str, night: str, owed: bool):
    no_show = gesture("recent_month_abc", "a_no_show")
    assert is_absent(no_show, date.fromisoformat(last), date.fromisoformat(night)) is owed
    first, latest = absent_between(no_show, date.fromisoformat(night))
    assert (first <= date.fromisoformat(last) <= latest) is owed


# ---- who ----


def test_21_everybodys_line_yields_to_a_tiers_own():
    lines = BOOKS["default"].lines
    switched_on = tuple(replace(each, enabled=True) for each in lines)
    everybody = next(each for each in switched_on if each.code == "any_no_show")
    own = tiers_with_own(switched_on, everybody)
    assert own == {"A", "B"}
    assert [is_for(everybody, tier, own) for tier in ("A", "B", "C", "UNRATED")] == [False, False, True, True]
    a_own = next(each for each in switched_on if each.code == "a_no_show")
    assert tiers_with_own(switched_on, a_own) == frozenset()
    assert [is_for(a_own, tier) for tier in ("A", "B")] == [True, False]


@pytest.mark.parametrize(
    ("book", "trigger", "festival", "tiers"),
    [
        pytest.param("recent_month_abc", "birthday", "", set(), id="25-no-birthday-gesture-in-this-plan"),
        pytest.param("recent_month_abc", "festival", "mid_autumn", {"A", "B"}, id="25-visited-at-mid-autumn"),
        pytest.param("recent_month_abc", "festival", "qixi", set(), id="25-not-at-qixi"),
        pytest.param("monthly_avg_abc", "birthday", "", {"A", "B", "C"}, id="25-gift-gift-call"),
        pytest.param("monthly_avg_abc", "festival", "mid_autumn", {"P"}, id="25-a-card-goes-with-a-text"),
        pytest.param("default", "festival", "mid_autumn", set(), id="25-texts-only"),
    ],
)
def test_greeted_in_person(book: str, trigger: str, festival: str, tiers: set[str]):
    assert greeted_in_person(BOOKS[book].lines, trigger, festival) == tiers


def test_25_a_gesture_switched_off_does_not_count():
    lines = [replace(each, enabled=False) for each in BOOKS["monthly_avg_abc"].lines]
    assert greeted_in_person(lines, "birthday") == set()


# ---- the books that ship ----


def numbers(path: Path) -> set[int]:
    """The numbered care actions that a file has."""
    body = json.loads(path.read_text("utf-8"))
    return {number for each in body["lines"] for number in each.get("care_actions", [])}


def test_every_action_of_the_source_is_in_its_book():
    """The numbered care actions of a scheme stand in the book of that scheme."""
    found = {path.stem: numbers(path) for path in FOLDER.glob("*.json")}
    own = {
        "monthly_avg_abc": range(1, 23), "recent_month_abc": range(23, 44), "hotpot_hml": range(44, 47),
        "company_vip_abc": range(47, 51), "company_new_ordinary_important_vip": range(51, 55),
        "policy_premium_potential_ordinary_new": range(55, 59), "key_account_levels": range(59, 66),
        "fb_department_types": range(66, 71), "lifecycle_types": range(71, 81), "vip_medals": range(81, 90),
        "vip_weight_classes": [105], "member_tenure": range(119, 122), "member_clusters": [122, 123],
        "lifecycle_stages": range(127, 132), "member_card_levels": [124, 125, 132, 133], "spend_loyalty": [137, 138],
    }  # fmt: skip
    apart = {each["care_action"] for each in NOT_GESTURES}
    assert {name: set(actions) - found[name] - apart for name, actions in own.items()} == {
        name: set() for name in own
    }


def test_every_action_of_the_source_is_a_gesture_somewhere_or_is_told_why_not():
    """All 141: in a scheme's book or a ready-made set; else in the one list that says what it is instead."""
    found = set().union(*(numbers(path) for path in [*FOLDER.glob("*.json"), *SETS]))
    apart = {each["care_action"] for each in NOT_GESTURES}
    assert found | apart == set(range(1, 142))
    assert found & apart == set()
    assert all(len(each["why"]) > 10 for each in NOT_GESTURES)


@pytest.mark.parametrize("name", sorted(set(BOOKS) - {"default"}))
def test_a_book_speaks_of_the_tiers_of_its_scheme(name: str):
    preset = json.loads((PRESETS / f"{name}.json").read_text("utf-8"))
    tiers = {tier["code"] for tier in preset["tiers"]}
    assert BOOKS[name].scheme == name
    assert {each.tier for each in BOOKS[name].lines} - tiers <= {"*"}


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_a_ready_made_set_can_be_read_and_has_a_name(path: Path):
    body = json.loads(path.read_text("utf-8"))
    assert read_playbook(body).scheme == path.stem
    assert body["zh"] and body["en"]


def test_row_43_high_middle_and_low_have_three_plans():
    """High: exclusive services and a closer relation; middle: coupons and news; low: what leads to higher spend."""
    lines = [each for each in BOOKS["hotpot_hml"].lines if each.tier in "ABC" and each.source_zh in SAID_43]
    assert [(each.tier, each.trigger, each.channel) for each in lines] == [
        ("A", "each_visit", "in_store"), ("A", "monthly", "phone"), ("B", "campaign", "sms"),
        ("C", "campaign", "gift"),
    ]  # fmt: skip


def test_gifts_to_officials_ship_switched_off():
    assert gesture("monthly_avg_abc", "p_officials").enabled is False


def top_two(book: str) -> list[str]:
    """The two highest tiers of the scheme of a book."""
    path = PRESETS / f"{book}.json"
    tiers = json.loads(path.read_text("utf-8"))["tiers"] if path.exists() else [{"code": "A"}, {"code": "B"}]
    return [tier["code"] for tier in tiers[:2]]


# The plans of the schemes on the main axis: they open tasks without being switched on.
MAIN = sorted(
    name
    for name in BOOKS
    if name == "default" or "axis" not in json.loads((PRESETS / f"{name}.json").read_text("utf-8"))
)


def test_seven_schemes_have_a_plan_of_their_own():
    assert MAIN == [
        "company_new_ordinary_important_vip", "company_vip_abc", "default", "hotpot_hml", "monthly_avg_abc",
        "policy_premium_potential_ordinary_new", "recent_month_abc", "spend_loyalty",
    ]  # fmt: skip


@pytest.mark.parametrize("book", MAIN)
def test_every_book_texts_birthdays_and_festivals_and_calls_absent_guests(book: str):
    everybody = {(each.code, each.channel, each.personal) for each in BOOKS[book].lines if each.tier == "*"}
    assert {("birthday_text", "sms", False), ("festival_text", "sms", False)} <= everybody
    first, second = top_two(book)
    assert [
        (each.tier, each.role) for each in BOOKS[book].lines if each.trigger == "absence" and each.enabled
    ] == [
        (first, "head"),
        (second, "manager"),
    ]


def test_roles_of_the_recent_month_scheme():
    """The store head for A, the manager for B: by name, not by owner."""
    book = BOOKS["recent_month_abc"]
    roles = {
        (each.tier, each.role, each.owner_first)
        for each in book.lines
        if each.trigger in ("monthly", "half_year")
    }
    assert roles == {("A", "head", False), ("B", "manager", False)}
    assert {each.tier for each in book.lines if each.channel == "event"} == {"A"}


BAD = {
    "an unknown key": ({"colour": "red"}, "unknown colour"),
    "an unknown trigger": ({"trigger": "hourly"}, "trigger 'hourly'"),
    "an unknown channel": ({"channel": "fax"}, "channel 'fax'"),
    "an unknown role": ({"role": "cook"}, "role 'cook'"),
    "no turn at all": ({"times": 0}, "times must be from 1 to 10"),
    "a festival without a name": ({"trigger": "festival"}, "none named"),
    "a festival nobody knows": ({"trigger": "festival", "occasions": ["easter"]}, "easter"),
    "a cadence with festivals": ({"occasions": ["mid_autumn"]}, "occasions belong to festivals"),
    "an absence without days": ({"trigger": "absence"}, "after how many days"),
    "a monthly text": ({"channel": "sms"}, "for a birthday or a festival only"),
    "no words": ({"zh": ""}, "zh must have 1 to 120"),
}
GOOD = {
    "code": "x", "tier": "A", "trigger": "monthly", "channel": "phone", "zh": "电话", "en": "call",
    "role": "head",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_book_that_cannot_be_meant_is_refused(name: str):
    change, why = BAD[name]
    assert read_playbook({"scheme": "s", "lines": [GOOD]}).lines[0].code == "x"
    with pytest.raises(BadPlaybook) as refused:
        read_playbook({"scheme": "s", "lines": [GOOD | change]})
    assert why in str(refused.value)


def test_a_line_without_a_code_is_refused():
    with pytest.raises(BadPlaybook, match=r"lines\[0\]: .*code"):
        read_playbook({"scheme": "s", "lines": [{key: GOOD[key] for key in GOOD if key != "code"}]})


def test_two_lines_of_one_code_are_refused():
    with pytest.raises(BadPlaybook, match="x: twice"):
        read_playbook({"scheme": "s", "lines": [GOOD, GOOD]})


def test_a_book_without_a_scheme_or_lines_is_refused():
    with pytest.raises(BadPlaybook, match="scheme: missing"):
        read_playbook({"lines": [GOOD]})
    with pytest.raises(BadPlaybook, match="lines: none"):
        read_playbook({"scheme": "s"})


def owed(channel: str, trigger: str = "birthday", **more: object) -> Line:
    return Line("x", "A", trigger, channel, "x", "x", "manager", **more)


@pytest.mark.parametrize(
    ("words", "first", "line", "taken"),
    [
        ("both personal", owed("phone"), owed("gift"), True),
        ("one channel", owed("card", personal=False), owed("card"), True),
        ("two channels, one of them personal", owed("card", personal=False), owed("gift"), False),
        ("two channels, none personal", owed("card", personal=False), owed("wechat", personal=False), False),
        ("another occasion", owed("gift", "anniversary"), owed("gift"), False),
        ("a festival of both", owed("gift", "festival", occasions=("qixi", "may_day")),
         owed("gift", "festival", occasions=("may_day",)), True),
        ("two festivals", owed("gift", "festival", occasions=("qixi",)),
         owed("gift", "festival", occasions=("may_day",)), False),
        ("a week and a month", owed("phone", "weekly"), owed("phone", "monthly"), False),
        ("switched off", owed("gift", enabled=False), owed("gift"), False),
        ("a text", owed("sms", personal=True), owed("gift"), False),
        ("for some guests", owed("gift", segment=1), owed("gift"), False),
        ("after it, for some guests", owed("gift"), owed("gift", segment=1), True),
    ],
)  # fmt: skip
def test_case_115_which_line_takes_the_place_of_another(words, first, line, taken):
    assert competes(first, line) is taken, words
