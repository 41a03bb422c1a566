"""One text claimed, sent, settled: against a real database and a real HTTP server that keeps a ledger."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from care.channels import provider_from_settings
from care.channels.base import Answer, Outcome
from care.models import Attempt, Message, Task
from care.services import outbox
from care.timing import Timing
from common.keys import current_keys
from customers.models import Phone
from customers.services.customers import opt_out_number, state_consent
from tests.care.stage import account, china, content, due_text, grade, guests

pytestmark = pytest.mark.django_db
NOON = china("2026-06-20 12:00")
TIMING = Timing()


@pytest.fixture
def provider(simulator):
    """The simulator checks how old a signature is, by the clock of the stories."""
    simulator.desk.clock = lambda: NOON
    return provider_from_settings(account(simulator.url))


@pytest.fixture
def text(store, regular) -> Message:
    return due_text(regular, store, variables={"name": "王总"})


def claim(now=NOON):
    return outbox.claim_next(now=now, by="test", provider="aliyun")


def sent(simulator) -> list[tuple[str, str]]:
    return [(entry.phone, entry.text) for entry in simulator.desk.ledger.select()]


def send(provider, now=NOON) -> Message:
    """Claim the next text, send it, settle it."""
    claimed = claim(now)
    answer = outbox.send(claimed, provider, {})
    assert outbox.settle(claimed, answer, now=now, timing=TIMING)
    return Message.objects.get(pk=claimed.message_id)


def test_a_text_on_its_way(simulator, provider, text):
    found = send(provider)
    assert sent(simulator) == [
        (
            "13812348899",
            "【熟客小馆】亲爱的王总，祝您生日快乐！感谢您一直以来的支持，愿您天天好心情。拒收请回复R",
        )
    ]
    (entry,) = simulator.desk.ledger.select()
    assert entry.out_id == str(text.pk)
    assert (found.state, found.attempt, found.provider) == ("accepted", 1, "aliyun")
    assert (found.provider_message_id, found.claimed_at, found.claimed_by) == (entry.message_id, NOON, "test")
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.outcome, attempt.code, attempt.http) == (1, "accepted", "OK", 200)
    assert claim() is None


def test_tencent_is_spoken_as_well(simulator, store, lapsed):
    simulator.desk.clock = lambda: NOON
    env = account(simulator.url, SMS_PROVIDER="tencent")
    due_text(lapsed, store, occasion="festival:mid_autumn:2026", template="festival",
             variables={"name": "会员", "festival": "中秋"})  # fmt: skip
    claimed = outbox.claim_next(now=NOON, by="test", provider="tencent")
    answer = outbox.send(claimed, provider_from_settings(env), env)
    assert answer.outcome is Outcome.ACCEPTED
    assert sent(simulator)[0][1].startswith("【熟客小馆】亲爱的会员，中秋到了，")


def test_a_claim_is_ours_alone_before_anything_is_sent(simulator, text):
    claimed = claim()
    assert (claimed.message_id, claimed.attempt, claimed.number, claimed.at) == (
        text.pk,
        1,
        "13812348899",
        NOON,
    )
    text.refresh_from_db()
    assert (text.state, text.attempt) == ("sending", 1)
    assert claim() is None
    assert sent(simulator) == []


def test_the_earliest_is_first(store):
    people = guests(store, 3)
    for minutes, person in zip((2, 1, 3), people, strict=True):
        due_text(person, store, next_at=NOON - timedelta(minutes=minutes))
    assert [Message.objects.get(pk=claim().message_id).customer_id for _ in range(3)] == [
        people[2].pk, people[0].pk, people[1].pk,
    ]  # fmt: skip


def test_nothing_is_due_before_its_time(text):
    assert claim(china("2026-06-20 08:59")) is None


# ---- looked at in the sending transaction ----


def disposed(text, now=NOON):
    result = claim(now)
    assert isinstance(result, outbox.Disposed)
    text.refresh_from_db()
    return text.state, text.reason


def test_case_32_opted_out_while_it_waited(brand, text):
    opt_out_number(brand=brand, phone="13812348899", words="退订", source="reply", at=NOON)
    assert disposed(text) == ("skipped", "opted_out")
    assert text.final_at == NOON and text.attempt == 0


def test_case_32_consent_withdrawn_while_it_waited(store, regular, text):
    later = china("2026-06-20 13:00")
    state_consent(
        customer=regular, given=False, said_at=later, source="desk", store=store, actor=None, at=later
    )
    assert disposed(text, later) == ("skipped", "no_consent")


def test_case_32_the_number_is_somebody_elses_now(regular, text):
    Phone.objects.filter(customer=regular).delete()
    assert disposed(text) == ("skipped", "number_changed")


def test_case_32_a_contact_who_withdrew(store, newcomer):
    Phone.objects.filter(customer=newcomer).update(kind="contact")
    text = due_text(newcomer, store)
    assert disposed(text) == ("skipped", "no_consent")


def test_case_33_never_late_one_call_instead(store, text, regular, head):
    grade(regular, store, "A", owner=head)
    late = china("2026-06-20 19:30")
    assert disposed(text, late) == ("expired", "window_missed")
    call = Task.objects.get()
    assert (call.customer, call.occasion, call.due_on, call.channel, call.assignee) == (
        regular, "birthday:solar:06-20:2026", date(2026, 6, 20), "wechat", head,
    )  # fmt: skip
    assert claim(late) is None


def test_case_34_outside_the_stores_hours_it_waits(store, text):
    store.messages_from = "14:00"
    store.save()
    assert disposed(text) == ("pending", "")
    assert text.next_at == china("2026-06-20 14:00")
    assert claim() is None
    assert claim(china("2026-06-20 14:00")).message_id == text.pk


def test_case_34_no_opening_before_the_end_is_a_missed_window(store, text):
    store.messages_until = "11:00"
    store.save()
    assert disposed(text) == ("expired", "window_missed")
    assert Task.objects.count() == 1


def test_a_number_that_cannot_be_read_stops_nobody_else(store, text, lapsed):
    Message.objects.filter(pk=text.pk).update(next_at=china("2026-06-20 08:00"))
    broken = bytes([current_keys().field_key_id]) + b"0" * 40
    with connection.cursor() as cursor:
        cursor.execute("UPDATE care_message SET number = %s WHERE id = %s", [broken, text.pk])
    other = due_text(lapsed, store)
    assert claim().verdict.reason == "number_unreadable"
    assert Message.objects.filter(pk=text.pk, state="failed").exists()
    assert claim().message_id == other.pk


def test_what_is_over_is_ended_in_one_go_with_a_call_each(store):
    people = guests(store, 30)
    for person in people:
        due_text(person, store)
    late = china("2026-06-21 08:00")
    assert outbox.expire_missed(now=china("2026-06-20 19:29")) == 0
    assert outbox.expire_missed(now=late) == 30
    assert set(Message.objects.values_list("state", "reason")) == {("expired", "window_missed")}
    assert Task.objects.count() == 30
    before = content()
    assert outbox.expire_missed(now=late) == 0
    assert content() == before


# ---- what the answer proves ----


def test_case_38_unknown_is_a_state(simulator, provider, text):
    for mode in ("error_5xx_after_accept", "garbage_after_accept", "reset_after_accept", "error_5xx_before"):
        simulator.desk.behaviour.reset()
        simulator.desk.behaviour.set({"mode": mode, "count": 1})
        Message.objects.filter(pk=text.pk).update(state="pending")
        assert send(provider).state == "unknown", mode
        assert claim() is None


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("isv.MOBILE_NUMBER_ILLEGAL", "failed", "refused"),
        ("isv.BLACK_KEY_CONTROL_LIMIT", "failed", "refused"),
        ("isp.SYSTEM_ERROR", "unknown", ""),
        ("Something.NobodyKnows", "unknown", ""),
    ],
)
def test_codes(simulator, provider, text, code, state, reason):
    simulator.desk.behaviour.set({"mode": "business_error", "code": code})
    found = send(provider)
    assert (found.state, found.reason) == (state, reason)
    assert Attempt.objects.get().code == code
    assert (found.final_at is not None) is (state == "failed")


def test_case_36_throttled_is_due_again_and_rests_longer_each_time(simulator, provider, text):
    simulator.desk.behaviour.set({"mode": "throttle", "count": 2})
    found = send(provider)
    assert (found.state, found.next_at) == ("pending", NOON + timedelta(minutes=1))
    later = NOON + timedelta(minutes=1)
    simulator.desk.clock = lambda: later
    found = send(provider, later)
    assert (found.state, found.attempt, found.next_at) == ("pending", 2, later + timedelta(minutes=2))
    later += timedelta(minutes=2)
    assert send(provider, later).state == "accepted"
    assert [row.outcome for row in Attempt.objects.order_by("number")] == ["retry", "retry", "accepted"]


def test_a_provider_that_is_down_is_tried_again(simulator, provider, text):
    simulator.shutdown()
    simulator.socket.close()
    found = send(provider)
    assert (found.state, found.next_at) == ("pending", NOON + timedelta(minutes=1))
    assert Attempt.objects.get().http is None


def test_a_day_limit_of_the_number_is_a_missed_window(simulator, provider, text):
    """Rolling 24 hours from now lie beyond the text's own day."""
    simulator.desk.behaviour.set({"mode": "business_error", "code": "isv.BUSINESS_LIMIT_CONTROL"})
    found = send(provider)
    assert (found.state, found.reason) == ("expired", "window_missed")
    assert Task.objects.count() == 1


def drain(provider, now=NOON) -> int:
    """Send whatever is due; how many calls it took."""
    calls = 0
    while (claimed := claim(now)) is not None:
        if isinstance(claimed, outbox.Claim):
            outbox.settle(claimed, outbox.send(claimed, provider, {}), now=now, timing=TIMING)
            calls += 1
    return calls


def test_case_37_a_refused_template_rests_the_others_go_on(simulator, provider, store):
    people = guests(store, 20)
    for person in people[:15]:
        due_text(person, store)
    for person in people[15:]:
        due_text(person, store, occasion="festival:x:2026", template="festival",
                 variables={"name": "会员", "festival": "中秋"})  # fmt: skip
    simulator.desk.templates.withdraw("SMS_100001")
    assert drain(provider) == 1 + 5
    assert set(Message.objects.filter(template="festival").values_list("state", flat=True)) == {"accepted"}
    resting = Message.objects.filter(template="birthday")
    assert set(resting.values_list("state", "next_at")) == {("pending", NOON + timedelta(minutes=10))}
    again = NOON + timedelta(minutes=10)
    simulator.desk.clock = lambda: again
    assert drain(provider, again) == 1


def test_case_37_a_suspended_account_rests_everything(simulator, provider, store):
    people = guests(store, 10)
    for person in people[:5]:
        due_text(person, store)
    for person in people[5:]:
        due_text(person, store, template="festival", variables={"name": "会员", "festival": "中秋"})
    simulator.desk.behaviour.set({"mode": "business_error", "code": "isv.OUT_OF_SERVICE"})
    assert drain(provider) == 1
    assert set(Message.objects.values_list("state", "next_at")) == {("pending", NOON + timedelta(minutes=10))}


def test_an_unknown_text_is_refused_unsent(simulator, provider, store, lapsed):
    due_text(lapsed, store, template="campaign-7")
    assert send(provider).state == "failed"
    assert sent(simulator) == []


# ---- the fence ----


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize(
    "meanwhile", [{"state": "unknown"}, {"state": "delivered"}, {"attempt": 2}, {"state": "pending"}]
)
def test_a_sender_that_comes_back_too_late_writes_no_outcome(text, outcome, meanwhile):
    """It slept past its lease; the text has moved on. Its call is on record, its outcome is not."""
    claimed = claim()
    Message.objects.filter(pk=text.pk).update(next_at=NOON + timedelta(days=1), **meanwhile)
    before = Message.objects.filter(pk=text.pk).values().get()
    answer = Answer(outcome, code="x", message_id="late", scope="template")
    assert outbox.settle(claimed, answer, now=NOON, timing=TIMING) is False
    assert Message.objects.filter(pk=text.pk).values().get() == before
    assert Attempt.objects.filter(message=text, outcome=outcome.value).count() == 1


def test_a_request_that_slept_is_refused_by_the_provider(simulator, provider, text):
    """Signed with the moment of the claim: 16 minutes later the signature is too old, so nothing is sent."""
    claimed = claim()
    simulator.desk.clock = lambda: NOON + timedelta(minutes=16)
    answer = outbox.send(claimed, provider, {})
    assert (answer.outcome, answer.code) == (Outcome.RETRY, "InvalidTimeStamp.Expired")
    assert sent(simulator) == []


@pytest.mark.django_db(transaction=True)
def test_a_text_in_other_hands_is_passed_by(store):
    """Another connection holds the first text's row: nobody waits for it, the second text is taken."""
    first, second = (due_text(person, store) for person in guests(store, 2))
    Message.objects.filter(pk=first.pk).update(next_at=china("2026-06-20 08:00"))
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Message.objects.select_for_update().get(pk=first.pk)
                held.set()
                let_go.wait(30)
        finally:
            connection.close()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert held.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        assert claim().message_id == second.pk
        assert claim() is None
    finally:
        let_go.set()
        other.join()
        connection.close()
    assert claim().message_id == first.pk


def waits() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        [(said,)] = cursor.fetchall()
    return said


@pytest.mark.django_db(transaction=True)
def test_the_disk_is_waited_for_by_the_claim_and_not_by_the_outcome(text, django_assert_num_queries):
    with CaptureQueriesContext(connection) as asked:
        mine = claim()
    assert asked.captured_queries and not any("synchronous_commit" in each["sql"] for each in asked)
    with django_assert_num_queries(1) as settled:
        outbox.settle(mine, Answer(Outcome.ACCEPTED, message_id="1^0"), now=NOON, timing=Timing())
    assert "'synchronous_commit', 'off'" in settled.captured_queries[0]["sql"]
    text.refresh_from_db()
    assert (text.state, waits()) == ("accepted", "on")
