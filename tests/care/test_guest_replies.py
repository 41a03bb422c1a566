"""What guests answered: stopped or not, read by a person, lifted where it never meant stop."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection

from care.channels.base import Reply
from care.models import GuestReply, Message
from care.services import inbox, outbox
from care.services.replies import read_others, read_reply
from common.errors import NotHere, Refused
from customers.models import Consent, OptOut
from customers.services.customers import latest_consent, opt_out_number, state_consent
from tests.care.stage import LONG_AGO, china, due_text
from tests.cast import put_on_file

pytestmark = pytest.mark.django_db
NOON = china("2026-06-20 12:00")
LATER = NOON + timedelta(minutes=5)
PHONE = "13812348899"


def push(words: str, phone: str = PHONE, at=NOON) -> dict[str, int]:
    inbox.keep("reply", "aliyun", [Reply("aliyun", phone, words, None, uuid.uuid4().hex)], at=at)
    return inbox.apply_inbox(now=at)


def read(reply: GuestReply, outcome: str, store=None, actor=None, at=LATER) -> GuestReply:
    return read_reply(store=store or reply.store, reply_id=reply.pk, outcome=outcome, actor=actor, at=at)


def may_be_texted(store, customer) -> bool:
    """Whether a text that is due now would leave."""
    Message.objects.filter(customer=customer).delete()
    text = due_text(customer, store, occasion=f"festival:x:{uuid.uuid4().hex[:8]}")
    found = outbox.claim_next(now=LATER, by="test", provider="aliyun")
    text.delete()
    return isinstance(found, outbox.Claim)


@pytest.mark.parametrize(
    ("words", "listed", "stopped"),
    [
        pytest.param("R", False, True, id="74-a-clear-stop-needs-nobody"),
        pytest.param("退订", False, True, id="74-in-words"),
        pytest.param("你是谁", True, True, id="74-a-stranger-perhaps"),
        pytest.param("不要香菜", True, True, id="74-it-may-be-a-stop"),
        pytest.param("", True, True, id="74-nothing-readable"),
        pytest.param("谢谢！", True, False, id="74-thanks"),
        pytest.param("帮我留个包间", True, False, id="74-a-booking"),
    ],
)
def test_case_74_what_a_person_reads(store, regular, words, listed, stopped):
    due_text(regular, store)
    push(words)
    assert GuestReply.objects.count() == listed
    assert OptOut.objects.exists() is stopped
    if listed:
        row = GuestReply.objects.get()
        assert (row.store, row.customer, row.number, row.words, row.stopped, row.at) == (
            store, regular, PHONE, words, stopped, NOON,
        )  # fmt: skip
        assert (row.read_at, row.outcome) == (None, "")


def test_case_74_it_lies_in_the_store_that_wrote_last(store, other_store, regular):
    due_text(regular, store)
    due_text(
        regular, other_store, occasion="festival:mid_autumn:2026", created_at=LONG_AGO + timedelta(days=1)
    )
    push("你是谁")
    assert GuestReply.objects.get().store == other_store


def test_case_74_without_any_text_it_lies_where_the_guest_is_on_file(store, regular):
    push("你是谁")
    assert (GuestReply.objects.get().store, GuestReply.objects.get().customer) == (store, regular)


def test_case_74_of_a_number_nobody_knows_only_a_stop_is_kept(store):
    assert push("你是谁", phone="13700000000") == {"opted_out": 1}
    assert push("你好", phone="13700000001") == {"read": 1}
    assert GuestReply.objects.count() == 0
    assert OptOut.objects.count() == 1


def test_case_74_each_brand_that_knows_the_number_reads_it(store, rival, regular):
    put_on_file(rival, "王建国", phone=PHONE, consent_sms=True)
    push("你是谁")
    assert set(GuestReply.objects.values_list("store__code", flat=True)) == {"S1", "R1"}


def test_words_and_number_do_not_lie_open(store, regular):
    push("不要香菜")
    assert "不要香菜" in GuestReply.objects.get().words
    with connection.cursor() as cursor:
        cursor.execute("SELECT words, number FROM care_guestreply")
        words, number = map(bytes, cursor.fetchone())
    assert "不要香菜".encode() not in words
    assert PHONE.encode() not in number


def test_case_75_read_and_nothing_else(store, regular, head):
    push("谢谢！")
    row = read(GuestReply.objects.get(), "read", actor=head)
    assert (row.read_at, row.read_by, row.outcome) == (LATER, head, "read")
    assert may_be_texted(store, regular)


def test_case_75_it_does_mean_stop(store, regular, head):
    text = due_text(regular, store)
    push("别闹了哈")
    row = GuestReply.objects.get()
    assert not row.stopped
    read(row, "stop", actor=head)
    text.refresh_from_db()
    assert (text.state, text.reason) == ("skipped", "opted_out")
    assert OptOut.objects.get().words == "别闹了哈"
    assert not may_be_texted(store, regular)


def test_case_75_a_stop_that_was_meant_stays(store, regular, head):
    push("你是谁")
    read(GuestReply.objects.get(), "stop", actor=head)
    assert OptOut.objects.count() == 1
    assert not may_be_texted(store, regular)


def test_case_76_it_never_meant_stop(store, regular, head):
    """「不要香菜」 was about the coriander: what the guest had said before holds again."""
    push("不要香菜")
    assert not may_be_texted(store, regular)
    row = read(GuestReply.objects.get(), "lifted", actor=head)
    assert row.outcome == "lifted"
    assert OptOut.objects.count() == 0
    said = latest_consent(regular.pk)
    assert (said.given, said.source, said.recorded_by, said.at) == (True, "desk", head, LATER)
    assert may_be_texted(store, regular)


def test_case_76_who_never_consented_has_not_consented_now(store, newcomer, head):
    push("不要香菜", phone="13700003344")
    read(GuestReply.objects.get(), "lifted", actor=head)
    assert latest_consent(newcomer.pk).given is False
    assert not may_be_texted(store, newcomer)


def test_case_76_a_stop_that_was_said_before_stays(brand, store, regular, head):
    opt_out_number(brand=brand, phone=PHONE, words="R", source="reply", at=NOON - timedelta(days=1))
    push("不要香菜")
    read(GuestReply.objects.get(), "lifted", actor=head)
    assert OptOut.objects.count() == 1
    assert not may_be_texted(store, regular)


def test_case_76_a_no_that_was_said_since_stays(store, regular, head):
    push("不要香菜")
    between = NOON + timedelta(minutes=1)
    state_consent(
        customer=regular, given=True, said_at=between, source="desk", store=store, actor=head, at=between
    )
    then = NOON + timedelta(minutes=2)
    state_consent(
        customer=regular, given=False, said_at=then, source="desk", store=store, actor=head, at=then
    )
    read(GuestReply.objects.get(), "lifted", actor=head)
    assert latest_consent(regular.pk).given is False
    assert Consent.objects.filter(customer=regular).count() == 4


def test_doing_it_again_is_once_and_something_else_is_refused(store, regular, head):
    push("不要香菜")
    row = read(GuestReply.objects.get(), "lifted", actor=head)
    rows = Consent.objects.count()
    assert read(row, "lifted", at=LATER + timedelta(hours=1)).read_at == LATER
    assert Consent.objects.count() == rows
    with pytest.raises(Refused, match="已经有人处理"):
        read(row, "stop")
    assert OptOut.objects.count() == 0


def test_nothing_to_lift(store, regular):
    push("谢谢！")
    with pytest.raises(Refused, match="没有停掉"):
        read(GuestReply.objects.get(), "lifted")
    assert GuestReply.objects.get().read_at is None


def test_another_stores_reply_is_not_there(store, other_store, regular):
    push("谢谢！")
    with pytest.raises(NotHere):
        read(GuestReply.objects.get(), "read", store=other_store)


def test_all_the_others_at_once(store, other_store, regular, lapsed, head):
    push("谢谢！")
    push("同乐", phone="13900001122")
    push("不要香菜")
    due_text(put_on_file(other_store, "别店", phone="13500000000"), other_store)
    push("谢谢", phone="13500000000")
    assert read_others(store=store, actor=head, at=LATER) == 2
    assert read_others(store=store, actor=head, at=LATER) == 0
    assert GuestReply.objects.filter(read_at=None).count() == 2
