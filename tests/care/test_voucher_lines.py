"""Lines of the plan that give a voucher: the night gives it, once an occasion, and nobody has to do anything."""

from datetime import date

import pytest

from care.models import Task
from care.playbook import BadPlaybook, Line
from care.services.outcomes import settle_outcomes
from care.services.plans import add_line, change_line, plan_for
from common.birthdays import Birthday
from common.errors import NotHere
from customers.models import Patronage
from customers.services.customers import add_tag, set_birthday
from loyalty.models import Voucher, VoucherKind
from loyalty.services.kinds import retire_kind, save_kind
from tests.care.stage import LONG_AGO, adopt, china, content, grade, guests, morning, night, nights
from tests.cast import put_on_file
from tiering.models import Segment
from tiering.selectors.schemes import preset
from tiering.services.schemes import adopt as adopt_version
from tiering.services.schemes import save_scheme

pytestmark = pytest.mark.django_db


def live_by_medals(store):
    """Gold, silver and bronze are the ladder the store lives by."""
    body = {**preset("vip_medals"), "axis": "tier"}
    version = save_scheme(store=store, body=body, actor=None, at=LONG_AGO)
    adopt_version(store=store, version=version, from_date=date(2020, 1, 1), actor=None, at=LONG_AGO)


@pytest.fixture
def medals(store):
    live_by_medals(store)


def kind(store, name, fen, **more) -> VoucherKind:
    said = {
        "name": name, "gives": "amount", "worth": fen, "item": "", "min_bill_fen": 0, "valid_days": 30,
        "transferable": False, "once": False,
    }  # fmt: skip
    return save_kind(store=store, said=said | more, actor=None, at=LONG_AGO)


def gives(store, of, code, trigger, tier="*", scheme="vip_medals", **more):
    said = {
        "channel": "voucher",
        "zh": f"送{of.name}",
        "en": "A voucher",
        "role": "manager",
        "personal": False,
    } | more
    line = Line(code=code, tier=tier, trigger=trigger, gives=of.pk, **said)
    return add_line(store=store, scheme_code=scheme, line=line, actor=None, at=LONG_AGO)


def held(*where):
    return list(Voucher.objects.order_by("pk").values_list("kind__name", "occasion"))


def test_row_79_forty_five_days_and_silver(store, medals):
    """¥20 once a lapse: not before the 45th day, not twice, not for bronze; another lapse, another one."""
    [silver] = guests(store, 1, "SILVER", last_visit_on=date(2026, 5, 1))
    guests(store, 1, "BRONZE", first=50, last_visit_on=date(2026, 5, 1))
    gives(store, kind(store, "20元券", 2_000), "silver_lapse", "absence", "SILVER", after_days=45)
    nights(store, "2026-06-10", "2026-06-14")
    assert held() == []
    assert night(store, "2026-06-15")["vouchers"] == 1
    assert held() == [("20元券", "absence:2026-05-01")]
    before = content(Task, Voucher)
    assert "vouchers" not in night(store, "2026-06-15")
    assert content(Task, Voucher) == before
    nights(store, "2026-06-16", "2026-06-25")
    assert len(held()) == 1
    voucher = Voucher.objects.get()
    assert (voucher.issued_on, voucher.valid_until) == (date(2026, 6, 16), date(2026, 7, 16))
    task = Task.objects.get(code="silver_lapse")
    assert (task.state, task.settled_at) == ("done", morning(date(2026, 6, 16)))
    # She came, and stayed away again.
    grade(silver, store, "SILVER", last_visit_on=date(2026, 7, 1))
    nights(store, "2026-08-10", "2026-08-20")
    assert held()[1:] == [("20元券", "absence:2026-07-01")]


def test_row_79_silver_on_a_ladder_beside(store):
    """The store lives by A, B, C; who is silver is known beside it: the line asks a segment."""
    adopt(store, "monthly_avg_abc")
    silver, other = guests(store, 2, "B", last_visit_on=date(2026, 5, 1))
    grade(silver, store, "B", labels={"vip": "SILVER"})
    grade(other, store, "B", labels={"vip": "BRONZE"})
    segment = Segment.objects.create(
        store=store, name="银卡", rule={"where": {"vip": ["SILVER"]}}, made_at=LONG_AGO
    )
    gives(
        store, kind(store, "20元券", 2_000), "lapse", "absence", after_days=45, segment=segment.pk,
        scheme="monthly_avg_abc",
    )  # fmt: skip
    nights(store, "2026-06-15", "2026-06-17")
    assert [(each.customer, each.occasion) for each in Voucher.objects.all()] == [
        (silver, "absence:2026-05-01")
    ]


def test_row_79_switched_off_it_gives_nothing(store, medals):
    guests(store, 1, "SILVER", last_visit_on=date(2026, 5, 1))
    gives(store, kind(store, "20元券", 2_000), "silver_lapse", "absence", "SILVER", after_days=45)
    change_line(
        store=store, scheme_code="vip_medals", code="silver_lapse", actor=None, at=LONG_AGO, enabled=False
    )
    nights(store, "2026-06-14", "2026-06-20")
    assert held() == []


def test_row_50_welcome_once_a_phone(store, medals):
    """Put on file with the first bill on 3 June: a welcome voucher and a first-purchase offer; again on 4 June: none."""
    welcome, first = (
        kind(store, "新客见面券", 2_000, once=True),
        kind(store, "首单八折", 20, gives="percent", once=True),
    )
    gives(store, welcome, "welcome", "new_guest", after_days=1, window_days=3)
    gives(store, first, "first_offer", "new_guest", after_days=1, window_days=3)
    guest = put_on_file(store, "新客", china("2026-06-03 20:10"), phone="13811118899")
    night(store, "2026-06-03")
    assert sorted(Voucher.objects.filter(customer=guest).values_list("kind__name", flat=True)) == [
        "新客见面券", "首单八折",
    ]  # fmt: skip
    again = put_on_file(store, "新客", china("2026-06-04 12:00"), phone="13811118899")
    assert again == guest
    nights(store, "2026-06-03", "2026-06-08")
    assert Voucher.objects.count() == 2


def test_row_50_a_guest_of_the_brand_is_not_new_elsewhere(store, other_store, medals):
    live_by_medals(other_store)
    for place in (store, other_store):
        gives(
            place,
            kind(place, "新客见面券", 2_000, once=True),
            "welcome",
            "new_guest",
            after_days=1,
            window_days=3,
        )
    for place, day in ((store, "2026-06-03"), (other_store, "2026-06-04")):
        put_on_file(place, "新客", china(f"{day} 20:10"), phone="13811118899")
        nights(place, day, "2026-06-06")
    assert [each.store for each in Voucher.objects.all()] == [store]


def test_row_60_one_birthday_voucher_in_2026_although_the_tier_changes(store, medals):
    [guest] = guests(store, 1, "SILVER", born=Birthday("solar", 1980, 6, 20))
    gives(
        store,
        kind(store, "银卡生日券", 5_000),
        "silver_day",
        "birthday",
        "SILVER",
        lead_days=7,
        window_days=3,
    )
    gives(
        store, kind(store, "金卡生日券", 10_000), "gold_day", "birthday", "GOLD", lead_days=7, window_days=3
    )
    nights(store, "2026-06-12", "2026-06-14")
    grade(guest, store, "GOLD")
    nights(store, "2026-06-15", "2026-06-24")
    assert held() == [("银卡生日券", "birthday:2026")]
    nights(store, "2027-06-12", "2027-06-20")
    assert held()[1:] == [("金卡生日券", "birthday:2027")]


def test_row_60_a_birthday_that_is_put_right_brings_no_second_voucher(store, medals):
    [guest] = guests(store, 1, "SILVER", born=Birthday("solar", 1980, 6, 20))
    gives(store, kind(store, "生日券", 5_000), "day", "birthday", lead_days=7, window_days=3)
    night(store, "2026-06-14")
    set_birthday(guest, Birthday("solar", 1980, 7, 20))
    guest.save()
    nights(store, "2026-07-12", "2026-07-16")
    assert held() == [("生日券", "birthday:2026")]


def test_a_gesture_by_hand_may_bring_one_too(store, medals):
    """The call stays a task; the voucher is in the guest's hands when it is made."""
    guests(store, 1, "SILVER", last_visit_on=date(2026, 6, 10))
    plan_for(store, "vip_medals", LONG_AGO)
    of = kind(store, "20元券", 2_000)
    change_line(
        store=store,
        scheme_code="vip_medals",
        code="any_no_show",
        actor=None,
        at=LONG_AGO,
        gives=of.pk,
        enabled=True,
    )
    night(store, "2026-06-20")
    assert Task.objects.get(code="any_no_show").state == "open" and len(held()) == 1


def test_who_dislikes_small_favours_is_given_none(store, medals):
    [guest] = guests(store, 1, "SILVER", last_visit_on=date(2026, 5, 1))
    add_tag(customer=guest, word="steady_career", actor=None, at=LONG_AGO)
    gives(store, kind(store, "20元券", 2_000), "lapse", "absence", after_days=45, small=True)
    assert night(store, "2026-06-20")["small_favour"] == 1
    assert held() == [] and Task.objects.get(code="lapse").state == "blocked"


def test_a_retired_kind_gives_nothing_more(store, medals):
    guests(store, 1, "SILVER", last_visit_on=date(2026, 5, 1))
    of = kind(store, "20元券", 2_000)
    gives(store, of, "lapse", "absence", after_days=45)
    retire_kind(store=store, kind_id=of.pk, at=LONG_AGO)
    night(store, "2026-06-20")
    assert held() == []


def test_what_a_voucher_earned_is_settled_like_any_gesture(store, medals):
    [guest] = guests(store, 1, "SILVER", last_visit_on=date(2026, 5, 1))
    gives(store, kind(store, "20元券", 2_000), "lapse", "absence", after_days=45)
    night(store, "2026-06-15")
    Patronage.objects.filter(customer=guest).update(last_visit_on=date(2026, 6, 18))
    day = date(2026, 7, 20)
    counts = settle_outcomes(store=store, on=day, at=morning(date(2026, 7, 21)), today=date(2026, 7, 21))
    assert counts["settled"] == 1


def test_another_stores_voucher_cannot_be_promised(store, other_store, medals):
    foreign = kind(other_store, "别家的券", 2_000)
    with pytest.raises(NotHere):
        gives(store, foreign, "lapse", "absence", after_days=45)


@pytest.mark.parametrize(
    ("trigger", "channel", "named"),
    [("absence", "voucher", False), ("each_visit", "voucher", True), ("absence", "sms", True)],
)
def test_a_line_that_cannot_be_meant(store, medals, trigger, channel, named):
    of = kind(store, "20元券", 2_000).pk if named else None
    line = Line("x", "*", trigger, channel, "送券", "Voucher", "manager", after_days=45, gives=of)
    with pytest.raises(BadPlaybook):
        add_line(store=store, scheme_code="vip_medals", line=line, actor=None, at=LONG_AGO)
