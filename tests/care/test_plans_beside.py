"""Plans of the axes beside the ladder: switched on by a person, they add what a guest does not have for an occasion."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from care.models import CareRules, Message, Plan, PlanLine, Task
from care.playbook import Line
from care.selectors.tasks import task_summary, tasks_of
from care.services import plans
from care.services.occasions import queue_occasions
from care.services.tasks import complete_task
from common.birthdays import Birthday
from common.errors import Refused
from customers.models import Patronage
from customers.services.customers import add_tag
from tests.care.stage import LONG_AGO, adopt, content, grade, guests, morning, night, nights, plan_texts
from tiering.models import Segment
from tiering.selectors.schemes import preset
from tiering.services.schemes import adopt as adopt_version
from tiering.services.schemes import save_scheme

pytestmark = pytest.mark.django_db

LADDER, CARD, TYPES = "recent_month_abc", "member_card_levels", "lifecycle_types"
BORN = Birthday("solar", 1980, 6, 20)
# A week before: the night that shows gifts for 20 June.
EVE = "2026-06-12"


def line(code: str, tier: str, trigger: str = "birthday", channel: str = "gift", **more: object) -> Line:
    return Line(
        code, tier, trigger, channel, code, code, "manager", **({"lead_days": 7, "window_days": 3} | more)
    )


def call(code: str, tier: str, **more: object) -> Line:
    return line(code, tier, channel="phone", **more)


def plan_of(store, scheme: str, *lines: Line, works: bool = True) -> None:
    """Adopt a scheme whose plan has these lines only."""
    adopt(store, scheme)
    told = {"store": store, "scheme_code": scheme, "actor": None, "at": LONG_AGO}
    shipped = [row.code for row in plans.plan_for(store, scheme, LONG_AGO).lines.all()]
    for each in lines:
        plans.add_line(line=each, **told)
    for code in shipped:
        plans.remove_line(code=code, **told)
    if works and scheme != LADDER:
        plans.set_works(works=True, **told)


def label(customer, store, tier: str = "", **labels: str) -> None:
    """What stands on the door: the tier of the ladder, the labels of other axes."""
    grade(customer, store, tier, labels=labels)


def owed(customer=None, **where) -> list[str]:
    found = Task.objects.filter(**where).exclude(state="blocked")
    return sorted((found.filter(customer=customer) if customer else found).values_list("code", flat=True))


@pytest.fixture
def guest(store):
    [person] = guests(store, 1, born=BORN, last_visit_on=date(2026, 6, 12))
    return person


# ---- the switch --------------------------------------------------------------------------------------------------


def test_case_113_a_plan_beside_the_ladder_opens_nothing_until_it_is_switched_on(store, guest):
    plan_of(store, LADDER, call("a_call", "A"))
    plan_of(store, CARD, line("gold_gift", "GOLD"), works=False)
    label(guest, store, "C", card="GOLD")
    assert night(store, EVE)["opened"] == 0
    plans.set_works(store=store, scheme_code=CARD, works=True, actor=None, at=LONG_AGO)
    assert night(store, EVE)["opened"] == 1
    task = Task.objects.get()
    assert (task.code, task.tier, task.occasion) == ("gold_gift", "GOLD", "birthday:solar:06-20:2026")
    assert task_summary(tasks_of(store).get())["scheme"] == CARD
    before = content()
    assert night(store, EVE)["opened"] == 0
    assert content() == before


def test_case_113_switching_is_a_version_and_twice_is_once(store, head):
    plan_of(store, CARD, line("gold_gift", "GOLD"), works=False)
    number = Plan.objects.get(scheme_code=CARD, retired_at=None).number
    for works, expected in ((True, number + 1), (True, number + 1), (False, number + 2)):
        plans.set_works(store=store, scheme_code=CARD, works=works, actor=head, at=LONG_AGO)
        plan = Plan.objects.get(scheme_code=CARD, retired_at=None)
        assert (plan.works, plan.number, plan.made_by) == (works, expected, head)
    # Going back to an older version neither switches it on nor off.
    plans.restore(store=store, scheme_code=CARD, number=number + 1, actor=head, at=LONG_AGO)
    assert not Plan.objects.get(scheme_code=CARD, retired_at=None).works
    plans.set_inherits(store=store, scheme_code=CARD, inherits=True, actor=head, at=LONG_AGO)
    assert not Plan.objects.get(scheme_code=CARD, retired_at=None).works


def test_case_113_the_plan_of_the_ladder_has_no_switch(store, head):
    adopt(store, LADDER)
    for scheme in (LADDER, "default", "nothing"):
        with pytest.raises(Refused) as refused:
            plans.set_works(store=store, scheme_code=scheme, works=False, actor=head, at=LONG_AGO)
        assert refused.value.code == "plan_always_works"
    assert not Plan.objects.filter(works=True).exists()


def test_case_113_switched_off_again_what_is_open_stays(store, guest):
    plan_of(store, CARD, line("gold_call", "GOLD", "monthly", "phone", lead_days=31))
    label(guest, store, "C", card="GOLD")
    night(store, "2026-06-12")
    plans.set_works(store=store, scheme_code=CARD, works=False, actor=None, at=LONG_AGO)
    night(store, "2026-06-13")
    assert owed(state="open") == ["gold_call"]
    night(store, "2026-06-30")
    assert owed(state="open") == []


# ---- for whom ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "labels", "codes"),
    [
        ("GOLD", {"card": "GOLD"}, ["gold"]),
        ("GOLD", {}, []),  # a tier of that name on the ladder is another thing
        ("C", {"card": "SILVER"}, ["everybody"]),
        ("C", {"card": "UNRATED"}, []),
        ("C", {}, []),
    ],
)
def test_case_114_the_label_on_the_axis_of_the_plan_decides(store, guest, tier, labels, codes):
    """`*` is everybody who stands on that axis; where a label has a line of its own that one is hers."""
    plan_of(store, CARD, line("gold", "GOLD"), line("everybody", "*"))
    label(guest, store, tier, **labels)
    night(store, EVE)
    assert owed() == codes
    assert [task.tier for task in Task.objects.all()] == [labels["card"] for _ in codes]


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        ("NEW", ["new_gift"]),
        ("FEEDBACK", ["feedback_gift"]),
        ("LONG+FEEDBACK", ["feedback_gift"]),
        ("NEW+FEEDBACK", ["new_gift"]),  # two labels, one gift
        ("NEWER", []),
    ],
)
def test_case_114_of_several_labels_each_counts_and_there_is_one_gift(store, guest, labels, codes):
    plan_of(store, TYPES, line("new_gift", "NEW"), line("feedback_gift", "FEEDBACK"))
    label(guest, store, "C", lifecycle=labels)
    night(store, EVE)
    assert owed() == codes
    assert {task.tier for task in Task.objects.all()} <= {"NEW", "FEEDBACK"}


def test_case_114_a_plan_that_inherits_goes_up_its_own_axis(store, guest):
    """What SILVER is given goes up to GOLD and DIAMOND; GOLD has a gift of its own, so it ends there."""
    plan_of(store, CARD, line("silver_gift", "SILVER"), line("diamond_call", "DIAMOND", "festival", "phone",
                                                              occasions=("mid_autumn",)))  # fmt: skip
    plans.set_inherits(store=store, scheme_code=CARD, inherits=True, actor=None, at=LONG_AGO)
    label(guest, store, "C", card="DIAMOND")
    night(store, EVE)
    assert owed() == ["silver_gift"]
    assert Task.objects.get().tier == "DIAMOND"


# ---- the ladder goes first ---------------------------------------------------------------------------------------

FESTIVE = {"trigger": "festival", "occasions": ("mid_autumn", "spring_festival")}

# What the ladder's plan owes an A guest, what the card's owes a gold one, and what a guest who is both gets.
TWO_PLANS = [
    ("another occasion", call("a", "A", trigger="festival", occasions=("may_day",)), line("gold", "GOLD"), ["gold"]),
    ("the same channel", line("a", "A", personal=False), line("gold", "GOLD", personal=False), ["a"]),
    ("both personal", call("a", "A"), line("gold", "GOLD"), ["a"]),
    ("a card beside a gift", line("a", "A", channel="card", personal=False), line("gold", "GOLD"), ["a", "gold"]),
    ("a gift beside a card", line("a", "A"), line("gold", "GOLD", channel="card", personal=False), ["a", "gold"]),
    ("another tier's", line("a", "B"), line("gold", "GOLD"), ["gold"]),
    ("everybody's", line("a", "*"), line("gold", "GOLD"), ["a"]),
    ("switched off", line("a", "A", enabled=False), line("gold", "GOLD"), ["gold"]),
    ("shown later", line("a", "A", lead_days=2), line("gold", "GOLD", lead_days=7), []),
    ("a text", line("a", "A", channel="sms", personal=False), line("gold", "GOLD"), ["gold"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "first", "beside", "codes"), TWO_PLANS, ids=[each[0] for each in TWO_PLANS]
)
def test_case_115_no_second_gesture_for_one_occasion(store, guest, words, first, beside, codes):
    plan_of(store, LADDER, first, line("other", "B", "monthly", "phone"))
    plan_of(store, CARD, beside)
    label(guest, store, "A", card="GOLD")
    night(store, EVE)
    assert owed(guest) == codes
    before = content()
    night(store, EVE)
    assert content() == before


def test_case_115_the_ladder_goes_first_though_its_turn_comes_later(store, guest):
    """The card's gift would be shown a week ahead, the ladder's two days: it is the ladder's that is given."""
    plan_of(store, LADDER, line("a", "A", lead_days=2))
    plan_of(store, CARD, line("gold", "GOLD", lead_days=7))
    label(guest, store, "A", card="GOLD")
    nights(store, EVE, "2026-06-20")
    assert owed(guest) == ["a"]


def test_case_115_a_festival_that_only_one_plan_keeps(store, guest):
    plan_of(store, LADDER, line("a", "A", "festival", "visit", occasions=("mid_autumn",)))
    plan_of(store, CARD, line("gold", "GOLD", "festival", "visit", occasions=("mid_autumn", "may_day")))
    label(guest, store, "A", card="GOLD")
    nights(store, "2026-04-27", "2026-05-01")
    nights(store, "2026-09-17", "2026-09-25")
    assert list(Task.objects.order_by("pk").values_list("code", "occasion")) == [
        ("gold", "festival:may_day:2026"), ("a", "festival:mid_autumn:2026"),
    ]  # fmt: skip


@pytest.mark.parametrize(("channel", "personal", "turns"), [("phone", True, [2]), ("card", False, [1, 2])])
def test_case_115_the_turns_of_a_cadence(store, guest, channel, personal, turns):
    """One call a month by the ladder, two by the card: two calls a month, not three."""
    plan_of(store, LADDER, line("a", "A", "monthly", "phone", lead_days=31))
    plan_of(store, CARD, line("gold", "GOLD", "monthly", channel, times=2, lead_days=31, personal=personal))
    label(guest, store, "A", card="GOLD")
    night(store, "2026-05-31")
    assert sorted(Task.objects.values_list("code", "occasion")) == [
        ("a", "monthly:2026-06:1"), *(("gold", f"monthly:2026-06:{turn}") for turn in turns),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("trigger", "more"),
    [
        ("absence", {"after_days": 10, "window_days": 14}),
        ("after_visit", {"after_days": 3, "window_days": 20}),
        ("anniversary", {}),
        ("new_guest", {"after_days": 1}),
    ],
)
def test_case_115_an_absence_a_visit_an_anniversary_a_new_guest(store, guest, trigger, more):
    plan_of(store, LADDER, line("a", "A", trigger, "phone", **more))
    plan_of(store, CARD, line("gold", "GOLD", trigger, "phone", **more))
    label(guest, store, "A", card="GOLD")
    [other] = guests(store, 1, first=50, last_visit_on=date(2026, 6, 12))
    label(other, store, "C", card="GOLD")
    for each in (guest, other):
        each.anniversaries.create(kind="wedding", month=6, day=24, year=2010, told_at=LONG_AGO)
        # Each was put on file alone.
        type(each).objects.filter(pk=each.pk).update(created_at=morning(date(2026, 1, each.pk % 27 + 1)))
    Patronage.objects.filter(store=store).update(since=date(2026, 6, 21))
    nights(store, "2026-06-20", "2026-06-23")
    assert (owed(guest), owed(other)) == (["a"], ["gold"])


def test_case_116_what_is_forbidden_takes_no_place(store, guest):
    """The ladder's gift is not for an official: the card's call is made."""
    plan_of(store, LADDER, line("a", "A"))
    plan_of(store, CARD, call("gold", "GOLD"))
    label(guest, store, "A", card="GOLD")
    add_tag(customer=guest, word="government_or_committee", actor=None, at=LONG_AGO)
    night(store, EVE)
    assert sorted(Task.objects.values_list("code", "state", "reason")) == [
        ("a", "blocked", "official"), ("gold", "open", ""),
    ]  # fmt: skip


def test_case_116_a_line_for_some_guests_takes_the_place_of_theirs_only(store, guest):
    rule = {"all": [{"fact": "visits_30d", "op": ">=", "value": 100}]}
    group = Segment.objects.create(store=store, name="常来", rule=rule, made_at=LONG_AGO)
    plan_of(store, LADDER, line("a", "A", segment=group.pk), line("other", "B", "monthly", "phone"))
    plan_of(store, CARD, line("gold", "GOLD"))
    label(guest, store, "A", card="GOLD")
    night(store, EVE)
    assert owed(guest) == ["gold"]


def test_case_117_what_is_on_file_stands(store, guest):
    """The card's gift was opened for a C guest; when she rises to A, the ladder's does not come on top."""
    plan_of(store, LADDER, line("a", "A"), line("a_card", "A", channel="card", personal=False))
    plan_of(store, CARD, line("gold", "GOLD"))
    label(guest, store, "C", card="GOLD")
    night(store, EVE)
    assert owed(guest) == ["gold"]
    label(guest, store, "A", card="GOLD")
    nights(store, "2026-06-13", "2026-06-16")
    assert owed(guest) == ["a_card", "gold"]


def test_case_117_nor_in_a_turn_of_a_cadence(store, guest):
    plan_of(store, LADDER, line("a", "A", "monthly", "phone", lead_days=31))
    plan_of(store, CARD, line("gold", "GOLD", "monthly", "phone", lead_days=31))
    label(guest, store, "C", card="GOLD")
    night(store, "2026-06-02")
    label(guest, store, "A", card="GOLD")
    night(store, "2026-06-03")
    assert owed(guest) == ["gold"]
    night(store, "2026-06-30")
    assert sorted(Task.objects.filter(state="open").values_list("code", "occasion")) == [
        ("a", "monthly:2026-07:1")
    ]


def test_case_117_the_axes_follow_each_other_in_their_order(store, guest):
    """The card before the type of guest (tiering/axes.py), in whatever order they were adopted."""
    plan_of(store, TYPES, line("new_gift", "NEW"))
    plan_of(store, CARD, line("gold", "GOLD"))
    label(guest, store, "C", card="GOLD", lifecycle="NEW")
    night(store, EVE)
    assert owed(guest) == ["gold"]


@pytest.mark.parametrize(("tier", "reason"), [("A", "cap_week"), ("C", "")])
def test_case_118_the_weeks_contacts_are_of_all_plans_together(store, guest, tier, reason):
    """A call for the birthday of 20 June by the ladder, a word for the wedding day of the 19th by the card: one a week."""
    CareRules.objects.create(store=store, contacts_a_week=1)
    plan_of(store, LADDER, call("a", "A"))
    plan_of(store, CARD, line("gold", "GOLD", "anniversary", "wechat"))
    guest.anniversaries.create(kind="wedding", month=6, day=19, year=2010, told_at=LONG_AGO)
    label(guest, store, tier, card="GOLD")
    assert night(store, EVE).get("cap_week", 0) == bool(reason)
    assert Task.objects.get(code="gold").reason == reason


# ---- closing -----------------------------------------------------------------------------------------------------


@pytest.fixture
def two_calls(store, guest):
    """A call a month by the ladder, a visit by the card that is not personal."""
    plan_of(store, LADDER, line("a", "A", "monthly", "phone", lead_days=31))
    plan_of(store, CARD, line("gold", "GOLD", "monthly", "visit", lead_days=31, personal=False),
            line("all_card", "*", "monthly", "card", lead_days=31, personal=False))  # fmt: skip
    label(guest, store, "A", card="GOLD")
    night(store, "2026-06-01")
    assert owed(state="open") == ["a", "all_card", "gold"]


@pytest.mark.parametrize(
    ("tier", "labels", "open_", "closed"),
    [
        ("A", {"card": "GOLD"}, ["a", "all_card", "gold"], []),
        ("C", {"card": "GOLD"}, ["all_card", "gold"], ["a"]),
        ("A", {"card": "SILVER"}, ["a", "all_card"], ["gold"]),
        ("GOLD", {"card": "A"}, ["all_card"], ["a", "gold"]),
        ("A", {"card": "UNRATED"}, ["a"], ["all_card", "gold"]),
        ("A", {}, ["a"], ["all_card", "gold"]),
    ],
)
def test_case_119_a_label_that_changes_closes_what_its_own_axis_owed(
    store, guest, two_calls, tier, labels, open_, closed
):
    label(guest, store, tier, **labels)
    assert night(store, "2026-06-02")["tier_changed"] == len(closed)
    assert (owed(state="open"), owed(state="closed", reason="tier_changed")) == (open_, closed)
    # Whoever returns finds the same tasks again.
    label(guest, store, "A", card="GOLD")
    night(store, "2026-06-03")
    assert (owed(state="open"), Task.objects.count()) == (["a", "all_card", "gold"], 3)


def test_case_119_of_several_labels_only_the_one_that_went(store, guest):
    plan_of(store, TYPES, line("new", "NEW", "monthly", "phone", lead_days=31))
    label(guest, store, lifecycle="NEW+LONG")
    night(store, "2026-06-01")
    label(guest, store, lifecycle="FEEDBACK+NEW")
    night(store, "2026-06-02")
    assert owed(state="open") == ["new"]
    label(guest, store, lifecycle="LONG")
    night(store, "2026-06-03")
    assert owed(state="closed", reason="tier_changed") == ["new"]


def test_case_119_another_scheme_on_one_axis_leaves_the_others_alone(store, guest, two_calls):
    adopt(store, "monthly_avg_abc")
    assert night(store, "2026-06-02")["scheme_changed"] == 1
    assert (owed(reason="scheme_changed"), owed(code="gold", state="open")) == (["a"], ["gold"])


def test_case_119_another_scheme_on_the_axis_closes_the_cadences_of_its_plan(store, guest, two_calls):
    version = save_scheme(store=store, body={**preset(CARD), "id": "other_cards"}, actor=None, at=LONG_AGO)
    adopt_version(store=store, version=version, from_date=date(2026, 6, 2), actor=None, at=LONG_AGO)
    assert night(store, "2026-06-02")["scheme_changed"] == 2
    assert (owed(state="open"), owed(reason="scheme_changed")) == (["a"], ["all_card", "gold"])


# ---- texts -------------------------------------------------------------------------------------------------------


@pytest.fixture
def provider(settings):
    settings.SMS = {
        "SMS_PROVIDER": "aliyun", "SMS_ACCESS_KEY_ID": "id", "SMS_ACCESS_KEY_SECRET": "secret", "SMS_SIGN_NAME": "熟客",
    }  # fmt: skip


def text(code: str, tier: str, **more: object) -> Line:
    return line(code, tier, channel="sms", personal=False, **more)


NOTHING = line("nothing", "B", "monthly", "phone")


@pytest.mark.parametrize(
    ("words", "first", "beside", "texts"),
    [
        ("the label matches", NOTHING, text("gold_text", "GOLD"), 1),
        ("another label's", NOTHING, text("silver_text", "SILVER"), 0),
        ("both plans wish", text("a_text", "*"), text("gold_text", "GOLD"), 1),
        ("the ladder greets in person", line("a", "A"), text("gold_text", "GOLD"), 0),
        ("the card greets in person", text("a_text", "*"), line("gold", "GOLD"), 0),
        ("the card greets others in person", text("a_text", "*"), line("silver", "SILVER"), 1),
        ("the card greets everybody in person", text("a_text", "*"), line("all", "*"), 0),
        (
            "a card is not in person",
            text("a_text", "*"),
            line("gold", "GOLD", channel="card", personal=False),
            1,
        ),
    ],
)
def test_case_120_one_text_and_none_beside_a_gesture_in_person(
    store, guest, provider, words, first, beside, texts
):
    plan_of(store, LADDER, first)
    plan_of(store, CARD, beside)
    label(guest, store, "A", card="GOLD")
    assert plan_texts(store, "2026-06-19")["planned"] == texts
    before = content()
    assert len(before["Message"]) == texts
    assert plan_texts(store, "2026-06-19")["planned"] == 0
    assert content() == before


def test_case_120_a_plan_that_is_switched_off_plans_no_text(store, guest, provider):
    plan_of(store, LADDER, NOTHING)
    plan_of(store, CARD, text("gold_text", "GOLD"), works=False)
    label(guest, store, "A", card="GOLD")
    assert plan_texts(store, "2026-06-19")["planned"] == 0
    assert not Message.objects.exists()


@pytest.mark.parametrize(("channel", "codes"), [("wechat", ["gold"]), ("card", ["birthday_by_hand", "gold"])])
def test_case_121_without_a_provider_who_is_written_to_is_written_to_once(store, guest, channel, codes):
    """The ladder's text would become a message by WeChat: not beside the card's."""
    plan_of(store, LADDER, text("a_text", "*"))
    plan_of(store, CARD, line("gold", "GOLD", channel=channel, personal=False))
    label(guest, store, "A", card="GOLD")
    for _ in range(2):
        night(store, "2026-06-19")
        plan_texts(store, "2026-06-19")
        assert owed(guest) == codes


def test_case_121_nor_the_other_way_round(store, guest):
    plan_of(store, LADDER, text("a_text", "*"))
    plan_of(store, CARD, line("gold", "GOLD", channel="wechat", personal=False), works=False)
    label(guest, store, "A", card="GOLD")
    plan_texts(store, "2026-06-19")
    plans.set_works(store=store, scheme_code=CARD, works=True, actor=None, at=LONG_AGO)
    night(store, "2026-06-20")
    assert owed(guest) == ["birthday_by_hand"]


# ---- what it costs the machine -----------------------------------------------------------------------------------


def queries(do) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        do()
    return len(caught)


def test_the_night_asks_once_more_for_axes_beside_and_a_statement_a_line(store, guest):
    plan_of(store, LADDER, line("a", "A"))
    label(guest, store, "C", card="GOLD")
    night(store, EVE)
    alone = queries(lambda: night(store, EVE)), queries(lambda: _texts(store))
    plan_of(store, CARD, line("gold", "GOLD"), line("silver", "SILVER"), works=False)
    assert (queries(lambda: night(store, EVE)), queries(lambda: _texts(store))) == alone
    plans.set_works(store=store, scheme_code=CARD, works=True, actor=None, at=LONG_AGO)
    # Two lines more, each one statement between the two of the planner's switch.
    assert queries(lambda: night(store, EVE)) == alone[0] + 6


def _texts(store) -> None:
    queue_occasions(store=store, on=date(2026, 6, 12), at=morning(date(2026, 6, 13)))


def test_a_done_gesture_of_the_card_counts_and_is_not_owed_again(store, guest, head, at):
    plan_of(store, LADDER, line("a", "A", "monthly", "phone", lead_days=31))
    plan_of(store, CARD, line("gold", "GOLD", "monthly", "phone", lead_days=31))
    label(guest, store, "C", card="GOLD")
    night(store, "2026-06-02")
    complete_task(store=store, task_id=Task.objects.get().pk, actor=head, at=at)
    label(guest, store, "A", card="GOLD")
    night(store, "2026-06-05")
    assert owed() == ["gold"]
    assert PlanLine.objects.get(pk=Task.objects.get().line_id).plan.scheme_code == CARD
