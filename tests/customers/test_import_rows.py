"""What a row of a file says, cell by cell; no database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.birthdays import Birthday
from common.cells import TableError
from common.messages import sentence
from common.tables import read_table
from customers.imports import sentences  # noqa: F401
from customers.imports.rows import (
    CHANNELS,
    NEEDS,
    OCCASIONS,
    PREFERRED,
    CustomerRow,
    VisitRow,
    customer_headers,
    customer_rows,
    parse_dishes,
    visit_headers,
    visit_rows,
)
from customers.models import Need
from customers.models.customer import Preferred
from customers.models.visit import Channel, Occasion
from tests.cast import NOON
from tests.customers.importing import sheet

SHANGHAI = ZoneInfo("Asia/Shanghai")


def guests(*rows: str):
    table = read_table(sheet(*rows), "a.csv")
    return list(customer_rows(table, customer_headers(table), today=date(2026, 6, 20)))


def bills(*rows: str):
    table = read_table(sheet(*rows), "a.csv")
    return list(visit_rows(table, visit_headers(table), zone=SHANGHAI, at=NOON))


def test_every_column_of_a_guest_in_chinese():
    [(row, faults)] = guests(
        "建档日期|介绍人|短信同意|负责人|标签|婚否|职位|工作单位|行业|地址|历法|生日|性别|手机|姓名|客户编号",
        "2020/1/5|138-1234-8899|同意|小赵|老客；邻居、海鲜;老客|已婚|总经理|宏达公司|建材|滨江路1号|农历|1963-8-15|男|"
        "１３８ ０００１ １１２２|王建国|C001",
    )
    assert faults == []
    assert row == CustomerRow(
        row=2,
        external_id="C001",
        name="王建国",
        phone="13800011122",
        sex="m",
        birthday=Birthday("lunar", 1963, 8, 15),
        address="滨江路1号",
        industry="建材",
        employer="宏达公司",
        position="总经理",
        married=True,
        tags=("老客", "邻居", "海鲜"),
        owner="小赵",
        consent_sms=True,
        introduced_by="138-1234-8899",
        introduced_by_phone="13812348899",
        created_on=date(2020, 1, 5),
    )


def test_every_column_of_a_guest_in_english():
    [(row, faults)] = guests(
        "Name|external id|PHONE|sex|birthday|birthday_calendar|married|tags|consent_sms|introduced_by|created_on",
        "Wang|C1|+852 9123 4567|female|08-15|lunar|no|vip,sea view|no|C7|2020-01-05",
    )
    assert faults == []
    assert row == CustomerRow(
        row=2,
        external_id="C1",
        name="Wang",
        phone="+85291234567",
        sex="f",
        birthday=Birthday("lunar", None, 8, 15),
        married=False,
        tags=("vip", "sea view"),
        consent_sms=False,
        introduced_by="C7",
        created_on=date(2020, 1, 5),
    )


def test_blank_cells_and_absent_columns_say_nothing():
    assert guests("客户编号|姓名|性别|生日|婚否|标签", "C1|王||||") == [
        (CustomerRow(row=2, external_id="C1", name="王"), [])
    ]


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("手机", "1.38E+10", "phone_scientific"),
        ("手机", "138****8899", "phone_masked"),
        ("手机", "1381234", "phone_too_short"),
        ("手机", "5551234", "phone_no_area_code"),
        ("手机", "13812348899 13900001122", "phone_several"),
        ("性别", "公", "sex_unreadable"),
        ("生日", "1990/2/30", "birthday_no_such_day"),
        ("生日", "44927", "birthday_serial"),
        ("生日", "八月十五", "birthday_calendar_unclear"),
        ("生日", "2030-01-01", "birthday_future"),
        ("历法", "回历", "birthday_calendar_unreadable"),
        ("婚否", "也许", "yes_no_unreadable"),
        ("短信同意", "也许", "yes_no_unreadable"),
        ("建档日期", "2026-06-21", "day_ahead"),
        ("建档日期", "昨天", "moment_unreadable"),
        ("地址", "路" * 201, "text_too_long"),
        ("职位", "经\x07理", "text_control"),
        ("标签", "很" * 41, "text_too_long"),
        ("标签", ";".join(f"t{n}" for n in range(51)), "too_many"),
        ("介绍人", "9" * 65, "text_too_long"),
    ],
)
def test_a_faulty_cell_of_a_guest_is_named_with_row_column_and_cause(column: str, cell: str, code: str):
    [(_, before), (row, faults)] = guests(f"客户编号|姓名|{column}", "C1|王|", f"C2|李|{cell}")
    assert before == []
    assert [(fault.row, fault.column, fault.code) for fault in faults] == [(3, column, code)]
    assert row.external_id == "C2"
    assert code not in sentence(code, faults[0].params)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("C1||13812348899", [("姓名", "cell_missing")]),
        ("|王|", [("客户编号", "who_missing")]),
        ("9.1E+17|王|", [("客户编号", "number_scientific")]),
        (f"{'C' * 65}|王|", [("客户编号", "text_too_long")]),
        (f"C1|{'王' * 81}|12", [("姓名", "text_too_long"), ("手机", "phone_too_short")]),
    ],
)
def test_who_the_guest_is_must_be_said(cells: str, expected: list[tuple[str, str]]):
    [(_, faults)] = guests("客户编号|姓名|手机", cells)
    assert [(fault.column, fault.code) for fault in faults] == expected


def test_every_column_of_a_bill():
    [(row, faults)] = bills(
        "备注|菜品|渠道|消费形式|台号|人数|金额(元)|消费时间|手机|客户编号|消费单号",
        "靠窗|红烧肉×2；米饭*3;茶|堂食|宴请|A1|4人|1.2万|2026年6月3日 下午7:30|13812348899|C001|B1",
    )
    assert faults == []
    assert row == VisitRow(
        row=2,
        external_id="B1",
        customer_external_id="C001",
        customer_phone="13812348899",
        visited_at=datetime(2026, 6, 3, 11, 30, tzinfo=UTC),
        amount_fen=1_200_000,
        party_size=4,
        table="A1",
        occasion="hosting",
        channel="dine_in",
        dishes=(("红烧肉", 2), ("米饭", 3), ("茶", 1)),
        note="靠窗",
    )


def test_a_time_with_an_offset_keeps_it_and_nobody_at_the_table_is_nobody_counted():
    [(row, faults)] = bills(
        "external_id|customer_phone|visited_at|amount|party_size|occasion|channel",
        "B1|13812348899|2026-06-03T19:30:00+09:00|0|0|BIRTHDAY|dine-in",
    )
    assert faults == []
    assert (row.visited_at, row.amount_fen, row.party_size) == (
        datetime(2026, 6, 3, 10, 30, tzinfo=UTC),
        0,
        None,
    )
    assert (row.occasion, row.channel) == ("birthday", "dine_in")


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("消费时间", "", "cell_missing"),
        ("消费时间", "2026-02-30 12:00", "moment_no_such_time"),
        ("消费时间", "46000.8125", "moment_serial"),
        ("消费时间", "昨晚", "moment_unreadable"),
        ("消费时间", "2026-06-21 12:00:01", "visit_too_far_ahead"),
        ("金额", "", "cell_missing"),
        ("金额", "-5", "amount_negative"),
        ("金额", "1000000.01", "amount_too_large"),
        ("金额", "1.005", "amount_too_precise"),
        ("金额", "免单", "amount_not_number"),
        ("客户编号", "", "who_missing"),
        ("客户编号", "6.9E+12", "number_scientific"),
        ("消费单号", "2.02606E+19", "number_scientific"),
        ("人数", "很多", "count_not_number"),
        ("人数", "2001", "count_too_large"),
        ("台号", "A" * 21, "text_too_long"),
        ("消费形式", "吃饭", "word_not_allowed"),
        ("渠道", "飞机", "word_not_allowed"),
        ("菜品", "可乐×", "dish_unreadable"),
        ("菜品", "可乐×-1", "dish_unreadable"),
        ("菜品", "可乐×0", "dish_unreadable"),
        ("备注", "长" * 1001, "text_too_long"),
    ],
)
def test_a_faulty_cell_of_a_bill_is_named_with_row_column_and_cause(column: str, cell: str, code: str):
    good = {"消费单号": "B1", "客户编号": "C1", "消费时间": "2026-06-01 12:00", "金额": "10"}
    said = good | {column: cell}
    [(row, faults)] = bills("|".join(said), "|".join(said.values()))
    assert row is None
    assert [(fault.row, fault.column, fault.code) for fault in faults] == [(2, column, code)]
    assert code not in sentence(code, faults[0].params)


def test_a_word_that_is_not_known_comes_with_the_words_that_are():
    [(_, [fault])] = bills("客户编号|消费时间|金额|渠道", "C1|2026-06-01|1|飞机")
    assert fault.params == {
        "text": "飞机",
        "allowed": "堂食 dine_in, 外带 takeaway, 外卖 delivery, 线上 online",
    }


def test_one_day_ahead_is_allowed():
    [(row, faults)] = bills("客户编号|消费时间|金额", "C1|2026-06-21 12:00:00|1")
    assert faults == [] and row.visited_at == NOON + timedelta(days=1)


def test_the_words_are_those_of_the_visit():
    assert {code: str(Occasion(code).label) for code in Occasion.values} == OCCASIONS
    assert {code: str(Channel(code).label) for code in Channel.values} == CHANNELS


@pytest.mark.parametrize(
    ("text", "dishes"),
    [
        ("红烧肉×2", (("红烧肉", 2),)),
        ("鱼x1.5斤; 汤 X 2 份;", (("鱼", 1.5), ("汤", 2))),
        ("Texas ribs", (("Texas ribs", 1),)),
        ("xo酱x", (("xo酱x", 1),)),
        ("七喜＊３\n米饭", (("七喜", 3), ("米饭", 1))),
        (" ; ", ()),
    ],
)
def test_dishes(text: str, dishes: tuple):
    assert parse_dishes(text) == dishes


@pytest.mark.parametrize(
    ("headers", "columns"),
    [
        ("客户编号|手机", "name 姓名"),
        ("姓名|性别", "external_id 客户编号 / phone 手机"),
        ("性别|地址", "name 姓名, external_id 客户编号 / phone 手机"),
    ],
)
def test_a_file_of_guests_without_a_required_column_is_refused(headers: str, columns: str):
    with pytest.raises(TableError) as refusal:
        guests(headers, "|".join("x" for _ in headers.split("|")))
    assert refusal.value.code == "columns_missing"
    assert refusal.value.params == {"columns": columns}
    assert columns in str(refusal.value)


def test_a_file_of_bills_without_required_columns_is_refused():
    with pytest.raises(TableError) as refusal:
        bills("消费单号|人数", "B1|3")
    assert refusal.value.params == {
        "columns": "visited_at 消费时间, amount 金额, customer_external_id 客户编号 / customer_phone 手机"
    }


def test_unknown_columns_are_reported_and_the_reason_of_an_earlier_refusal_is_not():
    table = read_table(sheet("姓名|积分|手机|原因|备注2", "王|5|13812348899|x|y"), "a.csv")
    assert customer_headers(table).unknown == ("积分", "备注2")


@pytest.mark.parametrize(
    ("head", "cells", "needs", "preferred"),
    [
        ("needs|preferred_channel", "child seat|WeChat", ("child_seat",), "wechat"),
        ("要准备|首选联系方式", "有老人；轮椅、轮椅|贺卡", ("wheelchair", "elderly"), "card"),
        ("需要准备|联系方式", "|", (), ""),
        ("needs|preferred_channel", "Elderly;WHEELCHAIR;child-seat|visit", ("child_seat", "wheelchair", "elderly"), "visit"),
    ],
)  # fmt: skip
def test_what_a_guest_needs_and_how_the_guest_likes_to_hear_from_us(head, cells, needs, preferred):
    [(row, faults)] = guests(f"姓名|手机|{head}", f"王建国|13800011122|{cells}")
    assert faults == []
    assert (row.needs, row.preferred_channel) == (needs, preferred)


def test_a_need_or_a_channel_that_is_none_is_told_with_what_may_be_written():
    [(_row, faults)] = guests("姓名|手机|要准备|首选联系方式", "王建国|13800011122|轮椅;桑拿|飞鸽")
    assert [(each.row, each.column, sentence(each.code, each.params)) for each in faults] == [
        (2, "要准备", "看不懂“桑拿”，可以填：儿童椅 child_seat, 轮椅 wheelchair, 有老人 elderly。"),
        (
            2,
            "首选联系方式",
            "看不懂“飞鸽”，可以填：电话 phone, 短信 sms, 微信 wechat, 邮件 email, 贺卡 card, 上门 visit。",
        ),
    ]


def test_the_words_of_the_file_are_those_of_the_profile():
    assert dict(Need.choices) == NEEDS
    assert dict(Preferred.choices) == PREFERRED
