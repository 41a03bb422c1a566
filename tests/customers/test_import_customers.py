"""A file of guests against the guests on file: new, known, known elsewhere, in dispute."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from common.birthdays import Birthday
from customers.imports.service import import_customers
from customers.models import Consent, Customer, Introduction, Patronage, Phone, ProfileGap, Tag
from customers.services.customers import add_contact_number, add_tag
from staff.models import Membership, Role, Store
from tests.cast import NOON, hire, put_on_file
from tests.customers.importing import bring_bills, bring_guests, contents, done, faults

LATER = NOON + timedelta(days=1)
EVERYTHING = (
    "客户编号|姓名|手机|性别|生日|历法|地址|行业|职位|婚否|标签|负责人|短信同意|介绍人|建档日期",
    "C001|王建国|13812348899|男|1963-08-15|农历|滨江路1号|建材|总经理|是|老客;海鲜|小赵|是||2020-01-05",
    "C002|李梅|13900001122|女|1985-06-21|公历|||||||否|C001|",
    "|张三|13700003344|||||||||小赵||13900001122|",
)


def guest(store: Store, number: str) -> Customer:
    return Customer.objects.get(patronages__store=store, patronages__external_id=number)


def own_phone(customer: Customer) -> str:
    return Phone.objects.get(customer=customer, kind="own").number


def tags(customer: Customer) -> set[str]:
    return set(Tag.objects.filter(customer=customer, removed_at=None).values_list("word", flat=True))


# ---- new guests ----------------------------------------------------------------------------------


def test_a_new_guest_is_put_on_file_with_everything_said(store, waiter, manager, at):
    report = bring_guests(store, *EVERYTHING, actor=manager)
    assert (report.rows, done(report), report.errors, report.applied) == (3, {"created": 3}, [], True)
    wang, li = guest(store, "C001"), guest(store, "C002")
    assert (wang.name, wang.sex, wang.address, wang.industry, wang.position, wang.married) == (
        "王建国", "m", "滨江路1号", "建材", "总经理", True,
    )  # fmt: skip
    assert wang.birthday == Birthday("lunar", 1963, 8, 15)
    assert li.birthday == Birthday("solar", 1985, 6, 21)
    assert (wang.brand_id, wang.created_at, wang.created_by) == (store.brand_id, at, manager)
    assert own_phone(wang) == "13812348899"
    patronage = Patronage.objects.get(store=store, customer=wang)
    assert (patronage.since, patronage.owner, patronage.visits_total) == (date(2020, 1, 5), waiter, 0)
    assert Patronage.objects.get(store=store, customer=li).since == date(2026, 6, 20)
    assert tags(wang) == {"老客", "海鲜"}
    told = [
        (c.customer.name, c.given, c.source, c.at, c.purpose, c.store_id, c.recorded_by_id)
        for c in Consent.objects.order_by("id")
    ]
    assert told == [
        ("王建国", True, "import", at, "sms", store.pk, manager.pk),
        ("李梅", False, "import", at, "sms", store.pk, manager.pk),
    ]


def test_a_guest_without_a_number_gets_one(store, waiter):
    bring_guests(store, *EVERYTHING)
    zhang = Customer.objects.get(name="张三")
    assert Patronage.objects.get(customer=zhang).external_id == f"G-{zhang.pk}"


def test_a_number_that_looks_minted_but_is_another_guests_is_not_given_twice(store):
    upcoming = put_on_file(store, "先来").pk + 2
    report = bring_guests(store, "客户编号|姓名|手机", f"G-{upcoming}|甲|", "|乙|13700003344")
    assert done(report) == {"created": 2}
    numbers = {p.customer.name: p.external_id for p in Patronage.objects.select_related("customer")}
    assert numbers["甲"] == f"G-{upcoming}"
    assert numbers["乙"] == f"G-{upcoming}-{store.pk}"


def test_introductions_point_into_the_file_and_into_the_store(store, waiter, newcomer):
    bring_guests(store, *EVERYTHING)
    bring_guests(store, "客户编号|姓名|介绍人", "C9|赵六|C003", "C8|钱七|137 0000 3344")
    who = {
        (i.introducer.name, i.customer.name)
        for i in Introduction.objects.filter(voided_at=None).select_related("customer", "introducer")
    }
    # C003 has the phone 13700003344, so the third row of the first file meant him and nobody new.
    assert who == {
        ("王建国", "李梅"), ("李梅", newcomer_name(store)), (newcomer_name(store), "赵六"),
        (newcomer_name(store), "钱七"),
    }  # fmt: skip


def newcomer_name(store: Store) -> str:
    return guest(store, "C003").name


def test_new_guests_are_found_by_search_and_miss_what_was_not_said(store, waiter, at):
    bring_guests(store, *EVERYTHING)
    li = guest(store, "C002")
    assert {f"{store.pk}:limei", f"{store.pk}:lm", f"{store.pk}:1122", f"{store.pk}:c002"} <= set(
        li.search_keys
    )
    assert li.name_key.startswith("li mei")
    gaps = ProfileGap.objects.filter(customer=li, filled_at=None)
    assert {(g.field, g.missing_from) for g in gaps} == {
        ("address", at), ("industry", at), ("position", at), ("married", at),
    }  # fmt: skip
    assert not ProfileGap.objects.filter(customer=guest(store, "C001")).exists()


def test_a_phone_is_nowhere_in_the_database_in_clear(store, waiter):
    bring_guests(store, *EVERYTHING)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', ["%13812348899%"])
            assert cursor.fetchone() == (0,), table


# ---- again ---------------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing(store, waiter):
    bring_guests(store, *EVERYTHING)
    before = contents()
    report = bring_guests(store, *EVERYTHING, at=LATER)
    assert done(report) == {"unchanged": 3}
    assert contents() == before


def test_the_same_row_twice_in_a_file_is_one_guest(store):
    report = bring_guests(store, "客户编号|姓名", "C1|王", "C2|李", "C1|王")
    assert (report.rows, done(report)) == (3, {"created": 2, "repeated": 1})


def test_a_dry_run_says_the_same_and_writes_nothing(store, waiter, lapsed):
    before = contents()
    report = bring_guests(store, *EVERYTHING, dry_run=True)
    assert contents() == before
    assert (done(report), report.applied, report.dry_run) == ({"created": 2, "updated": 1}, False, True)
    assert done(bring_guests(store, *EVERYTHING)) == done(report)


# ---- guests of this store ------------------------------------------------------------------------


def test_the_file_wins_for_a_guest_of_this_store_and_blanks_take_nothing_away(store, regular):
    report = bring_guests(
        store,
        "客户编号|姓名|手机|性别|地址|行业|职位|婚否|生日",
        "C001|王健国|13812340000||城西路9号||董事长||1963-08-16",
        at=LATER,
    )
    assert done(report) == {"updated": 1}
    wang = guest(store, "C001")
    assert wang.pk == regular.pk
    assert (wang.name, wang.sex, wang.address, wang.industry, wang.position, wang.married) == (
        "王健国", "m", "城西路9号", "建材", "董事长", True,
    )  # fmt: skip
    assert wang.birthday == Birthday("solar", 1963, 8, 16)
    assert wang.salutation == "王总"
    assert own_phone(wang) == "13812340000"
    assert Phone.objects.filter(customer=wang).count() == 1
    assert f"{store.pk}:0000" in wang.search_keys and f"{store.pk}:8899" not in wang.search_keys


def test_a_birthday_without_its_year_does_not_take_the_known_year_away(store, regular):
    report = bring_guests(store, "客户编号|姓名|生日|历法", "C001|王建国|08-15|农历")
    assert done(report) == {"unchanged": 1}
    assert guest(store, "C001").birth_year == 1963
    bring_guests(store, "客户编号|姓名|生日|历法", "C001|王建国|1964-08-15|农历")
    assert guest(store, "C001").birth_year == 1964


def test_a_guest_is_known_by_phone_where_no_number_is_said(store, lapsed):
    report = bring_guests(store, "姓名|手机|地址", "李梅|139-0000-1122|城西路9号")
    assert done(report) == {"updated": 1}
    assert guest(store, "C002").address == "城西路9号"


def test_a_minted_number_gives_way_to_the_number_of_the_file(store):
    zhang = put_on_file(store, "张三", phone="13700003344")
    report = bring_guests(store, "客户编号|姓名|手机", "K77|张三|13700003344")
    assert done(report) == {"updated": 1}
    assert guest(store, "K77") == zhang
    assert f"{store.pk}:k77" in guest(store, "K77").search_keys


def test_owner_and_day_on_file_follow_the_file(store, regular, waiter, host):
    bring_guests(store, "客户编号|姓名|负责人|建档日期", "C001|王建国|xiaozhao|2019-03-01")
    patronage = Patronage.objects.get(customer=regular)
    assert (patronage.owner, patronage.since) == (waiter, date(2019, 3, 1))
    bring_guests(store, "客户编号|姓名|负责人", "C001|王建国|小梅")
    patronage.refresh_from_db()
    assert (patronage.owner, patronage.since) == (host, date(2019, 3, 1))


def test_tags_are_added_and_none_is_taken_off(store, regular, at):
    add_tag(customer=regular, word="老客", actor=None, at=at)
    report = bring_guests(store, "客户编号|姓名|标签", "C001|王建国|海鲜;老客", at=LATER)
    assert done(report) == {"updated": 1}
    assert tags(regular) == {"老客", "海鲜"}
    assert Tag.objects.get(customer=regular, word="老客").added_at == at


def test_an_undated_yes_in_a_file_does_not_undo_a_no_told_at_the_desk(store, regular, silent):
    report = bring_guests(store, "客户编号|姓名|短信同意", "C001|王建国|是", "C004|赵静|是", at=LATER)
    assert done(report) == {"unchanged": 2}
    assert Consent.objects.filter(customer=regular).count() == 1
    assert list(Consent.objects.filter(customer=silent).values_list("given", "source")) == [(False, "desk")]


def test_a_consent_is_written_only_where_it_differs_and_a_file_may_correct_a_file(store, regular):
    """No in one file, yes in a later one: the file's own statement may change; the no always counts at once."""
    for hours, word in ((0, "否"), (1, "否"), (2, "是")):
        bring_guests(
            store, "客户编号|姓名|短信同意", f"C001|王建国|{word}", at=LATER + timedelta(hours=hours)
        )
    assert list(Consent.objects.filter(customer=regular).order_by("at").values_list("given", "source")) == [
        (True, "desk"), (False, "import"), (True, "import"),
    ]  # fmt: skip


def test_the_consent_of_a_contact_person_is_not_the_guests_own(store, newcomer, at):
    wife = add_contact_number(customer=newcomer, phone="13611112222", whose="妻子", at=at)
    Consent.objects.create(
        customer=newcomer, phone=wife, given=True, at=at, source="desk", store=store, recorded_at=at
    )
    assert done(bring_guests(store, "客户编号|姓名|短信同意", "C003|单晓东|是")) == {"updated": 1}
    assert Consent.objects.filter(customer=newcomer, phone=None).count() == 1


def test_another_introducer_takes_the_earlier_one_back(store, regular, lapsed, newcomer):
    bring_guests(store, "客户编号|姓名|介绍人", "C003|单晓东|C001")
    bring_guests(store, "客户编号|姓名|介绍人", "C003|单晓东|C002", at=LATER)
    rows = Introduction.objects.order_by("id").values_list("introducer__name", "recorded_at", "voided_at")
    assert list(rows) == [("王建国", NOON, LATER), ("李梅", LATER, None)]


def test_a_contact_number_becomes_the_guests_own(store, newcomer, at):
    add_contact_number(customer=newcomer, phone="13611112222", whose="妻子", at=at)
    report = bring_guests(store, "客户编号|姓名|手机", "C003|单晓东|13611112222")
    assert done(report) == {"updated": 1}
    assert [(p.kind, p.number) for p in Phone.objects.filter(customer=newcomer)] == [("own", "13611112222")]


def test_a_contact_number_of_another_guest_does_not_make_the_row_that_guest(store, newcomer, at):
    add_contact_number(customer=newcomer, phone="13611112222", whose="妻子", at=at)
    report = bring_guests(store, "客户编号|姓名|手机", "C9|单太太|13611112222")
    assert done(report) == {"created": 1}
    assert guest(store, "C9") != newcomer


def test_a_filled_gap_is_closed_at_the_moment_of_the_file(store, lapsed):
    bring_guests(store, "客户编号|姓名|行业", "C002|李梅|餐饮", at=LATER)
    gap = ProfileGap.objects.get(customer=lapsed, field="industry")
    assert (gap.missing_from, gap.filled_at) == (NOON, LATER)


# ---- guests of the brand -------------------------------------------------------------------------


def test_a_guest_of_another_store_is_linked_and_only_what_was_not_known_is_filled(
    store, other_store, regular
):
    report = bring_guests(
        other_store,
        "客户编号|姓名|手机|性别|地址|职位|生日|标签|建档日期",
        "K1|王某某|13812348899|女|别处1号|跑堂|1990-01-01|常客|2024-05-01",
    )
    assert done(report) == {"linked": 1}
    assert Customer.objects.count() == 1
    wang = guest(other_store, "K1")
    assert (wang.pk, wang.name, wang.sex, wang.address, wang.position) == (
        regular.pk, "王建国", "m", "滨江路1号", "总经理",
    )  # fmt: skip
    assert wang.birthday == Birthday("lunar", 1963, 8, 15)
    assert tags(wang) == {"常客"}
    assert Patronage.objects.get(store=other_store).since == date(2024, 5, 1)
    assert f"{other_store.pk}:wangjianguo" in wang.search_keys
    before = contents()
    again = bring_guests(
        other_store, "客户编号|姓名|手机|标签|建档日期", "K1|王建国|13812348899|常客|2024-05-01", at=LATER
    )
    assert done(again) == {"unchanged": 1}
    assert contents() == before


def test_linking_fills_what_was_empty(store, other_store, lapsed):
    bring_guests(other_store, "姓名|手机|地址|婚否|生日", "李梅|13900001122|城西路9号|否|1985-06-21")
    li = Customer.objects.get(pk=lapsed.pk)
    assert (li.address, li.married, li.birthday) == ("城西路9号", False, Birthday("solar", 1985, 6, 21))
    assert Patronage.objects.get(store=other_store).external_id == f"G-{li.pk}"


def test_the_same_number_in_another_store_is_another_guest(store, other_store, regular):
    assert done(bring_guests(other_store, "客户编号|姓名", "C001|周杰")) == {"created": 1}
    assert guest(other_store, "C001") != regular
    assert guest(store, "C001") == regular


def test_another_brand_knows_nobody_of_ours(store, rival, regular):
    assert done(bring_guests(rival, "姓名|手机", "王建国|13812348899")) == {"created": 1}
    assert Customer.objects.filter(name="王建国").count() == 2


# ---- in dispute ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["C001|王建国|13900001122||"], [(2, "手机", "phone_of_other_guest")]),
        (["C9|新来|13812348899||"], [(2, "手机", "phone_has_other_number")]),
        (["C9|甲|13511110000||", "C8|乙|135 1111 0000||"], [(3, "手机", "row_repeats_phone")]),
        (["C9|甲|||", "C9|乙|||"], [(3, "客户编号", "row_repeats_number")]),
        (["C001|王建国|13512121212||", "|王建国|13812348899||"], [(3, "手机", "row_same_guest")]),
        (["C9|甲||没这人|"], [(2, "负责人", "owner_not_found")]),
        (["C9|甲||小王|"], [(2, "负责人", "owner_several")]),
        (["C9|甲||wu|"], [(2, "负责人", "owner_not_found")]),
        (["C9|甲||gone|"], [(2, "负责人", "owner_not_found")]),
        (["C9|甲|||C777"], [(2, "介绍人", "introducer_not_found")]),
        (["C9|甲|||13512121212"], [(2, "介绍人", "introducer_not_found")]),
        (["C9|甲|||C9"], [(2, "介绍人", "introducer_is_self")]),
        (["C001|王建国|||13812348899"], [(2, "介绍人", "introducer_is_self")]),
        (["C9|甲|||K5"], [(2, "介绍人", "introducer_not_found")]),
        (["C9|甲|1234||", "C8|乙|||C9"], [(2, "手机", "phone_too_short")]),
    ],
)
def test_a_row_in_dispute_keeps_the_whole_file_out(
    store, other_store, stranger, regular, lapsed, rows: list[str], expected: list[tuple[int, str, str]]
):
    put_on_file(other_store, "别店客人", external_id="K5")
    hire("wang1", "小王", Role.WAITER, store)
    hire("wang2", "小王", Role.WAITER, store)
    gone = hire("gone", "走了", Role.WAITER, store)
    Membership.objects.filter(person=gone).update(until=date(2026, 6, 19))
    before = contents()
    good = "C50|好客人|13588880000||"
    report = bring_guests(store, "客户编号|姓名|手机|负责人|介绍人", *rows, good)
    assert faults(report) == expected
    assert (done(report), report.is_refused, report.applied) == ({"refused": len(expected)}, True, False)
    assert contents() == before


def test_what_is_said_of_a_dispute_names_the_row_and_no_phone(store, regular):
    report = bring_guests(
        store, "客户编号|姓名|手机|介绍人", "C9|甲|13812348899|", "C8|乙|13511110000|", "C7|丙|13511110000|",
        "C6|丁||13599998888",
    )  # fmt: skip
    messages = [error["message"] for error in report.as_dict()["errors"]]
    assert messages == [
        "这个手机号的客人在本店的编号是 C001，与这一行不同。",
        "这个手机号在第 3 行已经出现。",
        "介绍人“135****8888”不是本店的客人，也不在这个文件里。",
    ]


def test_a_person_who_left_or_was_switched_off_owns_nobody_and_the_head_office_may(store, hq, waiter):
    waiter.is_active = False
    waiter.save()
    assert faults(bring_guests(store, "客户编号|姓名|负责人", "C1|甲|小赵")) == [
        (2, "负责人", "owner_not_found")
    ]
    assert done(bring_guests(store, "客户编号|姓名|负责人", "C1|甲|总部老板")) == {"created": 1}


def test_of_many_faults_two_hundred_are_listed_and_the_others_counted(store):
    report = bring_guests(store, "客户编号|姓名", *(f"C{n}|" for n in range(205)))
    assert (len(report.errors), report.more_errors, report.counts["refused"]) == (200, 5, 205)
    assert Customer.objects.count() == 0


# ---- the good rows -------------------------------------------------------------------------------


def test_the_good_rows_are_taken_and_the_others_come_back_with_the_reason(store, lapsed):
    rows = (
        "客户编号|姓名|手机|积分|介绍人",
        "C1|甲|13511110000|5|",
        "C2|乙|1.38E+10|6|",
        "C3|丙||7|C2",
        "C4|丁||8|C3",
        "C5|戊||=1+1|C1",
        "C6||139||",
        "C2|己|||",
    )
    report = bring_guests(store, *rows, accept_good_rows=True)
    assert done(report) == {"created": 3, "refused": 4}
    assert report.applied and not report.is_refused
    assert faults(report) == [
        (3, "手机", "phone_scientific"),
        (4, "介绍人", "introducer_refused"),
        (5, "介绍人", "introducer_refused"),
        (7, "姓名", "cell_missing"),
        (7, "手机", "phone_too_short"),
    ]
    assert set(Patronage.objects.values_list("external_id", flat=True)) == {"C002", "C1", "C5", "C2"}
    assert guest(store, "C2").name == "己"
    lines = report.rest.lstrip("\ufeff").split("\r\n")
    assert lines[0] == "客户编号,姓名,手机,积分,介绍人,原因"
    assert [line.split(",")[0] for line in lines[1:]] == ["C2", "C3", "C4", "C6", ""]
    assert "科学计数法" in lines[1]
    assert lines[2] == "C3,丙,,7,C2,介绍人: 介绍人在第 3 行，那一行不能导入。"


def test_the_rest_can_be_mended_and_brought_again(store):
    report = bring_guests(store, "客户编号|姓名|手机", "C1|甲|", "C2|=乙|12", accept_good_rows=True)
    assert "'=乙" in report.rest
    mended = report.rest.replace(",12,", ",13511110000,").encode()
    again = import_customers(store=store, source=mended, filename="rest.csv", actor=None, at=LATER)
    assert (done(again), again.unknown_columns) == ({"created": 1}, ())
    assert guest(store, "C2").name == "=乙"


# ---- the store's day -----------------------------------------------------------------------------


def test_the_day_on_file_is_the_business_day_of_the_store(store):
    bring_guests(store, "客户编号|姓名", "C1|甲", at=datetime(2026, 6, 20, 19, 30, tzinfo=UTC))
    assert Patronage.objects.get().since == date(2026, 6, 20)  # 03:30 on the 21st, before the day ends


def test_guests_of_a_file_can_have_bills_at_once(store):
    bring_guests(store, "客户编号|姓名", "C1|甲")
    assert done(bring_bills(store, "客户编号|消费时间|金额", "C1|2026-06-01|10")) == {"created": 1}


def test_an_employer_is_brought_kept_where_not_said_and_changed(store):
    for line, kept, outcome in (
        ("C001|王建国|宏达公司", "宏达公司", {"created": 1}),
        ("C001|王建国|", "宏达公司", {"unchanged": 1}),
        ("C001|王建国|远大公司", "远大公司", {"updated": 1}),
    ):
        assert done(bring_guests(store, "客户编号|姓名|工作单位", line)) == outcome
        assert guest(store, "C001").employer == kept


# ---- what a guest needs, and the preferred channel -----------------------------------------------------------


NEEDY = (
    "客户编号|姓名|手机|要准备|首选联系方式",
    "C001|王建国|13812348899|轮椅;儿童椅|微信",
    "N1|郑国强|13511112222|有老人|card",
)


def test_needs_and_the_preferred_channel_of_a_file_are_what_the_profile_says(store, regular, head):
    assert done(bring_guests(store, *NEEDY)) == {"created": 1, "updated": 1}
    regular.refresh_from_db()
    fresh = Customer.objects.get(name="郑国强")
    assert (regular.needs, regular.preferred_channel) == (["child_seat", "wheelchair"], "wechat")
    assert (fresh.needs, fresh.preferred_channel) == (["elderly"], "card")
    client = Client()
    client.force_login(head)
    told = client.get(f"/api/v1/customers/{fresh.pk}/").json()
    assert (told["needs"], told["preferred_channel"]) == (["elderly"], "card")
    page = client.get(reverse("customer", args=[regular.pk])).content.decode()
    assert "儿童椅、轮椅" in page and "微信" in page


def test_what_was_told_comes_back_in_as_no_change_and_blanks_take_nothing(store, regular):
    bring_guests(store, *NEEDY)
    before = contents()
    assert done(bring_guests(store, *NEEDY)) == {"unchanged": 2}
    told = Customer.objects.order_by("pk").values_list(
        "patronages__external_id", "name", "needs", "preferred_channel"
    )
    back = [f"{number}|{name}|{';'.join(needs)}|{channel}" for number, name, needs, channel in told]
    assert done(bring_guests(store, "external_id|name|needs|preferred_channel", *back)) == {"unchanged": 2}
    assert done(bring_guests(store, NEEDY[0], "C001|王建国|13812348899||")) == {"unchanged": 1}
    assert contents() == before
    assert done(bring_guests(store, NEEDY[0], "C001|王建国|13812348899|有老人|")) == {"updated": 1}
    regular.refresh_from_db()
    assert (regular.needs, regular.preferred_channel) == (["elderly"], "wechat")


def test_another_store_says_only_what_the_brand_did_not_know(store, other_store, regular, newcomer):
    bring_guests(store, *NEEDY)
    rows = ("X1|王总|13812348899|有老人|电话", "X2|单晓东|13700003344|有老人|电话")
    assert done(bring_guests(other_store, NEEDY[0], *rows)) == {"linked": 2}
    regular.refresh_from_db(), newcomer.refresh_from_db()
    assert (regular.needs, regular.preferred_channel) == (["child_seat", "wheelchair"], "wechat")
    assert (newcomer.needs, newcomer.preferred_channel) == (["elderly"], "phone")


def test_a_row_with_a_need_that_is_none_brings_nothing_in(store):
    before = contents()
    report = bring_guests(store, *NEEDY, "N2|冯丽|13511113333|桑拿|飞鸽")
    assert faults(report) == [(4, "要准备", "word_not_allowed"), (4, "首选联系方式", "word_not_allowed")]
    assert contents() == before
