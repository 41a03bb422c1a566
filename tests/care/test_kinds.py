"""Caps on contacts, kinds of guests that are treated otherwise, gifts to officials, what the lower tiers are given."""

from datetime import date, timedelta

import pytest

from care.models import CareRules, Task
from care.playbook import Line, blocked_because, reached_by
from care.services.plans import add_line, playbook_for, remove_line, set_inherits
from care.treatments import heirs, inherited, treatments
from common.birthdays import Birthday
from customers.models import Tag
from tests.care.stage import LONG_AGO, adopt, content, guests, night
from tiering.selectors.schemes import preset
from tiering.services.judgements import judge
from tiering.services.schemes import adopt as adopt_version
from tiering.services.schemes import save_scheme

MEDALS = ("GOLD", "SILVER", "BRONZE")


def line(code: str = "x", tier: str = "A", channel: str = "gift", trigger: str = "birthday", **more) -> Line:
    said = {"zh": code, "en": code, "role": "manager", "lead_days": 7, "window_days": 2} | more
    return Line(code=code, tier=tier, trigger=trigger, channel=channel, **said)


# ---- what the lower tiers are given --------------------------------------------------------------------------


def test_row_54_a_gold_vip_has_nine_treatments_with_inheritance_and_three_without():
    lines = playbook_for("vip_medals").lines
    assert len(treatments(lines, MEDALS, "GOLD", inherits=True)) == 9
    assert len(treatments(lines, MEDALS, "SILVER", inherits=True)) == 6
    for tier in MEDALS:
        assert len(treatments(lines, MEDALS, tier, inherits=False)) == 3


@pytest.mark.parametrize(
    ("case", "lines", "expected"),
    [
        ("goes up to all", [line("a", "BRONZE")], ("SILVER", "GOLD")),
        ("stops at the tier with its own birthday gift", [line("a", "BRONZE"), line("b", "SILVER")], ()),
        ("the same words are one", [line("a", "BRONZE", "in_store", "each_visit", zh="茶"),
                                    line("b", "GOLD", "in_store", "any_time", zh="茶")], ("SILVER",)),
        ("other words are two", [line("a", "BRONZE", "in_store", "each_visit"),
                                 line("b", "SILVER", "in_store", "each_visit")], ("SILVER", "GOLD")),
        ("a call is no treatment", [line("a", "BRONZE", "phone")], ()),
        ("what is off is not given", [line("a", "BRONZE", enabled=False)], ()),
        ("nothing is above gold", [line("a", "GOLD")], ()),
        ("everybody's line has no tier", [line("a", "*")], ()),
    ],
)  # fmt: skip
def test_cases_43_to_45_what_goes_up(case, lines, expected):
    assert heirs(lines, MEDALS, lines[0]) == expected
    assert (lines[0] in inherited(lines, MEDALS, "GOLD")) == ("GOLD" in expected)


@pytest.mark.django_db
def test_a_gold_guest_gets_the_silver_birthday_gift_once_where_the_plan_inherits(store):
    body = {**preset("vip_medals"), "axis": "tier"}
    version = save_scheme(store=store, body=body, actor=None, at=LONG_AGO)
    adopt_version(store=store, version=version, from_date=date(2026, 1, 1), actor=None, at=LONG_AGO)
    guests(store, 1, "GOLD", born=Birthday("solar", None, 6, 20))
    night(store, "2026-06-12")
    assert not Task.objects.exists()
    set_inherits(store=store, scheme_code="vip_medals", inherits=True, actor=None, at=LONG_AGO)
    for _twice in range(2):
        night(store, "2026-06-12")
        assert list(Task.objects.values_list("code", "tier", "state")) == [
            ("silver_birthday", "GOLD", "open")
        ]


# ---- kinds of guests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "channel", "small", "official", "steady", "allowed", "reason"),
    [
        ("an official, the switch is off", "gift", False, True, False, False, "official"),
        ("an official, the switch is on", "gift", False, True, False, True, ""),
        ("an official is called", "phone", False, True, False, False, ""),
        ("a small gift to a steady man", "gift", True, False, True, False, "small_favour"),
        ("a great gift to a steady man", "gift", False, False, True, False, ""),
        ("both: the law comes first", "gift", True, True, True, False, "official"),
        ("anybody", "gift", True, False, False, False, ""),
    ],
)  # fmt: skip
def test_cases_46_and_47_who_is_treated_otherwise(case, channel, small, official, steady, allowed, reason):
    gesture = line(channel=channel, small=small)
    told = {"official": official, "dislikes_favours": steady, "gifts_to_officials": allowed}
    assert blocked_because(gesture, **told) == reason


def test_case_48_nobody_visits_abroad():
    assert (reached_by(line(channel="visit"), True), reached_by(line(channel="visit"), False)) == (
        "wechat",
        "visit",
    )
    assert reached_by(line(channel="phone"), True) == "phone"


def tag(people, word: str) -> None:
    Tag.objects.bulk_create(Tag(customer=person, word=word, added_at=LONG_AGO) for person in people)


def states() -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for told in Task.objects.values_list("state", "reason"):
        found[told] = found.get(told, 0) + 1
    return found


def adopt_without_gifts(store) -> None:
    """The company's scheme without the festival gift that its plan has for A."""
    adopt(store, "company_vip_abc")
    remove_line(store=store, scheme_code="company_vip_abc", code="a_festival_gift", actor=None, at=LONG_AGO)


@pytest.fixture
def festival(store):
    """Sixty guests of tier A owed a gift for Mid-Autumn (25 September 2026)."""
    adopt_without_gifts(store)
    gift = line("moon_cake", "A", trigger="festival", occasions=("mid_autumn",), lead_days=3)
    add_line(store=store, scheme_code="company_vip_abc", line=gift, actor=None, at=LONG_AGO)
    return guests(store, 60, "A")


def moon_cakes() -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for told in Task.objects.filter(code="moon_cake").values_list("state", "reason"):
        found[told] = found.get(told, 0) + 1
    return found


@pytest.mark.django_db
def test_row_25_eight_officials_among_sixty_get_no_gift_until_the_store_turns_it_on(store, head, festival):
    tag(festival[:7], "government_or_committee")
    judge(
        store=store,
        customer_id=festival[7].pk,
        code="government",
        reason="税务局",
        actor=head,
        on=date(2026, 1, 1),
        at=LONG_AGO,
    )
    told = night(store, "2026-09-21")
    assert (told["festival"], told["official"]) == (52, 8)
    assert moon_cakes() == {("open", ""): 52, ("blocked", "official"): 8}
    before = content()
    night(store, "2026-09-21")
    assert content() == before
    CareRules.objects.create(store=store, gifts_to_officials=True)
    assert night(store, "2026-09-22")["festival"] == 8
    assert moon_cakes() == {("open", ""): 60}


@pytest.mark.django_db
def test_a_guest_graded_as_government_is_an_official(store, festival):
    festival[0].patronages.update(labels={"nature": "GOVERNMENT"})
    assert night(store, "2026-09-21")["official"] == 1


@pytest.mark.django_db
def test_row_30_fifteen_of_a_hundred_dislike_small_favours(store):
    adopt_without_gifts(store)
    coupon = line("coupon", "A", trigger="festival", occasions=("mid_autumn",), lead_days=3, small=True)
    add_line(store=store, scheme_code="company_vip_abc", line=coupon, actor=None, at=LONG_AGO)
    tag(guests(store, 100, "A")[:15], "steady_career")
    told = night(store, "2026-09-21")
    assert (told["festival"], told["small_favour"]) == (85, 15)


@pytest.mark.django_db
def test_row_16_a_guest_abroad_is_written_to_not_visited(store):
    adopt(store, "recent_month_abc")
    abroad, here = guests(store, 2, "A")
    tag([abroad], "overseas")
    night(store, "2026-05-31")
    seen = dict(Task.objects.filter(code="a_visit").values_list("customer_id", "channel"))
    assert seen == {abroad.pk: "wechat", here.pk: "visit"}
    assert Task.objects.get(code="a_visit", customer=abroad).zh == "（海外客人，改用微信）登门拜望"


# ---- how often -----------------------------------------------------------------------------------------------


def contacts(week: date) -> int:
    days = (week, week + timedelta(days=6))
    return Task.objects.filter(
        due_on__range=days, state__in=("open", "done"), channel__in=("phone", "visit", "wechat")
    ).count()


@pytest.mark.django_db
def test_case_49_no_more_than_one_contact_a_week(store):
    """Row 67's cap: five greetings by hand a week from the plan, one is allowed."""
    adopt(store, "company_vip_abc")
    for n in range(5):
        often = line(f"hello{n}", "A", "phone", "weekly", lead_days=7)
        add_line(store=store, scheme_code="company_vip_abc", line=often, actor=None, at=LONG_AGO)
    CareRules.objects.create(store=store, contacts_a_week=1)
    people = guests(store, 3, "A")
    monday = date(2026, 6, 15)
    told = night(store, "2026-06-14")
    assert (told["opened"], told["cap_week"]) == (3, 12)
    assert contacts(monday) == 3
    assert set(Task.objects.filter(state="blocked").values_list("reason", flat=True)) == {"cap_week"}
    before = content()
    night(store, "2026-06-14")
    assert content() == before
    # One declines: the place is free again, and the night gives it to another gesture.
    Task.objects.filter(state="open", customer=people[0]).update(state="declined")
    assert night(store, "2026-06-15")["opened"] == 1


@pytest.mark.django_db
def test_several_turns_of_one_line_are_counted_together(store):
    adopt(store, "company_vip_abc")
    often = line("hello", "A", "phone", "weekly", times=3, lead_days=7)
    add_line(store=store, scheme_code="company_vip_abc", line=often, actor=None, at=LONG_AGO)
    CareRules.objects.create(store=store, contacts_a_week=2)
    guests(store, 1, "A")
    night(store, "2026-06-14")
    assert states() == {("open", ""): 2, ("blocked", "cap_week"): 1}


@pytest.mark.django_db
def test_without_a_cap_nothing_is_held_back(store):
    adopt(store, "company_vip_abc")
    often = line("hello", "A", "phone", "weekly", times=3, lead_days=7)
    add_line(store=store, scheme_code="company_vip_abc", line=often, actor=None, at=LONG_AGO)
    guests(store, 1, "A")
    assert "cap_week" not in night(store, "2026-06-14")
    assert states() == {("open", ""): 3}
