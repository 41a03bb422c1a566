"""The door, the frame, the settings."""

import pytest
from django.test import Client
from django.urls import reverse

from staff.access import machine_of
from staff.models import ApiToken, Membership, Store
from tests.cast import NOON, hire


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    return client


def sign_in(client: Client, name: str, word: str, **more: str):
    return client.post(reverse("login"), {"username": name, "password": word, **more})


def test_signing_in_leads_to_where_the_work_is(waiter, head):
    assert sign_in(Client(), "xiaozhao", "xiaozhao")["location"] == reverse("tablet")
    assert sign_in(Client(), "chen", "chen")["location"] == reverse("today")


def test_signing_in_leads_back_to_what_was_asked_for_and_nowhere_else(head):
    assert sign_in(Client(), "chen", "chen", next="/tasks/")["location"] == "/tasks/"
    assert sign_in(Client(), "chen", "chen", next="https://evil.example/")["location"] == reverse("today")


def test_the_root_sends_everybody_to_his_work(waiter, host):
    for person, page in ((waiter, "tablet"), (host, "today")):
        client = Client()
        client.force_login(person)
        assert client.get("/")["location"] == reverse(page)


def test_a_waiter_who_opens_the_desk_is_told_kindly(waiter):
    client = Client()
    client.force_login(waiter)
    answer = client.get(reverse("today"))
    assert answer.status_code == 403
    assert "您的岗位不能打开这一页" in answer.content.decode()
    assert reverse("home") in answer.content.decode()


def test_wrong_words_say_one_sentence_and_lock_after_five(head):
    client = Client()
    for name in ("chen", "nobody"):
        assert "用户名或密码不对" in sign_in(client, name, "wrong").content.decode()
    for _ in range(3):
        sign_in(client, "chen", "wrong")
    locked = sign_in(client, "chen", "wrong")
    assert (locked.status_code, "15 分钟" in locked.content.decode()) == (429, True)
    assert sign_in(client, "chen", "chen").status_code == 429


def test_the_language_is_kept_with_the_person_and_before_that_with_the_browser(head, desk):
    stranger = Client()
    stranger.post(reverse("language"), {"language": "en", "next": "/login/"})
    assert "Sign in" in stranger.get(reverse("login")).content.decode()
    answer = desk.post(reverse("language"), {"language": "en", "next": "https://evil.example/"})
    assert answer["location"] == reverse("home")
    head.refresh_from_db()
    assert head.language == "en"
    desk.post(reverse("language"), {"language": "klingon"})
    head.refresh_from_db()
    assert head.language == "zh-hans"


def test_a_person_changes_between_own_stores_only(desk, head, store, other_store, rival):
    Membership.objects.create(
        person=head,
        brand=store.brand,
        store=other_store,
        role="manager",
        since=NOON.date().replace(year=2020),
    )
    assert desk.post(reverse("choose-store"), {"store": rival.code}).status_code == 403
    assert desk.post(reverse("choose-store"), {"store": other_store.code})["location"] == reverse("today")
    assert other_store.name in desk.get(reverse("today")).content.decode()
    # There only a manager: the store head's page stays shut.
    assert desk.get(reverse("settings")).status_code == 403


HOURS = {
    "messages_from": "10:00", "messages_until": "18:00", "night_at": "05:00", "day_ends_at": "04:30", "brake_percent": "20",
}  # fmt: skip


def test_the_store_head_sets_the_hours(desk, store):
    assert desk.post(reverse("settings"), HOURS).status_code == 302
    store.refresh_from_db()
    assert (f"{store.messages_from:%H:%M}", f"{store.night_at:%H:%M}", store.brake_percent) == (
        "10:00",
        "05:00",
        20,
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"messages_until": "09:00"}, "最晚时间要在最早时间之后"),
        ({"night_at": "03:00"}, "评级要在营业日结束之后"),
        ({"brake_percent": "0"}, "form-error"),
        ({"brake_percent": "101"}, "form-error"),
        ({"messages_from": "noon"}, "form-error"),
    ],
)
def test_hours_that_cannot_be_meant_are_refused(desk, store, change, sentence):
    before = Store.objects.filter(pk=store.pk).values().get()
    answer = desk.post(reverse("settings"), HOURS | change)
    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert Store.objects.filter(pk=store.pk).values().get() == before


def test_a_key_is_shown_once_and_opens_until_it_is_revoked(desk, store):
    answer = desk.post(reverse("token-issue"), {"name": "前台收银机"})
    key = next(
        word
        for word in answer.content.decode().replace("<", " ").replace(">", " ").split()
        if word.startswith("shk_")
    )
    assert answer["cache-control"] == "no-store"
    assert machine_of(key).store == store
    assert key not in desk.get(reverse("settings")).content.decode()
    desk.post(reverse("token-revoke", args=[ApiToken.objects.get().pk]))
    assert machine_of(key) is None


def test_a_key_needs_a_name(desk):
    answer = desk.post(reverse("token-issue"), {"name": " "})
    assert (answer.status_code, "请写明是哪台设备" in answer.content.decode()) == (422, True)
    assert not ApiToken.objects.exists()


def test_head_office_reads_the_settings_of_each_store(store, other_store):
    client = Client()
    client.force_login(hire("boss", "老板", "hq", store, brand_wide=True))
    assert "短信最早发送" in client.get(reverse("settings")).content.decode()
    assert client.post(reverse("token-issue"), {"name": "x"}).status_code == 403


def test_a_form_that_waited_too_long_says_so(head):
    client = Client(enforce_csrf_checks=True)
    client.force_login(head)
    answer = client.post(reverse("logout"))
    assert (answer.status_code, "页面放得太久了" in answer.content.decode()) == (403, True)


def test_what_is_not_there_is_said_in_the_frame_of_the_house(desk):
    answer = desk.get("/no/such/page/")
    assert (answer.status_code, "没有找到" in answer.content.decode()) == (404, True)


def test_no_page_may_run_what_stands_in_it(desk):
    policy = desk.get(reverse("today"))["content-security-policy"]
    assert "script-src 'self'" in policy and "style-src 'self'" in policy and "unsafe" not in policy


def test_what_takes_forms_only_says_so_where_it_is_opened(desk):
    """Reloaded, or come back to after signing in: a sentence, whether the role may press the button or not."""
    for name in ("campaign-approve", "event-invite", "task-act", "complaint-act"):
        answer = desk.get(reverse(name, args=[1]))
        assert answer.status_code == 405, name
        assert "请回到原来的页面" in answer.content.decode(), name
    assert "请回到原来的页面" in desk.get(reverse("care-results-days")).content.decode()


def test_who_signs_in_after_pressing_a_button_comes_back_to_the_page_of_the_button(db):
    sent = Client(headers={"referer": "http://testserver/care/campaigns/7/?x=1"}).post(
        "/care/campaigns/7/approve/"
    )
    assert sent["location"] == "/login/?next=/care/campaigns/7/"
    strange = Client(headers={"referer": "http://evil.example/care/"}).post("/care/campaigns/7/approve/")
    assert strange["location"] == "/login/?next=/"
    assert Client().get("/tasks/?who=all")["location"] == "/login/?next=/tasks/%3Fwho%3Dall"


@pytest.mark.parametrize(
    "target", ["null", "10,000", "today", "[]", "//evil.example/", "https://evil.example/"]
)
def test_a_page_to_go_back_to_that_is_none_leads_to_the_ordinary_one(desk, target):
    answer = desk.post(reverse("list-read"), {"list": "x", "next": target})
    assert (answer.status_code, answer["location"]) == (302, reverse("list-briefing"))


@pytest.mark.parametrize("name", ["scheme-new", "scheme-compare", "outbox", "list-contacts"])
def test_a_nul_in_an_address_is_refused_with_a_sentence(desk, name):
    answer = desk.get(reverse(name) + "?from=a%00b&a=a%00b&b=x%00&on=%00")
    assert answer.status_code == 400
    assert "<h1>" in answer.content.decode()
