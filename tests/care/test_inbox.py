"""What the providers push: received at the door, kept, applied; by any order, any number of times."""

import itertools
import json
import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test import Client

from care.channels.base import Answer, Outcome, Receipt, Reply
from care.models import Inbox, Message
from care.services import inbox, outbox
from care.timing import Timing
from common.keys import blind_index
from customers.models import OptOut
from customers.services.customers import latest_consent
from tests.care.stage import china, due_text
from tests.cast import put_on_file

pytestmark = pytest.mark.django_db
NOON = china("2026-06-20 12:00")
PHONE = "13812348899"


@pytest.fixture
def text(store, regular) -> Message:
    """王总's text, claimed and taken by the provider under the id 900^0."""
    message = due_text(regular, store)
    Message.objects.filter(pk=message.pk).update(
        state="accepted", attempt=1, claimed_at=NOON, provider="aliyun", provider_message_id="900^0"
    )
    return message


def receipt(text: Message, delivered: bool, *, n: int = 0, phone: str = PHONE, **said) -> Receipt:
    base = {"provider": "aliyun", "out_id": str(text.pk), "message_id": "900^0", "code": "", "at": None}
    return Receipt(**(base | {"phone": phone, "delivered": delivered, "dedupe_key": uuid.uuid4().hex} | said))


def push(*items: Receipt | Reply, at=NOON) -> dict[str, int]:
    for item in items:
        inbox.keep("receipt" if isinstance(item, Receipt) else "reply", item.provider, [item], at=at)
    return inbox.apply_inbox(now=at)


def reply(words: str, phone: str = PHONE) -> Reply:
    return Reply("aliyun", phone, words, None, uuid.uuid4().hex)


def state(text: Message) -> str:
    text.refresh_from_db()
    return text.state


# ---- receipts ----


def test_a_receipt_settles_its_text(text):
    assert push(receipt(text, True)) == {"delivered": 1}
    assert state(text) == "delivered"
    assert text.final_at == NOON
    assert inbox.apply_inbox(now=NOON) == {}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_case_40_every_order_of_receipts_ends_alike(store, regular, number):
    """All sequences of delivered and undelivered: delivered wherever one of them says so."""
    text = due_text(regular, store)
    for said in itertools.product([True, False], repeat=number):
        Message.objects.filter(pk=text.pk).update(state="accepted", attempt=1, final_at=None, reason="")
        for delivered in said:
            push(receipt(text, delivered))
        assert state(text) == ("delivered" if any(said) else "undelivered"), said


def test_case_40_never_back(text):
    push(receipt(text, True))
    assert push(receipt(text, False, code="MOBILE_NOT_ON_SERVICE")) == {"known": 1}
    assert state(text) == "delivered"


@pytest.mark.parametrize(
    ("before", "attempt", "after"),
    [
        ("sending", 1, "delivered"),
        ("unknown", 1, "delivered"),
        ("accepted", 1, "delivered"),
        ("parked", 1, "delivered"),
        ("undelivered", 1, "delivered"),
        ("pending", 1, "delivered"),  # about to be sent again after a doubt: the receipt stops it
        ("pending", 0, "pending"),  # never sent: the receipt is a forgery
        ("skipped", 0, "skipped"),
        ("failed", 1, "failed"),
        ("expired", 1, "expired"),
    ],
)
def test_what_a_receipt_may_move(text, before, attempt, after):
    Message.objects.filter(pk=text.pk).update(state=before, attempt=attempt)
    push(receipt(text, True))
    assert state(text) == after


def test_a_bad_receipt_never_sends_again(text):
    push(receipt(text, False))
    assert (state(text), text.reason) == ("undelivered", "undelivered")
    assert outbox.claim_next(now=NOON, by="test", provider="aliyun") is None


def test_a_receipt_that_overtakes_our_own_answer(text):
    """It comes while the row still says SENDING; our own answer, arriving later, changes nothing."""
    Message.objects.filter(pk=text.pk).update(state="sending")
    push(receipt(text, True))
    claim = outbox.Claim(text.pk, 1, PHONE, "birthday", {}, NOON)
    assert not outbox.settle(claim, Answer(Outcome.ACCEPTED), now=NOON, timing=Timing())
    assert state(text) == "delivered"


def test_tencents_receipt_waits_for_the_id_it_names(text):
    """It carries only the provider's id, which we learn with the answer."""
    Message.objects.filter(pk=text.pk).update(state="sending", provider="tencent", provider_message_id="")
    early = receipt(text, True, provider="tencent", out_id="", message_id="2645:77")
    assert push(early) == {"waits": 1}
    Message.objects.filter(pk=text.pk).update(state="accepted", provider_message_id="2645:77")
    assert inbox.apply_inbox(now=NOON + timedelta(seconds=2)) == {"delivered": 1}
    assert state(text) == "delivered"


def test_a_receipt_that_nobody_asked_for_is_dropped(text):
    stray = receipt(text, True, provider="tencent", out_id="", message_id="nobody")
    assert push(stray) == {"waits": 1}
    assert inbox.apply_inbox(now=NOON + timedelta(minutes=6)) == {"dropped": 1}
    assert inbox.apply_inbox(now=NOON + timedelta(minutes=7)) == {}


@pytest.mark.parametrize(
    "forged",
    [{"out_id": str(uuid.uuid4())}, {"out_id": "no uuid"}, {"phone": "13899999999"}, {"phone": "no phone"}],
)
def test_a_forged_receipt_moves_nothing(text, forged):
    assert push(receipt(text, True, **forged)) == {"not_ours": 1}
    assert state(text) == "accepted"


# ---- replies ----


def test_case_41_a_stop_ends_every_text_to_the_number(brand, store, regular, text):
    waiting = due_text(regular, store, occasion="festival:mid_autumn:2026")
    other = due_text(put_on_file(store, "李", phone="13500009999", consent_sms=True), store)
    assert push(reply("R")) == {"opted_out": 1}
    assert (state(waiting), waiting.reason, waiting.final_at) == ("skipped", "opted_out", NOON)
    assert state(text) == "accepted"
    assert state(other) == "pending"
    row = OptOut.objects.get()
    assert (row.brand, bytes(row.number_index), row.words, row.source) == (
        brand, blind_index("phone", PHONE), "R", "reply",
    )  # fmt: skip
    assert latest_consent(regular.pk).given is False


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("退订", "opted_out"),
        ("Ｒ", "opted_out"),
        ("不要再发了", "opted_out"),
        ("你是谁", "opted_out"),
        ("谢谢！", "read"),
    ],
)
def test_case_41_what_counts_as_stop(store, regular, words, outcome):
    waiting = due_text(regular, store)
    assert push(reply(words)) == {outcome: 1}
    assert state(waiting) == ("skipped" if outcome == "opted_out" else "pending")


def test_case_41_every_brand_that_knows_the_number(store, rival, regular):
    also = put_on_file(rival, "王建国", phone=PHONE, consent_sms=True)
    texts = [due_text(regular, store), due_text(also, rival)]
    push(reply("TD"))
    assert [state(text) for text in texts] == ["skipped", "skipped"]
    assert OptOut.objects.count() == 2


def test_a_brand_that_does_not_know_the_number_is_left_out(store, rival, regular):
    push(reply("R"))
    assert OptOut.objects.get().brand == store.brand


def test_a_number_nobody_knows_is_stopped_everywhere(store, rival):
    """The guest may have been erased meanwhile."""
    push(reply("R", phone="13700000000"))
    assert OptOut.objects.count() == 2


def test_replies_are_applied_before_receipts_that_came_earlier(store, regular, text):
    order = []
    inbox.keep("receipt", "aliyun", [receipt(text, True)], at=NOON)
    inbox.keep("reply", "aliyun", [reply("R")], at=NOON)
    original = inbox._applied

    def watching(row, *rest):
        order.append(row.kind)
        return original(row, *rest)

    inbox._applied = watching
    try:
        inbox.apply_inbox(now=NOON)
    finally:
        inbox._applied = original
    assert order == ["reply", "receipt"]


def test_case_41_a_stop_does_not_wait_behind_a_mountain_of_receipts(store, regular, text, monkeypatch):
    """It comes while the first of many batches of receipts is being applied: it is applied before the second."""
    monkeypatch.setattr(inbox, "BATCH", 5)
    waiting = due_text(regular, store, occasion="festival:mid_autumn:2026")
    for n in range(15):
        inbox.keep("receipt", "aliyun", [receipt(text, True, phone=f"1390000{n:04}")], at=NOON)
    order, original = [], inbox._applied

    def watching(row, *rest):
        order.append(row.kind)
        if len(order) == 2:
            inbox.keep("reply", "aliyun", [reply("R")], at=NOON)
        return original(row, *rest)

    monkeypatch.setattr(inbox, "_applied", watching)
    assert inbox.apply_inbox(now=NOON) == {"not_ours": 15, "opted_out": 1}
    assert order == ["receipt"] * 5 + ["reply"] + ["receipt"] * 10
    assert state(waiting) == "skipped"


def test_one_round_takes_only_so_many_receipts(text, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 5)
    for n in range(25):
        inbox.keep("receipt", "aliyun", [receipt(text, True, phone=f"1390000{n:04}")], at=NOON)
    rounds = [inbox.apply_inbox(now=NOON, most=10) for _ in range(4)]
    assert rounds == [{"not_ours": 10}, {"not_ours": 10}, {"not_ours": 5}, {}]


def test_a_reply_that_cannot_be_read_is_given_up_aloud(store, caplog):
    Inbox.objects.create(
        kind="reply", provider="aliyun", dedupe_key="x", raw={"sealed": "AAAA"}, received_at=NOON
    )
    assert inbox.apply_inbox(now=NOON) == {"waits": 1}
    assert inbox.apply_inbox(now=NOON + timedelta(minutes=6)) == {"dropped": 1}
    assert "it may have said stop" in caplog.text


def test_one_unreadable_row_does_not_stop_the_others(text):
    Inbox.objects.create(
        kind="receipt", provider="aliyun", dedupe_key="x", raw={"sealed": "AAAA"}, received_at=NOON
    )
    assert push(receipt(text, True)) == {"waits": 1, "delivered": 1}
    assert state(text) == "delivered"
    assert Inbox.objects.filter(applied_at=None).count() == 1
    assert inbox.apply_inbox(now=NOON + timedelta(minutes=6)) == {"dropped": 1}


def test_more_than_one_batch(store, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 7)
    for n in range(20):
        inbox.keep("reply", "aliyun", [reply("谢谢", phone=f"1390000{n:04}")], at=NOON)
    assert inbox.apply_inbox(now=NOON) == {"read": 20}
    assert not Inbox.objects.filter(applied_at=None).exists()


def test_no_number_and_no_words_lie_open_in_the_tray(text):
    inbox.keep("reply", "aliyun", [reply("请别再发到我家里")], at=NOON)
    inbox.keep("receipt", "aliyun", [receipt(text, True)], at=NOON)
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(i::text, ' ') FROM care_inbox i")
        stored = cursor.fetchone()[0]
    assert PHONE not in stored
    assert "家里" not in stored and "\\u5bb6" not in stored


# ---- at the door ----

RECEIPT = {
    "phone_number": PHONE, "send_time": "2026-06-20 12:00:00", "report_time": "2026-06-20 12:00:05",
    "success": True, "err_code": "DELIVERED", "err_msg": "用户接收成功", "sms_size": "1", "biz_id": "900^0",
}  # fmt: skip
REPLY = {
    "phone_number": PHONE, "send_time": "2026-06-20 12:01:00", "content": "退订", "sign_name": "熟客小馆",
    "dest_code": "9001", "sequence_id": "1",
}  # fmt: skip


def knock(client, kind: str, body, provider: str = "aliyun", **more):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/hooks/sms/{provider}/{kind}/", data, content_type="application/json", **more)


def test_receipts_at_the_door(client, text):
    body = [RECEIPT | {"out_id": str(text.pk)}]
    answer = knock(client, "receipts", body)
    assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "接收成功"})
    assert knock(client, "receipts", body).status_code == 200
    assert Inbox.objects.count() == 1
    inbox.apply_inbox(now=NOON)
    assert state(text) == "delivered"


def test_replies_at_the_door(client, store, regular):
    waiting = due_text(regular, store)
    assert knock(client, "replies", [REPLY]).status_code == 200
    inbox.apply_inbox(now=NOON)
    assert state(waiting) == "skipped"


def test_tencent_at_the_door(client):
    body = [
        {"user_receive_time": "2026-06-20 12:00:05", "nationcode": "86", "mobile": PHONE,
         "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "用户短信送达成功", "sid": "2645:77"}
    ]  # fmt: skip
    answer = knock(client, "receipts", body, "tencent")
    assert (answer.status_code, answer.json()) == (200, {"result": 0, "errmsg": "OK"})
    said = {
        "extend": "",
        "mobile": PHONE,
        "nationcode": "86",
        "sign": "熟客小馆",
        "text": "T",
        "time": 1781928060,
    }
    assert knock(client, "replies", said, "tencent").status_code == 200
    assert Inbox.objects.count() == 2


def test_a_gateway_of_ones_own_at_the_door(client, store, regular, text):
    waiting = due_text(regular, store, occasion="festival:mid_autumn:2026")
    report = {"id": str(text.pk), "message_id": "g1", "phone": PHONE, "status": "delivered", "code": "",
              "at": "2026-06-20T12:00:05+08:00"}  # fmt: skip
    answer = knock(client, "receipts", [report], "http")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    said = {"id": "r1", "phone": PHONE, "text": "退订", "at": "2026-06-20T12:01:00+08:00"}
    assert knock(client, "replies", [said], "http").status_code == 200
    assert knock(client, "replies", [said], "http").status_code == 200
    assert inbox.apply_inbox(now=NOON) == {"delivered": 1, "opted_out": 1}
    assert (state(text), state(waiting)) == ("delivered", "skipped")


@pytest.mark.parametrize(
    "item",
    [{"phone": PHONE}, {"phone": PHONE, "status": "sent", "id": "1"}, {"phone": PHONE, "status": "delivered"},
     {"status": "delivered", "id": "1"}],
)  # fmt: skip
def test_a_report_of_ones_own_gateway_that_says_nothing_is_refused(client, item):
    assert knock(client, "receipts", [item], "http").status_code == 400


@pytest.mark.parametrize("kind", ["receipts", "replies"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<html>", 400),
        (b"{}", 400),
        (b"[1]", 400),
        (b"[{}]", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b"[" + b" " * (1 << 20) + b"]", 413),
    ],
)
def test_malformed_pushes_are_refused(client, kind, body, status):
    assert knock(client, kind, body).status_code == status
    assert Inbox.objects.count() == 0


def test_a_stop_with_half_an_emoji_behind_it_is_taken(client, text):
    """An emoji cut in two on its way is no UTF-8: refused, the push would come again for ever and never be read."""
    item = {
        "phone_number": PHONE,
        "content": "退订\ud83d",
        "send_time": "2026-06-20 12:01:00",
        "sequence_id": 7,
    }
    assert knock(client, "replies", [item]).status_code == 200
    assert inbox.apply_inbox(now=NOON) == {"opted_out": 1}
    strange = RECEIPT | {"out_id": "\ud83d", "err_code": "\udc00"}
    assert knock(client, "receipts", [strange]).status_code == 200
    assert inbox.apply_inbox(now=NOON) == {"not_ours": 1}


@pytest.mark.parametrize("status", [[], {}, None, 1])
def test_a_report_with_a_state_that_is_no_word_is_refused(client, status):
    item = {"mobile": PHONE, "nationcode": "86", "sid": "s", "report_status": status}
    assert knock(client, "receipts", [item], "tencent").status_code == 400
    assert Inbox.objects.count() == 0


def test_other_providers_and_methods(client):
    assert knock(client, "receipts", [RECEIPT], "huawei").status_code == 404
    assert client.get("/hooks/sms/aliyun/receipts/").status_code == 405


def test_pushes_need_no_csrf_token(text):
    strict = Client(enforce_csrf_checks=True)
    assert knock(strict, "receipts", [RECEIPT | {"out_id": str(text.pk)}]).status_code == 200


def test_without_a_database_the_provider_is_asked_to_come_again(client, monkeypatch):
    def broken(*args, **kwargs):
        raise OperationalError("the database is starting up")

    monkeypatch.setattr(Inbox.objects, "bulk_create", broken)
    assert knock(client, "replies", [REPLY]).status_code == 503
