"""The desk's pages of guests, visits and files, through the test client."""

import uuid
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from common.birthdays import Birthday
from customers.imports.again import KEPT_FOR
from customers.imports.jobs import run_import
from customers.models import Consent, Customer, Patronage, Reveal, Visit
from customers.services.visits import VisitInput, record_visit
from ops.models import Job
from tests.cast import NOON, hire, put_on_file


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk(head) -> Client:
    return signed_in(head)


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def dine(store, guest, days_ago: int, fen: int = 10_000, *, late: bool = False) -> uuid.UUID:
    """A visit some days ago, logged on the day, or (late) only now."""
    number, when = uuid.uuid4(), NOON - timedelta(days=days_ago)
    record_visit(
        store=store, visit_id=number, entry="api", actor=None, at=NOON if late else when,
        visit=VisitInput(visited_at=when, amount_fen=fen, customer_id=guest.pk, party_size=2),
    )  # fmt: skip
    return number


def names(answer) -> list[str]:
    return [row.customer.name for row in answer.context["page"].rows]


# ---- finding -------------------------------------------------------------------------------------------------


def test_the_list_shows_who_came_last_first(desk, store, regular, lapsed, newcomer):
    dine(store, lapsed, 90)
    dine(store, regular, 2)
    assert names(desk.get(reverse("customers"))) == ["王建国", "李梅", "单晓东"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("8899", ["王建国"]),
        ("wjg", ["王建国"]),
        ("李", ["李梅"]),
        ("shan", ["单晓东"]),
        ("c002", ["李梅"]),
        ("zz", []),
    ],
)
def test_a_guest_is_found_in_many_ways(desk, regular, lapsed, newcomer, query, found):
    assert names(desk.get(reverse("customers"), {"q": query})) == found


def test_filters_narrow_the_list(desk, store, manager, regular, lapsed, newcomer, silent):
    dine(store, regular, 2)
    dine(store, lapsed, 90)
    Patronage.objects.filter(customer=regular).update(owner=manager)
    desk.post(reverse("customer-tag", args=[lapsed.pk]), {"word": "老乡"})

    def found(**ask: str) -> list[str]:
        return sorted(names(desk.get(reverse("customers"), ask)))

    assert found(lapsed="60") == ["李梅"]
    assert found(lapsed="never") == ["单晓东", "赵静"]
    assert found(owner=str(manager.pk)) == ["王建国"]
    assert found(owner="none") == ["单晓东", "李梅", "赵静"]
    assert found(tag="老乡") == ["李梅"]
    # Nonsense in an address narrows nothing.
    assert len(found(lapsed="1 OR 1", owner="-1", tier="<b>")) == 4


def test_the_month_of_a_lunar_birthday_is_the_month_in_which_it_is_greeted(desk, regular, silent):
    # The fifteenth of the eighth lunar month of 2026 is 25 September.
    assert names(desk.get(reverse("customers"), {"month": "9"})) == ["王建国"]
    assert names(desk.get(reverse("customers"), {"month": "8"})) == []
    assert names(desk.get(reverse("customers"), {"month": "6"})) == ["赵静"]


def test_pages_follow_each_other_without_a_gap(desk, store):
    for n in range(60):
        guest = put_on_file(store, f"客{n}")
        if n % 3:
            dine(store, guest, n % 7)
    seen, ask = [], {}
    while True:
        answer = desk.get(reverse("customers"), ask)
        seen += names(answer)
        if not answer.context["page"].next_cursor:
            break
        ask = {name: values[0] for name, values in parse_qs(answer.context["next"]).items()}
    assert (len(seen), len(set(seen))) == (60, 60)
    assert names(desk.get(reverse("customers"), {"cursor": "nonsense"})) == seen[:50]


def test_a_whole_number_never_stands_in_an_address(desk, regular):
    answer = desk.post(reverse("customers"), {"q": "138 1234 8899"})
    assert answer["location"] == reverse("customer", args=[regular.pk])
    assert desk.get(reverse("customers"), {"q": "13812348899"})["location"] == reverse("customers")
    short = desk.post(reverse("customers"), {"q": "8899"})["location"]
    assert parse_qs(urlsplit(short).query) == {"q": ["8899"]}


def test_digits_in_between_are_answered_with_what_to_do(desk, regular):
    answer = desk.post(reverse("customers"), {"q": "2348899"})
    assert "完整号码，或只输入最后四位" in answer.content.decode() and names(answer) == []


def test_a_number_of_the_brand_elsewhere_shows_a_masked_card(desk, other_store):
    guest = put_on_file(other_store, "钱学文", phone="13511112222")
    page = desk.post(reverse("customers"), {"q": "13511112222"}).content.decode()
    assert "钱**" in page and "钱学文" not in page
    assert reverse("customer", args=[guest.pk]) not in page


def test_an_unknown_number_offers_to_register_it(desk, store):
    page = desk.post(reverse("customers"), {"q": "13511112222"}).content.decode()
    assert "没有客人用这个号码" in page
    form = desk.post(reverse("customer-new"), {"begin": "1", "phone": "13511112222"})
    assert 'value="13511112222"' in form.content.decode()
    assert not Customer.objects.exists()


def test_nul_and_long_queries_do_no_harm(desk, store):
    assert desk.get(reverse("customers"), {"q": "a\x00b"}).status_code == 400
    assert desk.post(reverse("customers"), {"q": "x" * 500}, follow=True).status_code == 200


# ---- writing down --------------------------------------------------------------------------------------------

GUEST = {"name": "周敏", "phone": "135-1111-2222", "birthday": "八月十五", "birthday_calendar": "lunar", "married": "yes",
         "tags": "老乡；带孩子", "consent_sms": "yes", "allergies": "虾", "contact_phone": "13900001111", "contact_whose": "先生"}  # fmt: skip


def test_a_guest_is_put_on_file(desk, store, head):
    answer = desk.post(reverse("customer-new"), GUEST | {"owner": str(head.pk)})
    guest = Customer.objects.get(name="周敏")
    assert answer["location"] == reverse("customer", args=[guest.pk])
    assert guest.birthday == Birthday("lunar", None, 8, 15)
    assert (guest.married, guest.allergies) == (True, "虾")
    assert sorted(tag.word for tag in guest.tags.all()) == ["带孩子", "老乡"]
    assert [(c.given, c.source) for c in guest.consents.all()] == [(True, "desk")]
    assert sorted((p.kind, p.number) for p in guest.phones.all()) == [
        ("contact", "13900001111"),
        ("own", "13511112222"),
    ]
    assert guest.patronages.get().owner == head


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"name": ""}, "name", "必须填写"),
        ({"phone": "138"}, "phone", "位数不够"),
        ({"birthday": "2月30日", "birthday_calendar": ""}, "birthday", "没有 2-30 这一天"),
        ({"birthday": "八月十五", "birthday_calendar": ""}, "birthday", "公历还是农历"),
        ({"introduced_by": "nobody"}, "introduced_by", "没有找到这位介绍人"),
        ({"contact_phone": ""}, "contact_phone", "还要填电话"),
        ({"name": "a\x00b"}, "name", ""),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(desk, store, change, field, sentence):
    answer = desk.post(reverse("customer-new"), GUEST | change)
    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert "虾" in answer.content.decode()
    assert not Customer.objects.exists()


def test_errors_speak_the_persons_language(desk, head, store):
    head.language = "en"
    head.save()
    answer = desk.post(reverse("customer-new"), GUEST | {"phone": "138"})
    assert answer.context["form"].errors["phone"] == ["Too few digits; a mobile number has 11."]


def test_a_number_that_is_taken_names_its_owner(desk, regular):
    answer = desk.post(reverse("customer-new"), GUEST | {"phone": "13812348899"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert reverse("customer", args=[regular.pk]) in page and "王总" in page
    assert Customer.objects.count() == 1


def test_a_guest_of_another_store_is_linked_and_left_as_is(desk, store, other_store):
    there = put_on_file(other_store, "钱学文", phone="13511112222")
    page = desk.post(reverse("customer-new"), GUEST, follow=True).content.decode()
    assert "已经接到本店" in page and "钱学文" in page
    assert Customer.objects.get() == there
    assert {p.store for p in there.patronages.all()} == {store, other_store}


def test_the_introducer_is_named_by_number_phone_or_last_four(desk, store, regular, lapsed):
    for n, said in enumerate(("C001", "13812348899", "8899")):
        desk.post(reverse("customer-new"), {"name": f"新客{n}", "introduced_by": said})
        assert Customer.objects.get(name=f"新客{n}").introduced_by.get().introducer == regular


def test_an_introducer_whom_several_answer_to_is_asked_for_again(desk, store, regular):
    put_on_file(store, "王建军", phone="13712348899")
    answer = desk.post(reverse("customer-new"), {"name": "新客", "introduced_by": "8899"})
    assert "有几位客人都符合" in answer.content.decode()


def test_a_change_keeps_what_it_does_not_say_and_erases_what_was_cleared(desk, store, regular):
    page = desk.get(reverse("customer-edit", args=[regular.pk]))
    assert "138****8899" in page.content.decode() and "13812348899" not in page.content.decode()
    assert page.context["form"]["birthday"].value() == "1963-08-15"
    form = {name: page.context["form"][name].value() or "" for name in page.context["form"].fields}
    desk.post(reverse("customer-edit", args=[regular.pk]), form | {"salutation": "", "likes": "毛肚"})
    regular.refresh_from_db()
    assert (regular.salutation, regular.likes, regular.industry) == ("", "毛肚", "建材")
    assert regular.birthday == Birthday("lunar", 1963, 8, 15)
    assert regular.phones.get().number == "13812348899"


def test_changing_to_a_taken_number_changes_nothing(desk, regular, lapsed):
    answer = desk.post(reverse("customer-edit", args=[lapsed.pk]), {"name": "李梅梅", "phone": "13812348899"})
    assert answer.status_code == 422 and reverse("customer", args=[regular.pk]) in answer.content.decode()
    lapsed.refresh_from_db()
    assert (lapsed.name, lapsed.phones.get().number) == ("李梅", "13900001122")


# ---- one guest -----------------------------------------------------------------------------------------------


def test_the_page_says_allergies_first_and_hides_the_number(desk, store):
    guest = put_on_file(store, "周敏", phone="13511112222", allergies="花生", taboos="香菜", likes="毛肚")
    page = desk.get(reverse("customer", args=[guest.pk])).content.decode()
    assert page.index("花生") < page.index("香菜") < page.index("毛肚")
    assert "135****2222" in page and "13511112222" not in page


def test_head_office_is_told_that_there_are_allergies_not_which(store, hq):
    guest = put_on_file(store, "周敏", allergies="花生")
    page = signed_in(hq).get(reverse("customer", args=[guest.pk])).content.decode()
    assert "有过敏或忌口" in page and "花生" not in page


def test_a_profile_of_seven_fields_is_seven_eighths_complete(desk, store, regular):
    guest = put_on_file(
        store, "周敏", sex="f", phone="13511112222", address="x", industry="x", position="x", married=False
    )
    page = desk.get(reverse("customer", args=[guest.pk]))
    assert page.context["guest"].complete_percent == 87.5
    assert "7/8 项（87.5%）" in page.content.decode() and "出生年月日" in page.content.decode()
    assert "8/8 项（100%）" in desk.get(reverse("customer", args=[regular.pk])).content.decode()


def test_the_last_five_visits_are_shown_the_void_ones_as_void(desk, store, regular):
    numbers = [dine(store, regular, days, 10_000 + days * 100) for days in range(7)]
    desk.post(reverse("visit-void", args=[numbers[0]]), {"reason": "打错单"})
    page = desk.get(reverse("customer", args=[regular.pk]))
    assert [v.pk for v in page.context["guest"].visits] == numbers[:5]
    assert "打错单" in page.content.decode()
    assert page.context["patronage"].visits_total == 6


def test_a_visit_is_voided_with_a_reason_or_not_at_all(store, regular, manager, host):
    number = dine(store, regular, 1)
    client, back = signed_in(manager), reverse("customer", args=[regular.pk])
    client.post(reverse("visit-void", args=[number]), {"reason": " ", "next": back})
    assert Visit.objects.get().voided_at is None
    assert (
        client.post(reverse("visit-void", args=[number]), {"reason": "重复", "next": back})["location"]
        == back
    )
    assert Visit.objects.get().void_reason == "重复"
    assert "作废" not in signed_in(host).get(back).content.decode().replace("已作废", "")


def test_late_visits_wait_for_a_nod(desk, store, regular):
    number = dine(store, regular, 9, late=True)
    assert "确认计入" in desk.get(reverse("visits-held")).content.decode()
    assert Patronage.objects.get().visits_total == 0
    desk.post(reverse("visit-release", args=[number]))
    assert Patronage.objects.get().visits_total == 1
    assert "没有等待确认的消费" in desk.get(reverse("visits-held")).content.decode()


def test_tags_go_on_and_come_off_with_their_dates(desk, regular):
    where = reverse("customer-tag", args=[regular.pk])
    desk.post(where, {"word": "老乡"})
    desk.post(where, {"word": "老乡"})
    desk.post(where, {"word": "老乡", "act": "remove"})
    assert [(tag.word, tag.removed_at) for tag in regular.tags.all()] == [("老乡", NOON)]
    assert desk.post(where, {"word": ""}).status_code == 422


def test_consent_is_given_and_withdrawn(desk, newcomer):
    where = reverse("customer-consent", args=[newcomer.pk])
    for given in ("yes", "yes", "no"):
        with time_machine.travel(NOON + timedelta(minutes=Consent.objects.count() + 1), tick=False):
            desk.post(where, {"given": given})
    assert [c.given for c in newcomer.consents.order_by("at")] == [True, False]
    assert desk.post(where, {"given": "perhaps"}).status_code == 422


def test_a_number_is_revealed_for_a_reason_that_is_kept(desk, regular, head):
    phone = regular.phones.get()
    where = reverse("customer-reveal", args=[regular.pk, phone.pk])
    assert "13812348899" not in desk.post(where, {"reason": " "}).content.decode()
    assert not Reveal.objects.exists()
    answer = desk.post(where, {"reason": "回电"})
    assert "13812348899" in answer.content.decode() and answer["cache-control"] == "no-store"
    assert [(r.reason, r.person) for r in Reveal.objects.all()] == [("回电", head)]


def test_another_guests_phone_is_not_revealed_through_this_guest(desk, regular, lapsed):
    where = reverse("customer-reveal", args=[regular.pk, lapsed.phones.get().pk])
    assert desk.post(where, {"reason": "回电"}).status_code == 404
    assert not Reveal.objects.exists()


def test_a_guest_is_given_to_a_colleague_of_this_store_only(desk, regular, manager, other_store):
    outsider = hire("out", "外人", "manager", other_store)
    where = reverse("customer-owner", args=[regular.pk])
    desk.post(where, {"owner": str(outsider.pk)})
    assert Patronage.objects.get().owner is None
    desk.post(where, {"owner": str(manager.pk)})
    assert Patronage.objects.get().owner == manager


def test_a_guest_who_is_registered_twice_is_one(desk, store):
    desk.post(reverse("customer-new"), GUEST)
    assert desk.post(reverse("customer-new"), GUEST).status_code == 422
    assert Customer.objects.count() == 1


# ---- files ---------------------------------------------------------------------------------------------------


def upload(client: Client, content: str, kind: str = "customers") -> Job:
    file = SimpleUploadedFile("guests.csv", content.encode(), content_type="text/csv")
    answer = client.post(reverse("imports"), {"kind": kind, "file": file})
    assert answer.status_code == 302, answer.content.decode()
    job = Job.objects.latest("id")
    assert answer["location"] == reverse("import-job", args=[job.pk])
    return job


GOOD = "客户编号,姓名,手机\nX1,郑国强,13511112222\nX2,冯丽,13511113333\n"
MIXED = "客户编号,姓名,手机\nX1,郑国强,13511112222\nX2,,138\n"


def test_a_file_is_tried_first_and_then_brought_in(desk, store):
    job = upload(desk, GOOD)
    assert "排队中" in desk.get(reverse("import-job", args=[job.pk])).content.decode()
    run_import(job.pk, NOON)
    page = desk.get(reverse("import-job", args=[job.pk])).content.decode()
    assert "没有发现问题" in page and "正式写入" in page
    assert not Customer.objects.exists()
    again = desk.post(reverse("import-job", args=[job.pk]), {"apply": "all"})
    earnest = Job.objects.latest("id")
    assert (earnest.pk > job.pk, again["location"]) == (True, reverse("import-job", args=[earnest.pk]))
    run_import(earnest.pk, NOON)
    assert sorted(Customer.objects.values_list("name", flat=True)) == ["冯丽", "郑国强"]
    # The file went along: it cannot be brought in twice.
    desk.post(reverse("import-job", args=[job.pk]), {"apply": "all"})
    assert Job.objects.count() == 2


def test_faults_are_told_row_by_row_and_the_good_rows_may_go_in(desk, store):
    job = upload(desk, MIXED)
    run_import(job.pk, NOON)
    page = desk.get(reverse("import-job", args=[job.pk])).content.decode()
    assert "没有写入任何内容" in page and "这一格必须填写" in page and "位数不够" in page
    desk.post(reverse("import-job", args=[job.pk]), {"apply": "good"})
    earnest = Job.objects.latest("id")
    run_import(earnest.pk, NOON)
    assert [c.name for c in Customer.objects.all()] == ["郑国强"]
    rest = desk.get(reverse("import-job", args=[earnest.pk]), {"rest": "1"})
    assert rest["content-type"].startswith("text/csv") and "X2" in rest.content.decode()


def test_a_tried_file_is_let_go_after_a_day(desk, store):
    job = upload(desk, GOOD)
    run_import(job.pk, NOON)
    with time_machine.travel(NOON + KEPT_FOR + timedelta(minutes=1), tick=False):
        page = desk.post(reverse("import-job", args=[job.pk]), {"apply": "all"}, follow=True)
        assert "只保留一天" in page.content.decode()
        upload(desk, GOOD)
    job.refresh_from_db()
    assert job.payload is None
    assert Job.objects.count() == 2


def test_a_file_that_is_no_table_is_refused_in_words(desk, store):
    job = upload(desk, "<html><body>登录</body></html>")
    run_import(job.pk, NOON)
    assert "这个文件其实是网页" in desk.get(reverse("import-job", args=[job.pk])).content.decode()


def test_a_form_without_a_file_says_so(desk, store):
    answer = desk.post(reverse("imports"), {"kind": "customers"})
    assert (answer.status_code, "请选一个文件" in answer.content.decode()) == (422, True)


def test_the_progress_is_polled_and_ends_on_the_page(desk, store):
    job = upload(desk, GOOD)
    where = reverse("import-job", args=[job.pk])
    waiting = desk.get(where, {"poll": "1"}, headers={"HX-Request": "true"})
    assert "every 1s" in waiting.content.decode() and "<html" not in waiting.content.decode()
    run_import(job.pk, NOON)
    assert desk.get(where, {"poll": "1"}, headers={"HX-Request": "true"})["HX-Redirect"] == where
