"""A text that tells of the voucher its guest was given for the day: planned, claimed, sent, billed."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from care.channels import provider_from_settings
from care.models import Message
from care.parts import parts_of, whole_text
from care.playbook import Line
from care.services import outbox
from care.services.plans import add_line
from care.simulator import SIGN_NAME, TEXT_CODES
from care.simulator.templates import BUILT_IN
from care.texts import TEXTS, approved_texts, provider_code
from care.timing import Timing
from common.birthdays import Birthday
from customers.models import Consent, Customer
from loyalty.models import Redemption, Voucher
from loyalty.services.kinds import save_kind
from loyalty.services.redeeming import Bill, redeem
from tests.care.stage import (
    LONG_AGO,
    account,
    adopt,
    china,
    content,
    guests,
    night,
    plan_texts,
    plan_texts_priced,
)

pytestmark = pytest.mark.django_db
NOON = china("2026-06-21 12:00")
BIRTH = Birthday("solar", 1980, 6, 21)


@pytest.fixture
def approved(settings):
    settings.SMS = account("http://127.0.0.1:1", **TEXT_CODES)


@pytest.fixture
def plan(store):
    adopt(store, "recent_month_abc")


def kind(store, name="生日券", **more):
    said = {
        "name": name, "gives": "amount", "worth": 5_000, "item": "", "min_bill_fen": 0, "valid_days": 30,
        "transferable": False, "once": False,
    }  # fmt: skip
    return save_kind(store=store, said=said | more, actor=None, at=LONG_AGO)


def gives(store, of, trigger, **more):
    line = Line(
        code=f"give_{of.pk}", tier="*", trigger=trigger, channel="voucher", zh="送券", en="A voucher", role="manager",
        personal=False, gives=of.pk, **more,
    )  # fmt: skip
    return add_line(store=store, scheme_code="recent_month_abc", line=line, actor=None, at=LONG_AGO)


def birthday_night(store):
    """The night of 20 June: the vouchers of the 21st, then its texts."""
    night(store, "2026-06-20")
    return plan_texts(store, "2026-06-20")


def redeemed(store, voucher, at=NOON):
    return redeem(store=store, code=voucher.code, bill=Bill(10_000), actor=None, at=at, source="desk")


def claimed(env, now=NOON):
    return outbox.claim_next(
        now=now, by="test", provider="aliyun", sign=SIGN_NAME, approved=approved_texts(env)
    )


def test_a_birthday_text_carries_the_code(store, plan, approved):
    [guest] = guests(store, 1, born=BIRTH)
    gives(store, kind(store), "birthday", window_days=3)
    assert birthday_night(store) == {"planned": 1, "calls": 0}
    voucher = Voucher.objects.get(customer=guest)
    text = Message.objects.get()
    assert (text.state, text.category, text.template) == ("pending", "birthday", "birthday_voucher")
    assert text.variables == {"name": "会员", "code": voucher.shown, "until": "2026年7月21日"}
    assert voucher.valid_until == date(2026, 7, 21)
    assert text.parts == parts_of(whole_text(SIGN_NAME, "birthday_voucher", text.variables)) == 1
    before = content()
    assert birthday_night(store) == {"planned": 0, "calls": 0}
    assert content() == before


def test_the_code_reaches_the_guest_and_is_billed_as_planned(store, plan, settings, simulator):
    """Signatures so long that some texts are one part and some are two; planned, claimed and sent are the same."""
    sign = SIGN_NAME + "欢迎您来"
    settings.SMS = env = account(simulator.url, **TEXT_CODES, SMS_SIGN_NAME=sign)
    people = guests(store, 10, born=BIRTH)
    for length, person in enumerate(people, start=1):
        Customer.objects.filter(pk=person.pk).update(salutation="一二三四五六七八九十"[:length])
    gives(store, kind(store), "birthday", window_days=3)
    night(store, "2026-06-20")
    counts = plan_texts_priced(store, "2026-06-20")
    planned = dict(Message.objects.values_list("pk", "parts"))
    assert set(planned.values()) == {1, 2} and counts["parts"] == sum(planned.values())
    simulator.desk.clock = lambda: NOON
    provider = provider_from_settings(env)
    while claim := outbox.claim_next(
        now=NOON, by="t", provider="aliyun", sign=sign, approved=approved_texts(env)
    ):
        outbox.settle(claim, outbox.send(claim, provider, env), now=NOON, timing=Timing())
    sent = {entry.out_id: entry for entry in simulator.desk.ledger.select()}
    assert {pk: sent[str(pk)].parts for pk in planned} == planned
    for voucher in Voucher.objects.all():
        entry = sent[str(Message.objects.get(customer=voucher.customer_id).pk)]
        assert f"券码{voucher.shown}，有效期至2026年7月21日" in entry.text
    assert set(Message.objects.values_list("state", flat=True)) == {"accepted"}


def test_who_has_no_voucher_gets_the_plain_text_in_the_same_statement(store, plan, approved):
    """One guest of three does not like small favours: no voucher for him, and a plain text."""
    with_it, also, without = guests(store, 3, born=BIRTH)
    without.tags.create(word="steady_career", added_at=LONG_AGO)
    gives(store, kind(store), "birthday", window_days=3, small=True)
    assert birthday_night(store)["planned"] == 3
    found = dict(Message.objects.values_list("customer", "template"))
    assert found == {with_it.pk: "birthday_voucher", also.pk: "birthday_voucher", without.pk: "birthday"}
    assert Message.objects.get(customer=without).variables == {"name": "会员"}


def test_an_absence_and_a_festival_carry_theirs(store, plan, approved):
    guests(store, 1, last_visit_on=date(2026, 8, 10))
    line = Line(
        "no_show_text", "*", "absence", "sms", "短信", "A text", "manager", after_days=45, window_days=3, personal=False
    )  # fmt: skip
    add_line(store=store, scheme_code="recent_month_abc", line=line, actor=None, at=LONG_AGO)
    gives(store, kind(store, "回来券"), "absence", after_days=45, window_days=3)
    gives(store, kind(store, "中秋券"), "festival", occasions=("mid_autumn",), window_days=1)
    night(store, "2026-09-24")
    assert plan_texts(store, "2026-09-24")["planned"] == 2
    codes = {voucher.occasion: voucher.shown for voucher in Voucher.objects.all()}
    assert {
        (text.template, text.variables["code"], text.variables.get("festival"))
        for text in Message.objects.all()
    } == {
        ("absence_voucher", codes["absence:2026-08-10"], None),
        ("festival_voucher", codes["festival:mid_autumn:2026"], "中秋"),
    }


@pytest.mark.parametrize("missing", ["SMS_TEMPLATE_BIRTHDAY_VOUCHER", ""])
def test_without_an_approved_text_the_plain_one_goes(store, plan, settings, missing):
    codes = {name: code for name, code in TEXT_CODES.items() if name != missing} if missing else {}
    settings.SMS = account("http://127.0.0.1:1", **codes)
    guests(store, 1, born=BIRTH)
    gives(store, kind(store), "birthday", window_days=3)
    assert birthday_night(store) == {"planned": 1, "calls": 0}
    text = Message.objects.get()
    assert Voucher.objects.count() == 1
    assert (text.template, text.variables, text.state) == ("birthday", {"name": "会员"}, "pending")


def test_a_voucher_that_cannot_be_used_on_the_day_is_not_told(store, plan, approved):
    """Used in the morning hours before the texts are planned; over before the day of the text; for a friend."""
    used, over, friend, good = guests(store, 4, born=BIRTH)
    gives(store, kind(store), "birthday", lead_days=5, window_days=3)
    night(store, "2026-06-15")
    redeemed(store, Voucher.objects.get(customer=used), at=china("2026-06-18 12:00"))
    Voucher.objects.filter(customer=over).update(valid_until=date(2026, 6, 20))
    Voucher.objects.filter(customer=friend).update(number=1)
    Voucher.objects.filter(customer=good).update(valid_until=date(2026, 6, 21))
    assert plan_texts(store, "2026-06-20")["planned"] == 4
    told = dict(Message.objects.values_list("customer", "template"))
    assert told == {
        used.pk: "birthday", over.pk: "birthday", friend.pk: "birthday", good.pk: "birthday_voucher",
    }  # fmt: skip


def test_another_occasions_voucher_is_not_told(store, plan, approved):
    """Last year's birthday voucher is good still, and so is one by hand: neither is this birthday's."""
    [guest] = guests(store, 1, born=BIRTH)
    of = kind(store)
    gives(store, of, "birthday", window_days=3)
    for occasion in ("birthday:2025", "hand:2026-06-20"):
        Voucher.objects.create(
            store=store, kind=of, customer=guest, occasion=occasion, code=occasion[-10:], issued_on=date(2026, 6, 1),
            issued_at=LONG_AGO, valid_until=date(2027, 1, 1),
        )  # fmt: skip
    plan_texts(store, "2026-06-20")
    assert Message.objects.get().template == "birthday"


def test_a_kind_that_is_given_once_in_a_lifetime_is_told_too(store, plan, approved):
    guests(store, 1, born=BIRTH)
    gives(store, kind(store, once=True), "birthday", window_days=3)
    birthday_night(store)
    assert Voucher.objects.get().occasion == "once"
    assert Message.objects.get().variables["code"] == Voucher.objects.get().shown


def test_used_before_the_claim_it_goes_out_plain(store, plan, approved, settings):
    guests(store, 1, born=BIRTH)
    gives(store, kind(store), "birthday", window_days=3)
    birthday_night(store)
    redeemed(store, Voucher.objects.get(), at=NOON - timedelta(hours=1))
    claim = claimed(settings.SMS)
    text = Message.objects.get()
    assert (claim.template, claim.variables) == ("birthday", {"name": "会员"})
    assert (text.state, text.template, text.variables) == ("sending", "birthday", {"name": "会员"})
    assert text.parts == parts_of(whole_text(SIGN_NAME, "birthday", claim.variables))


def test_a_use_that_was_taken_back_before_the_claim_is_told(store, plan, approved, settings):
    guests(store, 1, born=BIRTH)
    gives(store, kind(store), "birthday", window_days=3)
    birthday_night(store)
    redeemed(store, Voucher.objects.get(), at=NOON - timedelta(hours=1))
    Redemption.objects.update(voided_at=NOON)
    claim = claimed(settings.SMS)
    assert claim.template == "birthday_voucher" and claim.variables["code"] == Voucher.objects.get().shown


@pytest.mark.parametrize("gone", ["over", "withdrawn", "forgotten"])
def test_what_is_not_good_any_more_is_not_told(store, plan, approved, settings, gone):
    guests(store, 1, born=BIRTH)
    gives(store, kind(store), "birthday", window_days=3)
    birthday_night(store)
    env = settings.SMS
    if gone == "over":
        Voucher.objects.update(valid_until=date(2026, 6, 20))
    elif gone == "withdrawn":
        env = account("http://127.0.0.1:1")
    else:
        Voucher.objects.all().delete()
    assert claimed(env).template == "birthday"


def test_what_is_claimed_tells_the_same_until_it_is_known(store, plan, approved, settings):
    """Claimed with the code, the answer lost, found not taken, due again: the code is told as long as it is good."""
    guests(store, 1, born=BIRTH)
    gives(store, kind(store), "birthday", window_days=3)
    birthday_night(store)
    first = claimed(settings.SMS)
    Message.objects.update(state="pending")
    again = claimed(settings.SMS, NOON + timedelta(hours=1))
    assert (again.template, again.variables, again.attempt) == (first.template, first.variables, 2)
    Message.objects.update(state="pending")
    redeemed(store, Voucher.objects.get(), at=NOON + timedelta(hours=1))
    assert claimed(settings.SMS, NOON + timedelta(hours=2)).template == "birthday"


def test_no_consent_no_text_and_no_code_on_file(store, plan, approved):
    guests(store, 1, born=BIRTH, consents=False)
    gives(store, kind(store), "birthday", window_days=3)
    night(store, "2026-06-20")
    assert plan_texts(store, "2026-06-20") == {"planned": 0, "no_consent": 1, "calls": 0}
    text = Message.objects.get()
    assert (text.template, text.variables) == ("birthday", {"name": "会员"}) and Consent.objects.count() == 0


def statements(store, on):
    with CaptureQueriesContext(
        connection,
    ) as seen:
        plan_texts(store, on)
    return [each["sql"] for each in seen.captured_queries]


def test_a_plan_without_vouchers_asks_nothing_more(store, plan, approved):
    """The look-up stands in the one statement of the line whose occasion has vouchers, and in no other."""
    guests(store, 50, born=BIRTH)
    plan_texts(store, "2026-06-01")
    before = statements(store, "2026-06-20")
    assert not any("loyalty_voucher u" in sql for sql in before)
    Message.objects.all().delete()
    gives(store, kind(store), "birthday", window_days=3)
    night(store, "2026-06-20")
    after = statements(store, "2026-06-20")
    assert sum("loyalty_voucher u" in sql for sql in after) == 1 and len(after) == len(before)
    assert Message.objects.filter(template="birthday_voucher").count() == 50


def test_the_simulated_account_has_the_texts_word_for_word():
    for name, text in TEXTS.items():
        code = provider_code(name, "aliyun", TEXT_CODES)
        assert BUILT_IN[code] == text.words + "拒收请回复R"
        if text.plain:
            assert not text.code and set(text.order) == {*TEXTS[text.plain].order, "code", "until"}
    assert approved_texts({}) == {name for name, text in TEXTS.items() if not text.plain}
    assert approved_texts(TEXT_CODES) == set(TEXTS)
