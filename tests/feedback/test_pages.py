"""The board, the panel on the guest's page, the sentence from the floor: plain forms, role by role."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from feedback import services as verbs
from feedback.models import Complaint, Suggestion
from tests.cast import NOON, put_on_file

TODAY = date(2026, 6, 20)
PANEL = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def desk(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def complain(store, guest, text="羊肉等了四十分钟", **more) -> Complaint:
    said = {"actor": None, "at": NOON} | more
    return verbs.open_complaint(store=store, customer_id=guest.pk, text=text, **said)


def suggest(store, guest, text="杯子换大一点", **more) -> Suggestion:
    said = {"actor": None, "at": NOON} | more
    return verbs.record_suggestion(store=store, customer_id=guest.pk, text=text, **said)


def words(answer) -> str:
    """What a reader sees, tags left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def forms(answer) -> set[tuple[str, ...]]:
    """Where the feedback forms of an answer go, and what their buttons say to the server."""
    found = set()
    for form in re.findall(r"<form\b.*?</form>", answer.content.decode(), re.S):
        action = re.search(r'action="([^"]*)"', form)
        if action and re.search(r"/(complaints|suggestions)/", action[1]):
            found.add((action[1], *re.findall(r'name="act" value="(\w+)"', form)))
    return found


# ---- the board -----------------------------------------------------------------------------------------------


def test_the_board_shows_the_longest_wait_first_with_its_days(store, head, regular, lapsed, waiter):
    complain(store, regular, "锅底太咸", actor=waiter)
    complain(store, lapsed, on=TODAY - timedelta(days=12), severity="serious")
    suggest(store, regular, on=TODAY - timedelta(days=1))
    seen = words(desk(head).get(reverse("feedback")))
    assert (
        seen.index("12 天 李梅")
        < seen.index("羊肉等了四十分钟")
        < seen.index("今天 王总")
        < seen.index("锅底太咸")
    )
    assert "小赵记下" in seen and "严重" in seen
    assert seen.index("待判定的建议") < seen.index("1 天 王总") < seen.index("杯子换大一点")


def test_the_board_knows_no_other_store_and_nothing_settled(store, other_store, head, regular):
    elsewhere = put_on_file(other_store, "别人", phone="13500007777")
    complain(other_store, elsewhere, "那边的事")
    suggest(other_store, elsewhere, "那边的主意")
    closed, gone = complain(store, regular, "已经好了"), complain(store, regular, "记错了的")
    verbs.close_complaint(store=store, complaint_id=closed.pk, resolution="好", actor=None, at=NOON)
    verbs.withdraw_complaint(store=store, complaint_id=gone.pk, actor=None, at=NOON)
    judged = suggest(store, regular, "判过的")
    verbs.judge_suggestion(store=store, suggestion_id=judged.pk, valid=True, actor=None, at=NOON)
    seen = words(desk(head).get(reverse("feedback")))
    assert "没有未了结的投诉" in seen and "没有等待判定的建议" in seen
    assert not any(word in seen for word in ("那边", "已经好了", "记错了的", "判过的"))


@pytest.mark.parametrize(
    ("role", "acts"), [("head", True), ("manager", True), ("host", False), ("hq", False)]
)
def test_who_closes_and_judges_and_who_only_reads(request, store, regular, role, acts):
    complaint, suggestion = complain(store, regular), suggest(store, regular)
    client = desk(request.getfixturevalue(role))
    seen = client.get(reverse("feedback"))
    close, judge = (
        reverse("complaint-act", args=[complaint.pk]),
        reverse("suggestion-act", args=[suggestion.pk]),
    )
    buttons = {(close, "close", "withdraw"), (judge, "valid", "not_valid"), (judge, "withdraw")}
    assert forms(seen) == (buttons if acts else set())
    assert "羊肉等了四十分钟" in words(seen) and "意见与投诉" in words(seen)
    expected = 302 if acts else 403
    assert client.post(close, {"act": "close", "resolution": "致歉"}).status_code == expected
    assert client.post(judge, {"act": "valid"}).status_code == expected
    complaint.refresh_from_db()
    suggestion.refresh_from_db()
    assert (complaint.resolution, suggestion.judged) == (("致歉", "valid") if acts else (None, ""))


def test_a_complaint_is_closed_opened_again_and_withdrawn_on_the_pages(store, manager, regular):
    complaint, client = complain(store, regular), desk(manager)
    address, guest_page = (
        reverse("complaint-act", args=[complaint.pk]),
        reverse("customer", args=[regular.pk]),
    )
    closed = client.post(address, {"act": "close", "resolution": "致歉", "next": guest_page}, follow=True)
    assert closed.redirect_chain == [(guest_page, 302)] and "投诉已了结。" in words(closed)
    complaint.refresh_from_db()
    assert (complaint.closed_at, complaint.closed_by, complaint.resolution) == (NOON, manager, "致歉")
    again = client.post(address, {"act": "close", "resolution": "别的话"}, follow=True)
    assert again.redirect_chain == [(reverse("feedback"), 302)] and "这条投诉已经了结" in words(again)
    assert "投诉已重新打开。" in words(client.post(address, {"act": "reopen"}, follow=True))
    assert "上次的处理没有解决：致歉" in words(client.get(reverse("feedback")))
    assert "请写明是怎么处理的" in words(client.post(address, {"act": "close"}, follow=True))
    assert "已作为误记撤销" in words(client.post(address, {"act": "withdraw"}, follow=True))
    complaint.refresh_from_db()
    assert (complaint.closed_at, complaint.reopened_by, complaint.withdrawn_by) == (None, manager, manager)


def test_a_suggestion_is_judged_and_withdrawn_on_the_pages(store, manager, regular):
    client = desk(manager)
    for act, said in (
        ("valid", "已判为有效建议。"),
        ("not_valid", "已判为无效建议。"),
        ("withdraw", "已作为误记撤销"),
    ):
        address = reverse("suggestion-act", args=[suggest(store, regular, act).pk])
        assert said in words(client.post(address, {"act": act}, follow=True))
    assert list(Suggestion.objects.order_by("pk").values_list("text", "judged", "judged_on", "withdrawn_at")) == [
        ("valid", "valid", TODAY, None), ("not_valid", "not_valid", TODAY, None), ("withdraw", "", None, NOON),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["complaint-act", "suggestion-act"])
def test_an_act_that_is_none_changes_nothing(store, manager, regular, name):
    row = complain(store, regular) if name == "complaint-act" else suggest(store, regular)
    before = type(row).objects.values().get()
    answer = desk(manager).post(reverse(name, args=[row.pk]), {"act": "burn", "next": "https://example.com/"})
    assert answer["location"] == reverse("feedback")
    assert type(row).objects.values().get() == before


# ---- the panel on the guest's page ---------------------------------------------------------------------------


def test_the_guest_page_asks_for_its_panel_and_shows_a_link_without_script(store, host, regular):
    seen = desk(host).get(reverse("customer", args=[regular.pk])).content.decode()
    address = reverse("customer-feedback", args=[regular.pk])
    assert f'id="feedback" hx-get="{address}"' in seen and f'<a href="{address}">' in seen


def test_the_panel_tells_the_open_complaint_first_then_what_was(store, manager, regular):
    complain(store, regular, "锅底太咸", on=TODAY - timedelta(days=3))
    closed = complain(store, regular, "上菜慢", on=TODAY - timedelta(days=40))
    verbs.close_complaint(store=store, complaint_id=closed.pk, resolution="送了果盘", actor=manager, at=NOON)
    judged = suggest(store, regular, "多一些素菜", on=TODAY - timedelta(days=8))
    verbs.judge_suggestion(store=store, suggestion_id=judged.pk, valid=True, actor=manager, at=NOON)
    client = desk(manager)
    address = reverse("customer-feedback", args=[regular.pk])
    panel, page = client.get(address, **PANEL), client.get(address)
    assert b"<html" not in panel.content and b"<html" in page.content
    seen = words(panel)
    assert (
        seen.index("有未了结的投诉 · 3 天")
        < seen.index("锅底太咸")
        < seen.index("多一些素菜")
        < seen.index("上菜慢")
    )
    assert "刘经理判定" in seen and "送了果盘 · 刘经理" in seen and "有效" in seen and "已了结" in seen
    assert '<div class="notice error' in panel.content.decode()
    assert words(page).count("锅底太咸") == 1


@pytest.mark.parametrize(
    ("role", "status"), [("waiter", 403), ("host", 200), ("manager", 200), ("head", 200), ("hq", 200)]
)
def test_who_sees_the_panel_and_who_may_write(request, store, regular, role, status):
    complaint, suggestion = complain(store, regular), suggest(store, regular)
    client = desk(request.getfixturevalue(role))
    panel = client.get(reverse("customer-feedback", args=[regular.pk]), **PANEL)
    assert panel.status_code == status
    write = {
        (reverse("complaint-open", args=[regular.pk]),), (reverse("suggestion-record", args=[regular.pk]),)
    }  # fmt: skip
    close, judge = (
        reverse("complaint-act", args=[complaint.pk]),
        reverse("suggestion-act", args=[suggestion.pk]),
    )
    act = {(close, "close", "withdraw"), (judge, "valid", "not_valid"), (judge, "withdraw")}
    may = {"host": write, "manager": write | act, "head": write | act}
    assert forms(panel) == may.get(role, set())
    writes = {
        client.post(reverse(name, args=[regular.pk]), {f"{form}-text": "换个说法"}).status_code
        for name, form in (("complaint-open", "complaint"), ("suggestion-record", "suggestion"))
    }
    assert writes == ({302} if role in may else {403})
    assert (Complaint.objects.count(), Suggestion.objects.count()) == ((2, 2) if role in may else (1, 1))


def test_a_complaint_is_opened_at_the_desk(store, host, regular):
    said = {"complaint-text": "锅底太咸", "complaint-severity": "serious", "complaint-on": "2026-06-18"}
    answer = desk(host).post(reverse("complaint-open", args=[regular.pk]), said)
    assert answer["location"] == reverse("customer", args=[regular.pk]) + "#feedback"
    complaint = Complaint.objects.get()
    assert (complaint.store, complaint.customer, complaint.text, complaint.severity) == (
        store, regular, "锅底太咸", "serious",
    )  # fmt: skip
    assert (complaint.opened_on, complaint.opened_at, complaint.opened_by) == (date(2026, 6, 18), NOON, host)


def test_a_suggestion_is_recorded_at_the_desk(store, host, regular):
    said = {"suggestion-text": "杯子换大一点", "suggestion-on": ""}
    answer = desk(host).post(reverse("suggestion-record", args=[regular.pk]), said)
    assert answer["location"] == reverse("customer", args=[regular.pk]) + "#feedback"
    suggestion = Suggestion.objects.get()
    assert (suggestion.store, suggestion.customer, suggestion.text, suggestion.judged) == (
        store, regular, "杯子换大一点", "",
    )  # fmt: skip
    assert (suggestion.made_on, suggestion.recorded_at, suggestion.recorded_by) == (TODAY, NOON, host)


@pytest.mark.parametrize("form", ["complaint", "suggestion"])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"text": "  "}, "请写下客人"),
        ({"text": "长" * 1001}, "最多"),
        ({"text": "留着的话", "on": "2026-06-21"}, "日期还没有到"),
        ({"text": "留着的话", "on": "明天"}, "请填一个日期。"),
    ],
)
def test_a_form_that_cannot_be_taken_comes_back_with_its_words(store, host, regular, form, said, why):
    name = "complaint-open" if form == "complaint" else "suggestion-record"
    sent = {f"{form}-{field}": value for field, value in said.items()}
    answer = desk(host).post(reverse(name, args=[regular.pk]), sent)
    assert answer.status_code == 422 and why in words(answer)
    assert said["text"].strip() in answer.content.decode()
    # Only the form at fault stands open.
    assert answer.content.decode().count('<details class="fold" open>') == 1
    assert (Complaint.objects.count(), Suggestion.objects.count()) == (0, 0)


def test_another_stores_guest_has_no_panel_and_no_form(store, other_store, head):
    elsewhere = put_on_file(other_store, "别人", phone="13500007777")
    complain(other_store, elsewhere)
    client = desk(head)
    assert client.get(reverse("customer-feedback", args=[elsewhere.pk])).status_code == 404
    for name, form in (("complaint-open", "complaint"), ("suggestion-record", "suggestion")):
        answer = client.post(reverse(name, args=[elsewhere.pk]), {f"{form}-text": "换个说法"})
        assert answer.status_code == 404
    assert (Complaint.objects.count(), Suggestion.objects.count()) == (1, 0)


# ---- the floor -----------------------------------------------------------------------------------------------


def test_the_card_warns_of_an_open_complaint_until_it_is_closed(store, waiter, regular):
    client, card = desk(waiter), reverse("tablet-guest", args=[regular.pk])
    assert "有未了结的投诉" not in words(client.get(card))
    complaint = complain(store, regular, on=TODAY - timedelta(days=4))
    assert "有未了结的投诉 · 4 天 羊肉等了四十分钟" in words(client.get(card))
    verbs.close_complaint(store=store, complaint_id=complaint.pk, resolution="致歉", actor=None, at=NOON)
    assert "有未了结的投诉" not in words(client.get(card))


@pytest.mark.parametrize(("serious", "severity"), [({}, ""), ({"serious": "on"}, "serious")])
def test_a_waiter_writes_a_complaint_down(store, waiter, regular, serious, severity):
    client, address = desk(waiter), reverse("tablet-feedback", args=[regular.pk])
    assert f'href="{address}"' in client.get(reverse("tablet-guest", args=[regular.pk])).content.decode()
    answer = client.post(address, {"text": "锅底太咸", "kind": "complaint", **serious}, follow=True)
    assert answer.redirect_chain == [(reverse("tablet-guest", args=[regular.pk]), 302)]
    assert "请马上告诉经理" in words(answer) and "有未了结的投诉 · 今天 锅底太咸" in words(answer)
    complaint = Complaint.objects.get()
    assert (complaint.opened_on, complaint.opened_by, complaint.severity) == (TODAY, waiter, severity)
    assert not Suggestion.objects.exists()


def test_a_waiter_writes_a_suggestion_down(store, waiter, regular):
    address = reverse("tablet-feedback", args=[regular.pk])
    answer = desk(waiter).post(address, {"text": "杯子换大一点", "kind": "suggestion"}, follow=True)
    assert "已记下建议" in words(answer) and "有未了结的投诉" not in words(answer)
    suggestion = Suggestion.objects.get()
    assert (suggestion.text, suggestion.made_on, suggestion.recorded_by) == ("杯子换大一点", TODAY, waiter)
    assert not Complaint.objects.exists()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"kind": "complaint", "text": " "}, "请先写下客人说了什么。"),
        ({"kind": "suggestion", "text": "长" * 401}, "400"),
        ({"text": "留着的话"}, ""),
        ({"kind": "praise", "text": "留着的话"}, ""),
    ],
)
def test_half_a_sentence_from_the_floor_leaves_nothing(store, waiter, regular, said, why):
    answer = desk(waiter).post(reverse("tablet-feedback", args=[regular.pk]), said)
    assert answer.status_code == 422 and why in words(answer)
    assert said["text"].strip() in answer.content.decode()
    assert (Complaint.objects.count(), Suggestion.objects.count()) == (0, 0)


def test_hq_has_no_tablet_and_a_waiter_no_desk(store, hq, waiter, regular):
    assert desk(hq).get(reverse("tablet-feedback", args=[regular.pk])).status_code == 403
    assert desk(waiter).get(reverse("feedback")).status_code == 403


def test_the_navigation_leads_to_the_board(store, host):
    seen = desk(host).get(reverse("feedback")).content.decode()
    assert re.search(r'href="/feedback/" aria-current="page"><i [^>]*></i>意见与投诉', seen)


def test_the_pages_speak_english(store, head, regular):
    head.language = "en"
    head.save()
    complain(store, regular, "too salty", on=TODAY - timedelta(days=1), severity="minor")
    suggest(store, regular, "larger cups", on=TODAY - timedelta(days=2))
    seen = words(desk(head).get(reverse("feedback")))
    for said in ("Open complaints", "1 day ", "Minor", "Suggestions to judge", "2 days ", "Not valid"):
        assert said in seen
