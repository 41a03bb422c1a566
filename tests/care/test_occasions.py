"""Which texts are planned, for whom, and why the others get none."""

from datetime import date, timedelta

import pytest

from care.models import Message, PlanLine, Task
from care.services.plans import plan_for
from care.texts import safe_name
from common.birthdays import Birthday
from common.keys import blind_index
from customers.models import Consent, Patronage, Phone
from customers.services.customers import add_contact_number, opt_out_number, state_consent
from tests.care.stage import LONG_AGO, adopt, china, content, grade, guests, morning, plan_texts
from tests.cast import put_on_file

pytestmark = pytest.mark.django_db

PROVIDER = {
    "SMS_PROVIDER": "aliyun", "SMS_ACCESS_KEY_ID": "id", "SMS_ACCESS_KEY_SECRET": "secret",
    "SMS_SIGN_NAME": "熟客",
}  # fmt: skip


@pytest.fixture(autouse=True)
def provider(settings):
    settings.SMS = dict(PROVIDER)


@pytest.fixture
def recent(store):
    adopt(store, "recent_month_abc")


def text_of(customer) -> Message:
    return Message.objects.get(customer=customer)


def reasons() -> dict[str, str]:
    return dict(Message.objects.values_list("customer__name", "reason"))


def born(customer, month: int, day: int, calendar: str = "solar") -> None:
    customer.birth_calendar, customer.birth_month, customer.birth_day = calendar, month, day
    customer.save()


def test_a_lunar_birthday_text(store, recent, regular):
    """王总's 25 September 2026 is the 15th of the eighth month: planned the night before."""
    assert plan_texts(store, "2026-09-23")["planned"] == 0
    # That day is Mid-Autumn as well: the birthday is the one text.
    assert plan_texts(store, "2026-09-24") == {"planned": 1, "one_a_day": 1, "calls": 0}
    text = Message.objects.get(category="birthday")
    assert (text.occasion, text.template, text.variables) == (
        "birthday:lunar:08-15:2026", "birthday", {"name": "王总"},
    )  # fmt: skip
    assert (text.state, text.reason, text.planned_on) == ("pending", "", date(2026, 9, 25))
    assert text.not_before == text.next_at == china("2026-09-25 09:00")
    assert text.expires_at == china("2026-09-25 19:30")
    assert (text.number, text.last_four) == ("13812348899", "8899")
    assert bytes(text.phone_key) == blind_index("phone", "13812348899")


def test_planning_twice_changes_nothing(store, recent, regular, lapsed, silent, newcomer):
    plan_texts(store, "2026-09-24")
    before = content()
    assert len(before["Message"]) == 5
    assert plan_texts(store, "2026-09-24", china("2026-09-25 07:00")) == {"planned": 0, "calls": 0}
    assert content() == before


def test_a_festival_text_and_why_the_others_get_none(store, recent, lapsed, silent, newcomer):
    nobody = put_on_file(store, "无号")
    refused = put_on_file(store, "拒收", phone="13500001111", consent_sms=True)
    opt_out_number(brand=store.brand, phone="13500001111", words="R", source="reply", at=LONG_AGO)
    state_consent(customer=refused, given=True, said_at=china("2026-06-21 12:00"), source="desk", store=store,
                  actor=None, at=china("2026-06-21 12:00"))  # fmt: skip
    counts = plan_texts(store, "2026-09-24")
    assert counts == {"planned": 1, "no_consent": 2, "no_phone": 1, "opted_out": 1, "calls": 0}
    assert reasons() == {
        "李梅": "", "赵静": "no_consent", "单晓东": "no_consent", "无号": "no_phone", "拒收": "opted_out",
    }  # fmt: skip
    assert text_of(lapsed).occasion == "festival:mid_autumn:2026"
    assert text_of(lapsed).variables == {"name": "会员", "festival": "中秋"}
    skipped = text_of(nobody)
    assert (skipped.state, skipped.number, skipped.phone_key, skipped.last_four) == (
        "skipped",
        None,
        None,
        "",
    )
    assert skipped.final_at == skipped.created_at == morning(date(2026, 9, 25))


def test_an_ordinary_day_plans_nothing(store, recent, lapsed):
    assert plan_texts(store, "2026-06-24") == {"planned": 0, "calls": 0}
    assert Message.objects.count() == 0


def test_a_festival_that_is_not_in_the_plan_is_not_wished(store, recent, lapsed):
    """The Dragon Boat Festival, 19 June 2026, and National Day are not on the list that ships."""
    for night in ("2026-06-18", "2026-09-30"):
        assert plan_texts(store, night)["planned"] == 0
    PlanLine.objects.filter(code="festival_text").update(occasions=["national_day"])
    assert plan_texts(store, "2026-09-30")["planned"] == 1


# ---- the more personal gesture ----


@pytest.mark.parametrize(("tier", "texts"), [("A", 0), ("B", 0), ("C", 1), ("", 1), ("UNRATED", 1)])
def test_case_25_whoever_is_visited_gets_no_text(store, recent, lapsed, tier, texts):
    grade(lapsed, store, tier)
    plan_texts(store, "2026-09-24")
    assert Message.objects.filter(category="festival").count() == texts


@pytest.mark.parametrize(("tier", "texts"), [("A", 0), ("B", 0), ("C", 0), ("UNRATED", 1)])
def test_case_25_birthday_gifts_instead_of_texts(store, lapsed, tier, texts):
    adopt(store, "monthly_avg_abc")
    born(lapsed, 6, 21)
    grade(lapsed, store, tier)
    plan_texts(store, "2026-06-20")
    assert Message.objects.count() == texts


def test_case_25_a_card_goes_with_a_text(store, lapsed):
    adopt(store, "monthly_avg_abc")
    grade(lapsed, store, "A")
    plan_texts(store, "2026-09-24")
    assert text_of(lapsed).state == "pending"


def test_case_25_a_gift_switched_off_leaves_the_text(store, lapsed, at):
    adopt(store, "monthly_avg_abc")
    plan_for(store, "monthly_avg_abc", at).lines.filter(code="a_birthday").update(enabled=False)
    born(lapsed, 6, 21)
    grade(lapsed, store, "A")
    plan_texts(store, "2026-06-20")
    assert text_of(lapsed).state == "pending"


# ---- whose number ----


def contact(customer, phone: str, *, said: bool | None) -> Phone:
    number = add_contact_number(customer=customer, phone=phone, whose="秘书", at=LONG_AGO)
    if said is not None:
        Consent.objects.create(
            customer=customer, phone=number, given=said, at=LONG_AGO, source="desk", recorded_at=LONG_AGO
        )
    return number


@pytest.mark.parametrize(
    ("said", "own_word", "reason"),
    [
        pytest.param(True, None, "", id="the-secretary-said-yes"),
        pytest.param(None, None, "no_consent", id="nobody-asked-her"),
        pytest.param(False, None, "no_consent", id="she-said-no"),
        pytest.param(True, True, "", id="both-said-yes"),
        pytest.param(True, False, "no_consent", id="the-guest-said-no"),
        pytest.param(None, True, "no_consent", id="the-guests-yes-is-not-hers"),
    ],
)
def test_case_26_a_contact_number(store, recent, said, own_word, reason):
    guest = put_on_file(store, "李总", consent_sms=own_word)
    contact(guest, "13500002222", said=said)
    plan_texts(store, "2026-09-24")
    text = text_of(guest)
    assert text.reason == reason
    assert text.number == (None if reason else "13500002222")


def test_case_26_the_own_number_comes_first(store, recent, lapsed):
    contact(lapsed, "13500002222", said=True)
    plan_texts(store, "2026-09-24")
    assert text_of(lapsed).number == "13900001122"


def test_case_26_an_own_number_that_refused_is_not_gone_around(store, recent, silent):
    contact(silent, "13500002222", said=True)
    plan_texts(store, "2026-09-24")
    assert text_of(silent).reason == "no_consent"


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        pytest.param([(1, True), (2, False)], "no_consent", id="the-later-no-holds"),
        pytest.param([(1, False), (2, True)], "", id="the-later-yes-holds"),
        pytest.param([(2, True), (1, False)], "", id="by-when-it-was-said-not-written"),
        pytest.param([(1, False), (1, True)], "no_consent", id="at-one-moment-the-no-holds"),
        pytest.param([(1, True), (1, False)], "no_consent", id="at-one-moment-in-either-order"),
    ],
)
def test_case_26_the_latest_statement_holds(store, recent, newcomer, statements, reason):
    for hour, given in statements:
        Consent.objects.create(
            customer=newcomer,
            given=given,
            at=LONG_AGO + timedelta(hours=hour),
            source="desk",
            recorded_at=LONG_AGO,
        )
    plan_texts(store, "2026-09-24")
    assert text_of(newcomer).reason == reason


def couple(store):
    """Two guests without numbers of their own, reached through the same secretary."""
    for name in ("张先生", "张太太"):
        guest = put_on_file(store, name)
        contact(guest, "13500003333", said=True)
        yield guest


def test_case_30_without_a_provider_a_birthday_on_a_festival_is_one_greeting(
    store, recent, regular, settings
):
    settings.SMS = {}
    assert plan_texts(store, "2026-09-24") == {"planned": 0, "no_provider": 1, "one_a_day": 1, "calls": 1}
    assert Task.objects.get().occasion == "birthday:lunar:08-15:2026"


def test_case_65_a_birthday_on_the_number_is_the_numbers_text_of_the_day(store, recent, lapsed, regular):
    """李梅 is reached on 王总's number; on his birthday, which is Mid-Autumn, it gets one text."""
    phone = regular.phones.get()
    Phone.objects.filter(customer=lapsed).update(
        kind="contact", number=phone.number, number_index=phone.number_index
    )
    Consent.objects.create(
        customer=lapsed,
        phone=lapsed.phones.get(),
        given=True,
        at=LONG_AGO,
        source="desk",
        recorded_at=LONG_AGO,
    )
    assert plan_texts(store, "2026-09-24") == {"planned": 1, "one_a_day": 2, "calls": 0}
    assert reasons()["李梅"] == "one_a_day"


def test_case_27_one_festival_text_a_number(store, recent):
    one, two = couple(store)
    plan_texts(store, "2026-09-24")
    assert reasons() == {"张先生": "", "张太太": "shared_phone"}
    assert text_of(two).phone_key is None
    # A third one on the number comes on file during the day.
    three = put_on_file(store, "小张")
    contact(three, "13500003333", said=True)
    assert plan_texts(store, "2026-09-24") == {"planned": 0, "shared_phone": 1, "calls": 0}
    assert text_of(one).state == "pending"


def test_case_27_two_birthdays_are_two_texts(store, recent):
    one, two = couple(store)
    born(one, 6, 21)
    born(two, 5, 7, "lunar")
    assert plan_texts(store, "2026-06-20")["planned"] == 2
    assert {text.occasion for text in Message.objects.all()} == {
        "birthday:solar:06-21:2026", "birthday:lunar:05-07:2026",
    }  # fmt: skip


def test_case_27_twins_on_one_number_get_one(store, recent):
    for guest in couple(store):
        born(guest, 6, 21)
    assert plan_texts(store, "2026-06-20") == {"planned": 1, "shared_phone": 1, "calls": 0}


def test_a_guest_of_two_stores_is_greeted_once(store, other_store, recent, lapsed):
    Patronage.objects.create(customer=lapsed, store=other_store, external_id="X", since=date(2026, 1, 1))
    plan_texts(store, "2026-09-24")
    plan_texts(other_store, "2026-09-24")
    assert text_of(lapsed).store == store


def test_a_rival_brand_greets_for_itself(store, rival, recent, lapsed):
    also = put_on_file(rival, "李梅", phone="13900001122", consent_sms=True)
    plan_texts(store, "2026-09-24")
    plan_texts(rival, "2026-09-24")
    assert [text_of(lapsed).state, text_of(also).state] == ["pending", "pending"]


# ---- days ----


def test_29_february_in_a_common_year(store, recent, lapsed):
    born(lapsed, 2, 29)
    assert plan_texts(store, "2026-02-27")["planned"] == 1
    assert plan_texts(store, "2026-02-28")["planned"] == 0
    assert text_of(lapsed).planned_on == date(2026, 2, 28)


@pytest.mark.parametrize("night", ["2026-04-04", "2026-12-12"])
def test_case_28_a_day_without_cheerful_texts(store, recent, lapsed, night):
    """Qingming is 5 April in 2026; 13 December is the day of remembrance."""
    day = date.fromisoformat(night) + timedelta(days=1)
    born(lapsed, day.month, day.day)
    plan_texts(store, night)
    assert (text_of(lapsed).state, text_of(lapsed).reason) == ("skipped", "solemn_day")


@pytest.mark.parametrize(
    ("at", "state", "reason", "calls"),
    [
        pytest.param("2026-06-21 19:29", "pending", "", 0, id="a-minute-before-closing"),
        pytest.param("2026-06-21 19:30", "expired", "window_passed", 1, id="at-closing"),
        pytest.param("2026-06-24 10:00", "expired", "window_passed", 1, id="three-days-late"),
        pytest.param("2026-06-25 10:00", "expired", "window_passed", 0, id="four-days-late-nobody-calls"),
        pytest.param("2027-06-21 10:00", "expired", "window_passed", 0, id="a-year-late"),
    ],
)
def test_case_29_a_text_is_never_late(store, recent, lapsed, at, state, reason, calls):
    born(lapsed, 6, 21)
    counts = plan_texts(store, "2026-06-20", china(at))
    assert (text_of(lapsed).state, text_of(lapsed).reason) == (state, reason)
    assert counts["calls"] == Task.objects.count() == calls


def test_case_29_the_window_is_on_the_stores_clock(store, recent, lapsed):
    store.timezone = "America/New_York"
    store.save()
    born(lapsed, 6, 21)
    plan_texts(store, "2026-06-20")
    assert text_of(lapsed).not_before == china("2026-06-21 21:00")
    assert text_of(lapsed).expires_at == china("2026-06-22 07:30")


# ---- without a provider ----


@pytest.mark.parametrize("env", [{}, {"SMS_PROVIDER_URL": "http://127.0.0.1:1"}, {"SMS_PROVIDER": "none"}])
def test_case_30_without_a_provider_people_greet(store, recent, lapsed, head, settings, env):
    settings.SMS = env
    born(lapsed, 6, 21)
    grade(lapsed, store, "C", owner=head)
    assert plan_texts(store, "2026-06-20") == {"planned": 0, "no_provider": 1, "calls": 1}
    text = text_of(lapsed)
    assert (text.state, text.reason, text.number) == ("skipped", "no_provider", None)
    call = Task.objects.get()
    assert (call.customer, call.occasion, call.due_on, call.close_on) == (
        lapsed, "birthday:solar:06-21:2026", date(2026, 6, 21), date(2026, 6, 24),
    )  # fmt: skip
    assert (call.code, call.channel, call.role, call.assignee) == (
        "birthday_by_hand",
        "wechat",
        "manager",
        head,
    )
    before = content()
    plan_texts(store, "2026-06-20")
    assert content() == before


def test_case_30_whoever_refused_is_not_called_instead(store, recent, silent, settings):
    settings.SMS = {}
    plan_texts(store, "2026-06-20")
    assert text_of(silent).reason == "no_consent"
    assert Task.objects.count() == 0


# ---- what stands in it ----

NAMES = [
    "王总", "Anna", "王 总", "】恭喜中奖【招行", "{{7*7}}", "${x}", "http://a.cn", "13812348899", "王总\n",
    "\u202e王总", "阿依古丽·买买提", "一二三四五六七八九十", "一二三四五六七八九十多",
    "a'); DROP TABLE x;--", "㐀先生", "'", "%s", "王%(name)s",
]  # fmt: skip


def test_case_31_sql_and_python_agree_on_names(store, recent):
    people = guests(store, len(NAMES), born=Birthday("solar", 1980, 6, 21))
    for person, name in zip(people, NAMES, strict=True):
        person.salutation = name
        person.save()
    plan_texts(store, "2026-06-20")
    found = dict(Message.objects.values_list("customer__salutation", "variables"))
    assert found == {name: {"name": safe_name(name)} for name in NAMES}
    assert sum(variables["name"] != "会员" for variables in found.values()) == 5


# ---- in numbers ----


def test_three_hundred_pairs_on_one_number_get_three_hundred_texts(store, recent):
    """600 guests, 300 secretaries: one festival text a number, and a visible row for everybody."""
    people = guests(store, 600)
    Phone.objects.filter(customer__in=people).delete()
    Phone.objects.bulk_create(
        Phone(brand=store.brand, customer=person, kind="contact", number="x",
              number_index=blind_index("phone", str(n // 2)), last_four="0000", added_at=LONG_AGO)
        for n, person in enumerate(people)
    )  # fmt: skip
    Consent.objects.bulk_create(
        Consent(
            customer=number.customer,
            phone=number,
            given=True,
            at=LONG_AGO,
            source="desk",
            recorded_at=LONG_AGO,
        )
        for number in Phone.objects.all()
    )
    assert plan_texts(store, "2026-09-24") == {"planned": 300, "shared_phone": 300, "calls": 0}


def test_counts_name_every_row(store, recent, lapsed, silent, newcomer):
    counts = plan_texts(store, "2026-09-24")
    assert sum(number for name, number in counts.items() if name != "calls") == Message.objects.count() == 3
