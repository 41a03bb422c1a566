"""What keeps a due text from leaving: caps of the number, a complaint, mourning, the month's budget, an unheard reply."""

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection

from care.channels.base import Answer, Outcome, Reply
from care.models import Message, Task, TextRules
from care.relay import Relay
from care.services import inbox, outbox, standing
from care.services.rules import change_rules, rules_of
from care.timing import Timing
from common.keys import blind_index
from customers.models import Customer, Phone
from customers.services.customers import add_tag, remove_tag
from feedback.models import Complaint
from staff.models import Store
from tests.care.stage import adopt, china, content, due_text, guests, plan_texts

pytestmark = pytest.mark.django_db
NOON = china("2026-06-20 12:00")
DAY = timedelta(days=1)


def claim(now=NOON):
    return outbox.claim_next(now=now, by="test", provider="aliyun")


def verdict(now=NOON) -> tuple[str, str, str]:
    """What became of the next due text."""
    found = claim(now)
    return (
        ("send", "", "")
        if isinstance(found, outbox.Claim)
        else (found.verdict.do, found.verdict.state, found.verdict.reason)
    )


def had(customer: Customer, store: Store, at, state: str = "delivered", n: int = 0) -> Message:
    """A text of the past to the guest's number, handed over at `at`."""
    text = due_text(customer, store, occasion=f"festival:past{n}:{at:%Y%m%d}")
    Message.objects.filter(pk=text.pk).update(state=state, attempt=1, claimed_at=at, final_at=at)
    return text


def sharing(store: Store, customer: Customer) -> Customer:
    """Another guest whose contact number is this guest's own; that person said yes as well."""
    other = guests(store, 1, first=77)[0]
    phone = customer.phones.get()
    Phone.objects.filter(customer=other).update(
        kind="contact", number=phone.number, number_index=phone.number_index, last_four=phone.last_four
    )
    contact = other.phones.get()
    other.consents.create(phone=contact, given=True, at=NOON - DAY, source="desk", recorded_at=NOON - DAY)
    return other


def complain(customer: Customer, store: Store, **more: object) -> Complaint:
    return Complaint.objects.create(
        customer=customer, store=store, text="汤凉了", opened_on=date(2026, 6, 19), opened_at=NOON - DAY, **more
    )  # fmt: skip


# ---- caps ----


def test_case_65_one_a_day_for_a_number_whoever_it_belongs_to(store, regular):
    """王总 and the guest who shares his number both have their birthday: one text, one call."""
    due_text(regular, store)
    due_text(sharing(store, regular), store, occasion="birthday:solar:06-20:1990")
    assert verdict() == ("send", "", "")
    assert verdict() == ("end", "skipped", "cap_day")
    call = Task.objects.get()
    assert (call.customer.name, call.channel, call.due_on) == ("客人77", "wechat", date(2026, 6, 20))
    assert set(Message.objects.values_list("state", "reason")) == {("sending", ""), ("skipped", "cap_day")}


def test_case_65_the_birthday_comes_before_the_festival(store, regular):
    """Both wait for nine o'clock; the festival was planned first."""
    festival = due_text(regular, store, occasion="festival:mid_autumn:2026", template="festival")
    birthday = due_text(sharing(store, regular), store)
    assert claim(china("2026-06-20 09:00")).message_id == birthday.pk
    assert claim(china("2026-06-20 09:00")).message_id == festival.pk
    festival.refresh_from_db()
    assert (festival.state, festival.reason) == ("skipped", "cap_day")


def test_case_65_across_the_stores_of_a_brand_and_not_beyond(store, other_store, rival, regular):
    had(regular, other_store, china("2026-06-20 09:30"))
    due_text(regular, store)
    assert verdict() == ("end", "skipped", "cap_day")
    stranger = guests(rival, 1)[0]
    phone = regular.phones.get()
    Phone.objects.filter(customer=stranger).update(number=phone.number, number_index=phone.number_index)
    due_text(stranger, rival)
    assert verdict() == ("send", "", "")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("sending", "end"), ("unknown", "end"), ("accepted", "end"), ("delivered", "end"), ("undelivered", "end"),
        ("parked", "end"), ("pending", "send"), ("failed", "send"), ("skipped", "send"), ("expired", "send"),
    ],
)  # fmt: skip
def test_case_65_what_was_handed_over_or_may_have_been_counts(store, regular, state, expected):
    past = had(regular, store, china("2026-06-20 09:30"), state)
    Message.objects.filter(pk=past.pk).update(next_at=NOON + DAY)
    due_text(regular, store)
    assert verdict()[0] == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("2026-06-19 23:59", "send"),
        ("2026-06-20 00:00", "end"),
        ("2026-06-20 11:59", "end"),
    ],
)
def test_case_65_a_day_is_a_day_on_the_stores_wall(store, regular, last, expected):
    had(regular, store, china(last))
    due_text(regular, store)
    assert verdict()[0] == expected


@pytest.mark.parametrize(
    ("oldest", "expected"),
    [
        pytest.param("2026-05-22 00:30", ("end", "skipped", "cap_month"), id="29-days-ago-counts"),
        pytest.param("2026-05-21 23:30", ("send", "", ""), id="30-days-ago-does-not"),
    ],
)
def test_case_66_four_in_thirty_days(store, regular, oldest, expected):
    for n, at in enumerate((oldest, "2026-06-01 10:00", "2026-06-05 10:00", "2026-06-19 10:00")):
        had(regular, store, china(at), n=n)
    due_text(regular, store)
    assert verdict() == expected
    assert Task.objects.count() == (expected[0] == "end")


def test_case_66_three_are_not_four(store, regular):
    for n in range(3):
        had(regular, store, NOON - (n + 1) * DAY, n=n)
    due_text(regular, store)
    assert verdict() == ("send", "", "")


def test_case_67_a_text_with_time_left_waits_for_the_next_day(store, regular):
    had(regular, store, china("2026-06-20 09:30"))
    text = due_text(regular, store, occasion="campaign:7", closes=china("2026-06-23 19:30"))
    assert verdict() == ("wait", "", "cap_day")
    text.refresh_from_db()
    assert (text.state, text.reason, text.next_at) == ("pending", "cap_day", china("2026-06-21 09:00"))
    assert claim() is None
    assert claim(china("2026-06-21 09:00")).message_id == text.pk
    text.refresh_from_db()
    assert (text.state, text.reason) == ("sending", "")


def test_case_67_until_the_oldest_of_four_is_thirty_days_old(store, regular):
    for n, at in enumerate(("2026-05-23 10:00", "2026-06-01 10:00", "2026-06-05 10:00", "2026-06-19 10:00")):
        had(regular, store, china(at), n=n)
    text = due_text(regular, store, occasion="campaign:7", closes=china("2026-06-30 19:30"))
    assert verdict() == ("wait", "", "cap_month")
    text.refresh_from_db()
    assert text.next_at == china("2026-06-22 09:00")
    assert verdict(china("2026-06-22 09:00")) == ("send", "", "")


def test_case_68_the_caps_are_the_brands(store, regular):
    TextRules.objects.create(brand=store.brand, a_day=2, a_month=3)
    had(regular, store, china("2026-06-20 09:30"))
    due_text(regular, store)
    assert verdict() == ("send", "", "")
    due_text(regular, store, occasion="festival:x:2026")
    assert verdict() == ("end", "skipped", "cap_day")
    had(regular, store, NOON - 2 * DAY, n=1)
    TextRules.objects.update(a_day=5)
    due_text(regular, store, occasion="festival:y:2026")
    assert verdict() == ("end", "skipped", "cap_month")


def test_case_68_none_at_all(store, regular):
    TextRules.objects.create(brand=store.brand, a_day=0)
    due_text(regular, store)
    assert verdict() == ("end", "skipped", "cap_day")


def test_its_own_earlier_attempt_does_not_count(store, regular):
    """Certainly not taken by the provider, so it is due again: the text is not in its own way."""
    due_text(regular, store)
    first = claim()
    outbox.settle(first, Answer(Outcome.RETRY), now=NOON, timing=Timing())
    assert claim(NOON + timedelta(minutes=5)).message_id == first.message_id


def at_once(*turns: Callable[[], object]) -> list[object]:
    """Each in a thread and a connection of its own, all begun at the same moment."""
    found: list[object] = [None] * len(turns)
    begin = threading.Barrier(len(turns))

    def run(n: int) -> None:
        try:
            begin.wait(10)
            found[n] = turns[n]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[n]) for n in range(len(turns))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def slowly(monkeypatch, name: str, module=outbox) -> None:
    """Let this step of a claim take its time, so that claims overlap."""
    original = getattr(module, name)

    def slow(*args, **kwargs):
        result = original(*args, **kwargs)
        time.sleep(0.3)
        return result

    monkeypatch.setattr(module, name, slow)


@pytest.mark.django_db(transaction=True)
def test_case_65_two_relays_at_the_same_moment(store, regular, monkeypatch):
    """Both claim a text for one number at once: one leaves."""
    due_text(regular, store)
    due_text(sharing(store, regular), store, occasion="birthday:solar:06-20:1990")
    slowly(monkeypatch, "judge")
    found = at_once(claim, claim)
    assert sorted(type(each).__name__ for each in found) == ["Claim", "Disposed"]
    assert sorted(Message.objects.values_list("state", "reason")) == [("sending", ""), ("skipped", "cap_day")]


@pytest.mark.django_db(transaction=True)
def test_two_numbers_do_not_wait_for_each_other(store, monkeypatch):
    """Both claims are in the middle at the same moment."""
    for person in guests(store, 2):
        due_text(person, store)
    original, both = outbox.judge, threading.Barrier(2)

    def together(*args, **kwargs):
        both.wait(10)
        return original(*args, **kwargs)

    monkeypatch.setattr(outbox, "judge", together)
    assert [type(each).__name__ for each in at_once(claim, claim)] == ["Claim", "Claim"]


# ---- complaint and mourning ----


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ("end", "skipped", "complaint_open")),
        ({"closed_at": NOON, "resolution": "已致歉"}, ("send", "", "")),
        ({"withdrawn_at": NOON}, ("send", "", "")),
    ],
)
def test_case_69_an_open_complaint_stops_the_text_that_waited(store, regular, lapsed, more, expected):
    due_text(regular, store)
    complain(regular, store, **more)
    complain(lapsed, store)
    assert verdict() == expected
    assert Task.objects.count() == 0


def test_case_69_a_complaint_in_another_store_of_the_brand(store, other_store, regular):
    due_text(regular, store)
    complain(regular, other_store)
    assert verdict() == ("end", "skipped", "complaint_open")


def test_case_69_looked_at_when_planned_as_well(store, lapsed, regular, settings):
    settings.SMS = {"SMS_PROVIDER": "aliyun", "SMS_ACCESS_KEY_ID": "i", "SMS_ACCESS_KEY_SECRET": "s",
                    "SMS_SIGN_NAME": "熟客"}  # fmt: skip
    adopt(store, "recent_month_abc")
    complain(lapsed, store)
    complain(regular, store, closed_at=NOON, resolution="已致歉")
    counts = plan_texts(store, "2026-09-24")
    assert counts == {"planned": 1, "complaint_open": 1, "one_a_day": 1, "calls": 0}
    text = Message.objects.get(customer=lapsed)
    assert (text.state, text.reason, text.number, text.last_four) == ("skipped", "complaint_open", None, "")


@pytest.mark.parametrize("word", ["in_mourning", "守孝"])
def test_case_70_no_cheerful_text_for_a_guest_in_mourning(store, regular, word):
    due_text(regular, store)
    add_tag(customer=regular, word=word, actor=None, at=NOON)
    assert verdict() == ("end", "skipped", "in_mourning")
    assert Task.objects.count() == 0, "a cheerful call would be no better"


def test_case_70_the_tag_was_taken_off(store, regular):
    due_text(regular, store)
    add_tag(customer=regular, word="in_mourning", actor=None, at=NOON - DAY)
    remove_tag(customer=regular, word="in_mourning", actor=None, at=NOON)
    add_tag(customer=regular, word="nearby_resident", actor=None, at=NOON)
    assert verdict() == ("send", "", "")


def test_case_70_looked_at_when_planned_as_well(store, lapsed, silent, settings):
    settings.SMS = {"SMS_PROVIDER": "aliyun", "SMS_ACCESS_KEY_ID": "i", "SMS_ACCESS_KEY_SECRET": "s",
                    "SMS_SIGN_NAME": "熟客"}  # fmt: skip
    adopt(store, "recent_month_abc")
    add_tag(customer=lapsed, word="in_mourning", actor=None, at=NOON)
    assert plan_texts(store, "2026-09-24") == {"planned": 0, "in_mourning": 1, "no_consent": 1, "calls": 0}


def test_a_refusal_is_named_before_a_complaint(store, regular, brand):
    due_text(regular, store)
    complain(regular, store)
    regular.consents.create(given=False, at=NOON, source="desk", recorded_at=NOON)
    assert verdict() == ("end", "skipped", "no_consent")


# ---- the budget ----


@pytest.fixture
def hundred(store) -> list[Message]:
    return [due_text(person, store) for person in guests(store, 10)]


def budget(store: Store, parts: int | None) -> None:
    rules = rules_of(store.brand_id)
    rules.month_parts = parts
    change_rules(rules, at=NOON)


def test_case_71_the_months_parts_are_used_up(store, rival, hundred):
    """Three parts a month: three texts leave, the others wait and say why; another brand goes on."""
    budget(store, 3)
    other = due_text(guests(rival, 1, first=500)[0], rival)
    sent = []
    while (found := claim()) is not None:
        sent += [found.message_id] if isinstance(found, outbox.Claim) else []
    assert len(sent) == 4 and other.pk in sent
    waiting = Message.objects.filter(state="pending")
    assert set(waiting.values_list("reason", "next_at")) == {("budget", NOON + timedelta(minutes=10))}
    assert waiting.count() == 7
    assert verdict(NOON + timedelta(minutes=10)) == ("wait", "", "budget")


def test_case_71_a_text_of_two_parts_does_not_fit_into_one(store, regular):
    budget(store, 1)
    due_text(regular, store)
    long_sign = "很长的签名" * 8
    found = outbox.claim_next(now=NOON, by="test", provider="aliyun", sign=long_sign)
    assert (found.verdict.do, found.verdict.reason) == ("wait", "budget")
    assert outbox.claim_next(
        now=NOON + timedelta(minutes=10), by="t", provider="aliyun", sign="短"
    ).message_id


def test_case_71_what_was_certainly_not_taken_costs_nothing(store, hundred):
    budget(store, 1)
    refused = claim()
    outbox.settle(refused, Answer(Outcome.REFUSED), now=NOON, timing=Timing())
    assert verdict() == ("send", "", "")
    assert verdict() == ("wait", "", "budget")


def test_case_71_last_months_parts_are_last_months(store, regular, lapsed):
    budget(store, 1)
    had(lapsed, store, china("2026-05-31 23:59"))
    due_text(regular, store)
    assert verdict() == ("send", "", "")


def test_case_71_a_larger_budget_lets_them_go_at_once(store, hundred):
    budget(store, 2)
    assert [verdict()[0] for _ in range(3)] == ["send", "send", "wait"]
    assert claim() is None
    budget(store, 5)
    assert [verdict()[0] for _ in range(4)] == ["send", "send", "send", "wait"]
    budget(store, None)
    assert [verdict()[0] for _ in range(5)] == ["send"] * 5


def test_case_71_whose_window_is_over_says_so_and_is_called(store, hundred):
    budget(store, 1)
    while claim() is not None:
        pass
    late = china("2026-06-20 19:30")
    assert outbox.expire_missed(now=late) == 9
    assert Message.objects.filter(state="expired", reason="budget").count() == 9
    assert Task.objects.count() == 9
    before = content()
    outbox.expire_missed(now=late)
    assert content() == before


def test_case_71_the_same_when_the_relay_meets_it_first(store, hundred):
    budget(store, 1)
    while claim() is not None:
        pass
    Message.objects.filter(state="pending").update(next_at=NOON)
    assert verdict(china("2026-06-20 19:30")) == ("end", "expired", "window_missed")
    assert Message.objects.filter(state="expired").values_list("reason", flat=True).get() == "budget"
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_case_71_four_relays_at_the_same_moment(store, hundred, monkeypatch):
    budget(store, 2)
    slowly(monkeypatch, "judge")
    at_once(claim, claim, claim, claim)
    assert Message.objects.filter(state="sending").count() == 2


def test_the_month_begins_on_the_stores_clock():
    assert standing.month_start("Asia/Shanghai", china("2026-06-01 00:30")) == china("2026-06-01 00:00")
    assert standing.month_start("Asia/Shanghai", china("2026-05-31 23:59")) == china("2026-05-01 00:00")
    assert standing.month_start("America/New_York", china("2026-06-01 11:00")) == china("2026-05-01 12:00")


# ---- what is not heard yet, and a sender that slept ----


def test_case_72_nothing_leaves_while_a_reply_is_unheard(store, regular, lapsed):
    """It has been lying in the tray for half a minute: it may say stop."""
    due_text(regular, store)
    inbox.keep("reply", "aliyun", [Reply("aliyun", "13812348899", "R", None, "k")], at=NOON)
    late = NOON + timedelta(seconds=31)
    assert claim(late) is None
    inbox.apply_inbox(now=late)
    assert Message.objects.get().reason == "opted_out"
    due_text(lapsed, store)
    assert verdict(late) == ("send", "", "")


def test_case_72_a_reply_that_has_just_come_stops_nobody_else(store, lapsed):
    due_text(lapsed, store)
    inbox.keep("reply", "aliyun", [Reply("aliyun", "13812348899", "R", None, "k")], at=NOON)
    assert verdict(NOON + timedelta(seconds=29)) == ("send", "", "")


class Ears:
    """A provider that notes what it is asked to send."""

    name = "aliyun"

    def __init__(self) -> None:
        self.heard: list[str] = []

    def send(self, message) -> Answer:
        self.heard.append(message.phone)
        return Answer(Outcome.ACCEPTED, message_id="1^0")


@pytest.mark.parametrize(("slept", "sent", "state"), [(24, 1, "accepted"), (25, 0, "pending")])
def test_case_73_a_sender_that_slept_past_its_lease_sends_nothing(store, regular, slept, sent, state):
    text = due_text(regular, store)
    ticks = iter([NOON, NOON + timedelta(seconds=slept)])
    ears = Ears()
    relay = Relay(ears, Timing(), {}, clock=lambda: next(ticks, NOON + timedelta(seconds=slept)))
    assert relay.send_one()
    text.refresh_from_db()
    assert (len(ears.heard), text.state) == (sent, state)


def test_the_number_is_the_one_that_is_locked(store, regular):
    """Whoever comes from another store of the brand waits for the same lock."""
    key = blind_index("phone", "13812348899")
    due_text(regular, store)
    claim()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        )
        assert cursor.fetchall() == [(int.from_bytes(key[:8], "big", signed=True),)]
