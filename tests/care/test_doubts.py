"""What happens to texts whose outcome nobody knows, question by question."""

from datetime import timedelta

import pytest

from care.channels import provider_from_settings
from care.channels.base import Finding, Found, Outgoing, Receipt
from care.models import Message, Task
from care.relay import Relay
from care.services import doubts, inbox, outbox
from care.timing import Timing
from tests.care.stage import account, china, due_text

pytestmark = pytest.mark.django_db
NOON = china("2026-06-20 12:00")
TIMING = Timing()
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def text(store, regular) -> Message:
    """Claimed at noon by a sender that did not come back."""
    message = due_text(regular, store)
    assert outbox.claim_next(now=NOON, by="gone", provider="aliyun").message_id == message.pk
    return message


@pytest.fixture
def doubted(text) -> Message:
    doubts.end_leases(now=NOON + MINUTE, timing=TIMING)
    return text


def state(text) -> str:
    text.refresh_from_db()
    return text.state


def answer(found: Found, at, **said) -> list[str]:
    """Every text whose turn it is gets this answer at that moment; the states they are in then."""
    taken = doubts.take_doubts(now=at, timing=TIMING)
    return [doubts.resolve(doubt, Finding(found, **said), now=at, timing=TIMING) for doubt in taken]


@pytest.mark.parametrize(("seconds", "expected"), [(24, "sending"), (25, "unknown")])
def test_a_lease_of_24_seconds(text, seconds, expected):
    doubts.end_leases(now=NOON + timedelta(seconds=seconds), timing=TIMING)
    assert state(text) == expected
    assert doubts.end_leases(now=NOON + timedelta(seconds=seconds), timing=TIMING) == 0


@pytest.mark.parametrize(
    ("found", "expected", "final"),
    [
        (Found.FOUND_ACCEPTED, "accepted", False),
        (Found.FOUND_DELIVERED, "delivered", True),
        (Found.FOUND_UNDELIVERED, "undelivered", True),
    ],
)
def test_found_is_settled_at_once(doubted, found, expected, final):
    assert answer(found, NOON + MINUTE, message_id="900^0") == [expected]
    assert state(doubted) == expected
    assert doubted.provider_message_id == "900^0"
    assert (doubted.final_at is not None) is final
    assert doubts.take_doubts(now=NOON + timedelta(days=1), timing=TIMING) == []


def test_case_38_only_two_misses_after_the_horizon_send_it_again(doubted):
    """Asked every five minutes. The answers before 12:30 prove nothing; those of 12:31 and 12:36 do."""
    asked = [NOON + MINUTE + n * 5 * MINUTE for n in range(8)]
    states = [answer(Found.NOT_FOUND, at) for at in asked]
    assert states == [["unknown"]] * 7 + [["pending"]]
    assert asked[-1] == china("2026-06-20 12:36")
    assert state(doubted) == "pending" and doubted.next_at == asked[-1]
    again = outbox.claim_next(now=asked[-1], by="test", provider="aliyun")
    assert (again.message_id, again.attempt) == (doubted.pk, 2)


def test_nobody_asks_again_within_five_minutes(doubted):
    late = NOON + 40 * MINUTE
    assert answer(Found.NOT_FOUND, late) == ["unknown"]
    assert answer(Found.NOT_FOUND, late + 5 * MINUTE - timedelta(seconds=1)) == []
    assert answer(Found.NOT_FOUND, late + 5 * MINUTE) == ["pending"]


def test_two_askers_at_once_ask_once(doubted):
    late = NOON + 40 * MINUTE
    assert len(doubts.take_doubts(now=late, timing=TIMING)) == 1
    assert doubts.take_doubts(now=late, timing=TIMING) == []


def test_a_late_find_beats_earlier_misses(doubted):
    for n in range(7):
        answer(Found.NOT_FOUND, NOON + MINUTE + n * 5 * MINUTE)
    assert answer(Found.FOUND_ACCEPTED, NOON + 36 * MINUTE) == ["accepted"]


def test_certainly_not_taken_but_too_late(store, regular):
    text = due_text(regular, store)
    outbox.claim_next(now=china("2026-06-20 19:20"), by="gone", provider="aliyun")
    doubts.end_leases(now=china("2026-06-20 19:21"), timing=TIMING)
    for at in ("19:51", "19:56"):
        answer(Found.NOT_FOUND, china(f"2026-06-20 {at}"))
    assert state(text) == "expired"
    assert text.reason == "window_missed"
    assert Task.objects.get().occasion == text.occasion


def test_case_39_no_answer_for_a_day_is_for_a_person(doubted):
    at = NOON + MINUTE
    while at < NOON + timedelta(hours=24):
        assert answer(Found.UNAVAILABLE, at) == ["unknown"]
        at += timedelta(hours=1)
    assert answer(Found.UNAVAILABLE, at) == ["parked"]
    assert (state(doubted), doubted.reason) == ("parked", "unverified")
    assert Task.objects.count() == 0


def test_silence_is_no_proof(doubted):
    """An unavailable answer between two misses neither counts nor resets."""
    late = NOON + 31 * MINUTE
    assert answer(Found.NOT_FOUND, late) == ["unknown"]
    assert answer(Found.UNAVAILABLE, late + 5 * MINUTE) == ["unknown"]
    assert answer(Found.NOT_FOUND, late + 10 * MINUTE) == ["pending"]


@pytest.mark.parametrize("found", list(Found))
@pytest.mark.parametrize("meanwhile", [{"state": "delivered"}, {"attempt": 2}, {"state": "sending"}])
def test_an_answer_that_comes_too_late_changes_nothing(doubted, found, meanwhile):
    at = NOON + timedelta(hours=25)
    (doubt,) = doubts.take_doubts(now=at, timing=TIMING)
    Message.objects.filter(pk=doubted.pk).update(**meanwhile)
    before = Message.objects.filter(pk=doubted.pk).values().get()
    doubts.resolve(doubt, Finding(found, message_id="x"), now=at, timing=TIMING)
    assert Message.objects.filter(pk=doubted.pk).values().get() == before


def test_asked_at_the_real_desk(simulator, store, regular, lapsed):
    """One text was taken and its answer lost, the other was never taken."""
    simulator.desk.clock = lambda: NOON
    provider = provider_from_settings(account(simulator.url))
    taken, lost = due_text(regular, store), due_text(lapsed, store, next_at=NOON - MINUTE)
    for mode in ("error_5xx_after_accept", "error_5xx_before"):
        simulator.desk.behaviour.reset()
        simulator.desk.behaviour.set({"mode": mode})
        claimed = outbox.claim_next(now=NOON, by="test", provider="aliyun")
        outbox.settle(claimed, outbox.send(claimed, provider, {}), now=NOON, timing=TIMING)
    assert [state(taken), state(lost)] == ["unknown", "unknown"]
    found = {
        doubt.message_id: doubts.ask(doubt, provider, now=NOON).found
        for doubt in doubts.take_doubts(now=NOON, timing=TIMING)
    }
    assert found == {taken.pk: Found.FOUND_ACCEPTED, lost.pk: Found.NOT_FOUND}


# ---- taken, and never reported on ----


@pytest.fixture
def unreported(store, regular) -> Message:
    """Taken at noon; no receipt came."""
    text = due_text(regular, store)
    Message.objects.filter(pk=text.pk).update(state="accepted", attempt=1, claimed_at=NOON, provider="aliyun")
    return text


def pulled(found: Found, at, **said) -> list[str]:
    taken = doubts.take_unreported(now=at, timing=TIMING)
    return [doubts.settle_unreported(doubt, Finding(found, **said), now=at, timing=TIMING) for doubt in taken]


@pytest.mark.parametrize(("hours", "asked"), [(71.99, []), (72, ["delivered"])])
def test_case_77_asked_about_after_three_days(unreported, hours, asked):
    at = NOON + timedelta(hours=hours)
    assert pulled(Found.FOUND_DELIVERED, at) == asked
    assert state(unreported) == ("delivered" if asked else "accepted")
    assert unreported.final_at == (at if asked else None)


def test_case_77_undelivered_says_why(unreported):
    assert pulled(Found.FOUND_UNDELIVERED, NOON + timedelta(hours=72)) == ["undelivered"]
    assert (state(unreported), unreported.reason) == ("undelivered", "undelivered")


@pytest.mark.parametrize("found", [Found.FOUND_ACCEPTED, Found.NOT_FOUND, Found.UNAVAILABLE])
def test_case_77_once_a_day_until_the_seventh(unreported, found):
    """After 72, 96, 120, 144 and 168 hours; then nobody asks any more, and nothing is ever sent again."""
    asked = [h for h in range(400) if doubts.take_unreported(now=NOON + h * HOUR, timing=TIMING)]
    assert asked[:5] == [72, 96, 120, 144, 168]
    Message.objects.update(asked_at=None)
    for h in (72, 96, 120, 144):
        assert pulled(found, NOON + h * HOUR) == [""]
        assert state(unreported) == "accepted" and unreported.final_at is None
    assert pulled(found, NOON + 168 * HOUR) == ["accepted"]
    assert (state(unreported), unreported.reason, unreported.final_at) == (
        "accepted", "no_receipt", NOON + 168 * HOUR,
    )  # fmt: skip
    assert doubts.take_unreported(now=NOON + 400 * HOUR, timing=TIMING) == []
    assert outbox.claim_next(now=NOON + HOUR, by="test", provider="aliyun") is None


def test_case_77_a_receipt_that_comes_after_all_still_counts(unreported):
    for h in (72, 168):
        pulled(Found.FOUND_ACCEPTED, NOON + h * HOUR)
    late = Receipt("aliyun", str(unreported.pk), "", "13812348899", True, "", None, "k")
    inbox.keep("receipt", "aliyun", [late], at=NOON + 200 * HOUR)
    inbox.apply_inbox(now=NOON + 200 * HOUR)
    assert (state(unreported), unreported.reason) == ("delivered", "")


@pytest.mark.parametrize("meanwhile", [{"state": "delivered"}, {"attempt": 2}, {"final_at": NOON}])
def test_case_77_an_answer_that_comes_too_late_changes_nothing(unreported, meanwhile):
    (doubt,) = doubts.take_unreported(now=NOON + 200 * HOUR, timing=TIMING)
    Message.objects.filter(pk=unreported.pk).update(**meanwhile)
    before = Message.objects.filter(pk=unreported.pk).values().get()
    for found in Found:
        assert doubts.settle_unreported(doubt, Finding(found), now=NOON + 200 * HOUR, timing=TIMING) == ""
    assert Message.objects.filter(pk=unreported.pk).values().get() == before


def test_case_77_asked_by_the_relay_at_the_real_desk(simulator, unreported):
    """The operator reported, the receipt was lost on its way to us."""
    late = NOON + 72 * HOUR
    simulator.desk.clock = lambda: NOON
    env = account(simulator.url)
    provider = provider_from_settings(env)
    simulator.desk.pusher.configure({"mode": "early"})
    provider.send(Outgoing(str(unreported.pk), "13812348899", "", "SMS_100002", {}, NOON))
    simulator.desk.clock = lambda: late
    relay = Relay(provider, TIMING, env, clock=lambda: late)
    assert relay.pull_some() is True
    assert state(unreported) == "delivered"
    assert relay.pull_some() is False
