"""The outbox with its price, what guests answered, the rules of texts: the pages."""

import uuid
from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.models import GuestReply, Message, TextRules
from care.selectors.outbox import month_of_texts, outbox_totals
from customers.models import OptOut
from tests.care.stage import china
from tests.cast import NOON

TODAY = date(2026, 6, 20)


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def desk(head) -> Client:
    return signed_in(head)


def text_to(store, guest, at: datetime = NOON, state: str = "pending", **more) -> Message:
    """A text planned at `at`; handed over then, unless it waits or was skipped."""
    handed = at if state in Message.HANDED else None
    said = {
        "brand": store.brand, "store": store, "customer": guest, "category": "festival", "occasion": uuid.uuid4().hex,
        "number": "13812348899", "last_four": "8899", "template": "festival", "state": state, "planned_on": TODAY,
        "not_before": at, "next_at": at, "expires_at": at, "created_at": at, "claimed_at": handed,
    }  # fmt: skip
    return Message.objects.create(**(said | more))


def shown(answer) -> list[Message]:
    return answer.context["page"].rows


# ---- the outbox ----


def test_the_outbox_begins_with_the_last_thirty_days(desk, store, regular):
    new = text_to(store, regular, NOON - timedelta(days=29))
    old = text_to(store, regular, NOON - timedelta(days=31))
    answer = desk.get(reverse("outbox"))
    assert (shown(answer), answer.context["all"]) == ([new], 1)
    may = desk.get(reverse("outbox"), {"month": "2026-05"})
    assert (shown(may), may.context["all"]) == ([new, old], 2)
    assert shown(desk.get(reverse("outbox"), {"month": "2026-04"})) == []
    empty = desk.get(reverse("outbox"), {"month": "2026-04"}).content.decode()
    assert "这个月没有短信" in empty
    assert '<a href="/outbox/?month=2026-04" aria-current="page">2026年4月</a>' in empty


def test_the_words_stand_with_the_text_and_not_where_none_goes_out(desk, store, regular):
    words = {"name": "王女士", "festival": "端午"}
    text_to(store, regular, state="delivered", variables=words)
    page = desk.get(reverse("outbox")).content.decode()
    assert "亲爱的王女士，端午到了，" in page and "${" not in page
    Message.objects.update(state="skipped", reason="no_consent")
    assert "亲爱的王女士" not in desk.get(reverse("outbox")).content.decode()


@pytest.mark.parametrize(
    ("at", "month"),
    [("2026-05-31 23:59", "2026-05"), ("2026-06-01 00:00", "2026-06"), ("2026-06-30 23:59", "2026-06")],
)
def test_a_month_is_a_month_on_the_stores_wall(desk, store, regular, at, month):
    text_to(store, regular, china(at))
    assert [
        m for m in ("2026-05", "2026-06", "2026-07") if shown(desk.get(reverse("outbox"), {"month": m}))
    ] == [month]


@pytest.mark.parametrize("month", ["", "soon", "2026-13", "0001-01", "9999-12", "<b>"])
def test_a_month_that_is_none_is_the_last_thirty_days(desk, store, regular, month):
    text_to(store, regular)
    assert desk.get(reverse("outbox"), {"month": month}).context["first"] is None


def test_months_lead_to_each_other(desk, store, regular):
    text_to(store, regular)
    page = desk.get(reverse("outbox"))
    assert (page.context["earlier"], page.context["later"]) == (date(2026, 6, 1), None)
    june = desk.get(reverse("outbox"), {"month": "2026-06"})
    assert (june.context["earlier"], june.context["later"]) == (date(2026, 5, 1), None)
    may = desk.get(reverse("outbox"), {"month": "2026-05"})
    assert (may.context["earlier"], may.context["later"]) == (date(2026, 4, 1), date(2026, 6, 1))


def test_paging_stays_in_the_month_and_the_state(desk, store, regular):
    for n in range(60):
        text_to(store, regular, china("2026-05-10 10:00") + timedelta(minutes=n), "delivered")
    text_to(store, regular, china("2026-05-10 10:30"), "parked")
    text_to(store, regular, china("2026-04-10 10:30"), "delivered")
    first = desk.get(reverse("outbox"), {"month": "2026-05", "state": "delivered"})
    second = desk.get(f"{reverse('outbox')}?{first.context['next']}")
    seen = [*shown(first), *shown(second)]
    assert (len(seen), len({m.pk for m in seen}), {m.state for m in seen}) == (60, 60, {"delivered"})
    assert [m.created_at for m in seen] == sorted((m.created_at for m in seen), reverse=True)
    assert second.context["page"].cursor == ""


def test_case_64_parts_and_yuan_are_on_the_page(desk, store, regular, lapsed):
    """Handed over this month: 2 + 1 + 1 parts; waiting: 2 parts. At ¥45 a thousand."""
    TextRules.objects.create(brand=store.brand, thousand_parts_fen=45_000)
    text_to(store, regular, NOON, "delivered", parts=2)
    text_to(store, regular, NOON, "unknown")
    text_to(store, lapsed, NOON, "undelivered")
    text_to(store, lapsed, china("2026-05-31 12:00"), "delivered", parts=3)
    text_to(store, lapsed, NOON, "skipped", reason="no_consent")
    text_to(store, regular, NOON, "pending", parts=2)
    words = desk.get(reverse("outbox")).content.decode()
    assert "全品牌本月已交平台 4 条计费，¥1.80" in words
    assert "待发 2 条计费，约 ¥0.90" in words
    assert "上限" not in words


def test_case_64_the_month_is_the_brands(store, other_store, rival, regular):
    text_to(other_store, regular, NOON, "accepted")
    text_to(rival, regular, NOON, "accepted", brand=rival.brand)
    month = month_of_texts(store.brand_id, store.timezone, NOON)
    assert (month.texts, month.parts, month.cost_fen) == (1, 1, 5)


@pytest.mark.parametrize("most", [3, 2, 1])
def test_case_71_the_page_says_that_the_budget_is_used_up(desk, store, regular, most):
    """Two of three parts are used and the text that waits needs two: it does not fit either."""
    TextRules.objects.create(brand=store.brand, month_parts=most)
    text_to(store, regular, NOON, "delivered", parts=2)
    assert ("停下来等" in desk.get(reverse("outbox")).content.decode()) is (most < 3)
    text_to(store, regular, NOON, "pending", reason="budget", parts=2)
    answer = desk.get(reverse("outbox"))
    assert f"上限 {most} 条" in answer.content.decode()
    assert f"本月预算 {most} 条计费，已用 2 条，1 条短信停下来等" in answer.content.decode()
    filtered = desk.get(reverse("outbox"), {"state": "pending", "reason": "budget"})
    assert len(shown(filtered)) == 1 and "本月短信预算已用完" in filtered.content.decode()


def test_totals_of_a_time_and_of_all_times(store, regular):
    text_to(store, regular, NOON - timedelta(days=400), "delivered", parts=2)
    text_to(store, regular, NOON, "skipped", reason="no_consent")
    lately = outbox_totals(store, (NOON - timedelta(days=30), NOON + timedelta(days=1)))
    assert (lately.total, lately.states["skipped"], lately.reasons) == (1, 1, {"skipped": {"no_consent": 1}})
    everything = outbox_totals(store)
    assert (everything.total, everything.parts["delivered"]) == (2, 2)


# ---- what guests answered ----


def reply(store, guest, *, stopped: bool = False, words: str = "谢谢！", minutes: int = 0) -> GuestReply:
    return GuestReply.objects.create(
        store=store, customer=guest, number="13812348899", number_index=b"x", words=words, stopped=stopped,
        at=NOON - timedelta(minutes=minutes),
    )  # fmt: skip


def test_what_was_stopped_is_read_first(desk, store, other_store, regular):
    late, doubt, early = (
        reply(store, regular),
        reply(store, regular, stopped=True, minutes=9),
        reply(store, regular, minutes=5),
    )
    reply(other_store, regular)
    page = desk.get(reverse("replies"))
    assert page.context["unread"] == [doubt, late, early]
    words = page.content.decode()
    assert "已先停发" in words and "138****8899" in words and "13812348899" not in words
    assert "3 条客人回复还没有人看" in desk.get(reverse("outbox")).content.decode()


def test_one_is_read(desk, store, head, regular):
    row = reply(store, regular)
    assert desk.post(reverse("reply-act", args=[row.pk]), {"outcome": "read"})["location"] == reverse(
        "replies"
    )
    row.refresh_from_db()
    assert (row.outcome, row.read_by, row.read_at) == ("read", head, NOON)
    page = desk.get(reverse("replies"))
    assert (page.context["unread"], page.context["read"]) == ([], [row])
    assert "没有待看的回复" in page.content.decode()


def test_one_means_stop(desk, store, regular):
    row = reply(store, regular, words="别闹")
    desk.post(reverse("reply-act", args=[row.pk]), {"outcome": "stop"})
    assert OptOut.objects.get().words == "别闹"


def test_what_cannot_be_is_said(desk, store, regular):
    row = reply(store, regular)
    answer = desk.post(reverse("reply-act", args=[row.pk]), {"outcome": "lifted"}, follow=True)
    assert "没有停掉短信" in answer.content.decode()
    desk.post(reverse("reply-act", args=[row.pk]), {"outcome": "dance"})
    assert GuestReply.objects.get().read_at is None


def test_all_the_others_at_once(desk, store, regular):
    reply(store, regular), reply(store, regular), reply(store, regular, stopped=True)
    answer = desk.post(reverse("replies-read"), follow=True)
    assert "2 条回复已看过" in answer.content.decode()
    assert GuestReply.objects.filter(read_at=None).count() == 1


def test_a_strangers_number_is_shown_without_a_guest(desk, store):
    reply(store, None, stopped=True)
    assert "138****8899" in desk.get(reverse("replies")).content.decode()


# ---- the rules ----

FORM = {"a_day": "2", "a_month": "6", "price": "38.50", "month_parts": "5000"}


def test_the_rules_are_shown_and_kept(desk, store, brand):
    page = desk.get(reverse("text-rules")).content.decode()
    assert 'value="45.00"' in page and TextRules.objects.count() == 0
    answer = desk.post(reverse("text-rules"), FORM, follow=True)
    assert "短信规则已保存" in answer.content.decode()
    rules = TextRules.objects.get()
    assert (rules.brand, rules.a_day, rules.a_month, rules.thousand_parts_fen, rules.month_parts) == (
        brand, 2, 6, 3850, 5000,
    )  # fmt: skip
    desk.post(reverse("text-rules"), FORM | {"month_parts": ""})
    assert TextRules.objects.get().month_parts is None


@pytest.mark.parametrize(
    "said", [{"a_day": "6"}, {"a_day": ""}, {"a_month": "-1"}, {"price": "free"}, {"month_parts": "0"}]
)
def test_nonsense_is_refused_and_changes_nothing(desk, said):
    answer = desk.post(reverse("text-rules"), FORM | said)
    assert answer.status_code == 422 and "form-error" in answer.content.decode()
    assert TextRules.objects.count() == 0


def test_who_changed_the_rules_is_on_record(desk, head):
    desk.post(reverse("text-rules"), FORM)
    desk.post(reverse("text-rules"), FORM | {"a_day": "1"})
    events = TextRules.objects.get().events.order_by("pgh_id")
    assert [(event.a_day, event.pgh_context.metadata["user"]) for event in events] == [
        (2, head.pk),
        (1, head.pk),
    ]


def test_a_manager_reads_the_outbox_and_does_not_change_the_rules(store, manager):
    client = signed_in(manager)
    assert reverse("text-rules") not in client.get(reverse("outbox")).content.decode()
    assert client.post(reverse("text-rules"), FORM).status_code == 403
