"""A file of bills against the bills on file: new, the same, corrected, voided; whose they are."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from customers.models import Patronage, Visit
from customers.services import upkeep
from customers.services.customers import add_contact_number
from customers.services.visits import VisitInput, record_visit, void_visit
from staff.models import Store
from tests.cast import NOON, put_on_file
from tests.customers.importing import bring_bills, contents, done, faults, living

LATER = NOON + timedelta(days=1)
FULL = "消费单号|客户编号|消费时间|金额|人数|台号|消费形式|渠道|菜品|备注"
BILL = "B1|C001|2026-06-03 19:30|1280.50|4|A1|宴请|堂食|红烧肉×2;茶|靠窗"


def sums(store: Store, number: str) -> tuple:
    p = Patronage.objects.get(store=store, external_id=number)
    return (p.visits_total, p.spend_total_fen, p.first_visit_on, p.last_visit_on, p.last_bill_fen)


# ---- new bills -----------------------------------------------------------------------------------


def test_a_bill_is_recorded_with_everything_said_and_counts_at_once(store, manager, regular, at):
    report = bring_bills(store, FULL, BILL, actor=manager)
    assert (report.rows, done(report), report.errors, report.applied) == (1, {"created": 1}, [], True)
    visit = Visit.objects.get()
    assert (visit.store, visit.customer, visit.external_id) == (store, regular, "B1")
    assert visit.visited_at == datetime(2026, 6, 3, 11, 30, tzinfo=UTC)
    assert visit.business_date == date(2026, 6, 3)
    assert (visit.amount_fen, visit.party_size, visit.table_no) == (128050, 4, "A1")
    assert (visit.occasion, visit.channel) == ("hosting", "dine_in")
    assert visit.dishes == [{"name": "红烧肉", "quantity": 2}, {"name": "茶", "quantity": 1}]
    assert visit.note == "靠窗"
    assert (visit.entry, visit.recorded_at, visit.recorded_by, visit.counted_at) == (
        "import",
        at,
        manager,
        at,
    )
    assert (visit.voided_at, visit.void_reason, visit.replaced_by) == (None, "", None)
    assert sums(store, "C001") == (1, 128050, date(2026, 6, 3), date(2026, 6, 3), 128050)


def test_old_bills_are_not_held(store, regular):
    bring_bills(store, "消费单号|客户编号|消费时间|金额", "B1|C001|2017-01-01 12:00|10")
    assert Visit.objects.get().counted_at == NOON


@pytest.mark.parametrize(
    ("zone", "ends", "written", "expected"),
    [
        ("Asia/Shanghai", time(4), "2026-06-03 03:59:59", date(2026, 6, 2)),
        ("Asia/Shanghai", time(4), "2026-06-03 04:00:00", date(2026, 6, 3)),
        ("Asia/Shanghai", time(6), "2026-06-03 04:00:00", date(2026, 6, 2)),
        ("Asia/Urumqi", time(4), "2026-06-03T05:00:00+08:00", date(2026, 6, 2)),
        ("Asia/Shanghai", time(4), "2026-06-03", date(2026, 6, 3)),
    ],
)
def test_the_business_date_is_the_stores(store, regular, zone, ends, written, expected):
    store.timezone, store.day_ends_at = zone, ends
    bring_bills(store, "客户编号|消费时间|金额", f"C001|{written}|10")
    assert Visit.objects.get().business_date == expected


def test_the_sums_of_several_guests_are_counted_from_all_their_bills(store, regular, lapsed):
    bring_bills(
        store,
        "消费单号|客户编号|消费时间|金额",
        "B1|C001|2026-06-03 19:30|100", "B3|C001|2026-06-05 19:30|300", "B2|C001|2026-06-05 19:30|200",
        "B4|C002|2026-05-01 12:00|0",
    )  # fmt: skip
    assert sums(store, "C001") == (3, 60000, date(2026, 6, 3), date(2026, 6, 5), 30000)
    assert sums(store, "C002") == (1, 0, date(2026, 5, 1), date(2026, 5, 1), 0)
    assert upkeep.recount(store.pk) == 0


# ---- again, and corrected ------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing(store, regular):
    rows = (FULL, BILL, "|C001|2026-06-04|88|||||红烧肉×1.5|", "B3|C001|2026-06-04|88||||||很吵")
    bring_bills(store, *rows)
    before = contents()
    report = bring_bills(store, *rows, at=LATER)
    assert done(report) == {"unchanged": 3}
    assert contents() == before


def test_the_same_row_twice_in_a_file_is_one_bill(store, regular):
    report = bring_bills(store, FULL, BILL, BILL, "|C001|2026-06-04|88||||||", "|C001|2026-06-04|88||||||")
    assert done(report) == {"created": 2, "repeated": 2}
    assert Visit.objects.count() == 2


def test_a_bill_without_a_number_gets_one_that_says_nothing_of_the_guest(store, regular):
    rows = ("手机|消费时间|金额|台号", "13812348899|2026-06-04 12:00|88|A1")
    bring_bills(store, *rows)
    number = Visit.objects.get().external_id
    assert len(number) == 26 and number.startswith("F-") and "8899" not in number
    # The same moment written with an offset, the same amount written otherwise.
    again = bring_bills(store, "手机|消费时间|金额|台号", "138-1234-8899|2026-06-04T13:00:00+09:00|¥88.00|A1")
    assert done(again) == {"unchanged": 1}
    other = bring_bills(store, "手机|消费时间|金额|台号", "13812348899|2026-06-04 12:00|88|A2")
    assert done(other) == {"created": 1}


@pytest.mark.parametrize(
    "row",
    [
        "B1|C001|2026-06-03 19:30|1380.50|||||",
        "B1|C001|2026-06-03 19:31|1280.50|||||",
        "B1|C002|2026-06-03 19:30|1280.50|||||",
        "B1|C001|2026-06-03 19:30|1280.50|5||||",
        "B1|C001|2026-06-03 19:30|1280.50||A2|||",
        "B1|C001|2026-06-03 19:30|1280.50|||生日||",
        "B1|C001|2026-06-03 19:30|1280.50||||外卖|",
        "B1|C001|2026-06-03 19:30|1280.50|||||红烧肉×3",
        "B1|C001|2026-06-03 19:30|1280.50||||||靠门",
    ],
)
def test_another_content_is_a_correction(store, manager, regular, lapsed, row: str):
    bring_bills(store, FULL, BILL)
    old = Visit.objects.get()
    report = bring_bills(store, FULL, row + "|" * (9 - row.count("|")), actor=manager, at=LATER)
    assert done(report) == {"corrected": 1}
    old.refresh_from_db()
    new = Visit.objects.get(voided_at=None)
    assert (old.voided_at, old.voided_by, old.void_reason, old.replaced_by) == (
        LATER,
        manager,
        "corrected",
        new,
    )
    assert (new.external_id, new.recorded_at, new.counted_at, new.entry) == ("B1", LATER, LATER, "import")
    assert upkeep.recount(store.pk) == 0
    assert Patronage.objects.get(customer=new.customer).visits_total == 1
    before = contents()
    assert done(bring_bills(store, FULL, row + "|" * (9 - row.count("|")), at=LATER)) == {"unchanged": 1}
    assert contents() == before


def test_a_correction_keeps_what_the_file_does_not_say(store, regular):
    bring_bills(store, FULL, BILL)
    bring_bills(store, "消费单号|客户编号|消费时间|金额", "B1|C001|2026-06-03 19:30|1000", at=LATER)
    new = living(store)["B1"]
    assert (new.amount_fen, new.party_size, new.table_no, new.occasion, new.channel, new.note) == (
        100000, 4, "A1", "hosting", "dine_in", "靠窗",
    )  # fmt: skip
    assert new.dishes == [{"name": "红烧肉", "quantity": 2}, {"name": "茶", "quantity": 1}]


def test_a_file_that_says_less_is_the_same_bill(store, regular):
    bring_bills(store, FULL, BILL)
    report = bring_bills(store, "消费单号|客户编号|消费时间|金额", "B1|C001|2026-06-03 19:30|1280.50")
    assert done(report) == {"unchanged": 1}


def test_a_correction_moves_the_bill_from_guest_to_guest(store, regular, lapsed):
    bring_bills(store, FULL, BILL)
    bring_bills(store, FULL, BILL.replace("C001", "C002"))
    assert sums(store, "C001") == (0, 0, None, None, None)
    assert sums(store, "C002") == (1, 128050, date(2026, 6, 3), date(2026, 6, 3), 128050)


def test_corrections_and_new_bills_of_one_file_go_together(store, regular):
    bring_bills(store, FULL, *(f"B{n}|C001|2026-06-03 19:30|{n}||||||" for n in range(6)))
    report = bring_bills(store, FULL, *(f"B{n}|C001|2026-06-03 19:30|{n + n // 3}||||||" for n in range(9)))
    assert done(report) == {"unchanged": 3, "corrected": 3, "created": 3}
    assert sums(store, "C001")[:2] == (9, 100 * (0 + 1 + 2 + 4 + 5 + 6 + 8 + 9 + 10))


def log(store: Store, at: datetime, days_ago: int = 0, **more) -> Visit:
    told = {"visited_at": at - timedelta(days=days_ago), "amount_fen": 8800, "customer_external_id": "C001"}
    recorded = record_visit(
        store=store, visit_id=Visit().id, visit=VisitInput(**told | {"external_id": "T1"} | more), entry="tablet",
        actor=None, at=at,
    )  # fmt: skip
    return Visit.objects.get(pk=recorded.visit_id)


def test_a_bill_from_the_tablet_is_the_same_bill_in_the_file(store, regular, at):
    visit = log(store, at, dishes=(("茶", 2.0),), note="靠窗", party_size=2)
    report = bring_bills(store, FULL, "T1|C001|2026-06-20 12:00|88|2||||茶×2|靠窗")
    assert done(report) == {"unchanged": 1}
    assert Visit.objects.get().pk == visit.pk


def test_a_bill_that_waits_for_a_nod_waits_no_longer_when_a_file_brings_it(store, manager, regular, at):
    assert log(store, at, days_ago=10).counted_at is None
    report = bring_bills(
        store, "消费单号|客户编号|消费时间|金额", "T1|C001|2026-06-10 12:00|88", actor=manager, at=LATER
    )
    assert done(report) == {"updated": 1}
    visit = Visit.objects.get()
    assert (visit.counted_at, visit.counted_by) == (LATER, manager)
    assert sums(store, "C001")[0] == 1


@pytest.mark.parametrize("amount", ["1280.50", "99"])
def test_a_bill_that_somebody_voided_stays_voided(store, manager, regular, at, amount: str):
    bring_bills(store, FULL, BILL)
    void_visit(store=store, visit_id=Visit.objects.get().pk, reason="录错了", actor=manager, at=at)
    before = contents()
    report = bring_bills(store, FULL, BILL.replace("1280.50", amount), at=LATER)
    assert done(report) == {"skipped": 1}
    assert contents() == before


def test_a_corrected_bill_that_somebody_voided_stays_voided_too(store, manager, regular, at):
    bring_bills(store, FULL, BILL)
    bring_bills(store, FULL, BILL.replace("1280.50", "99"))
    void_visit(store=store, visit_id=living(store)["B1"].pk, reason="录错了", actor=manager, at=at)
    assert done(bring_bills(store, FULL, BILL)) == {"skipped": 1}
    assert living(store) == {}


def test_the_bills_of_two_stores_do_not_know_each_other(store, other_store, regular):
    put_on_file(other_store, "别人", external_id="C001")
    bring_bills(store, FULL, BILL)
    assert done(bring_bills(other_store, FULL, BILL)) == {"created": 1}
    assert living(store)["B1"].customer != living(other_store)["B1"].customer


# ---- whose bill ----------------------------------------------------------------------------------


def test_a_guest_of_another_store_is_linked_by_the_own_phone(store, other_store, regular):
    rows = ("消费单号|手机|消费时间|金额", "B1|13812348899|2026-06-03|10", "B2|13812348899|2026-06-04|20")
    assert done(bring_bills(other_store, *rows)) == {"created": 2}
    patronage = Patronage.objects.get(store=other_store)
    assert (patronage.customer, patronage.external_id) == (regular, f"G-{regular.pk}")
    assert (patronage.since, patronage.visits_total) == (date(2026, 6, 20), 2)
    regular.refresh_from_db()
    assert f"{other_store.pk}:8899" in regular.search_keys
    before = contents()
    assert done(bring_bills(other_store, *rows, at=LATER)) == {"unchanged": 2}
    assert contents() == before


def test_linking_by_a_bill_does_not_take_a_number_that_is_taken(store, other_store, regular):
    put_on_file(other_store, "占号", external_id=f"G-{regular.pk}")
    bring_bills(other_store, "手机|消费时间|金额", "13812348899|2026-06-03|10")
    numbers = set(Patronage.objects.filter(store=other_store).values_list("external_id", flat=True))
    assert numbers == {f"G-{regular.pk}", f"G-{regular.pk}-{other_store.pk}"}


def test_the_number_is_asked_before_the_phone_and_the_phone_where_the_number_is_unknown(
    store, regular, lapsed
):
    bring_bills(
        store,
        "消费单号|客户编号|手机|消费时间|金额",
        "B1|C002|13812348899|2026-06-03|10", "B2|X9|13812348899|2026-06-03|10",
    )  # fmt: skip
    bills = living(store)
    assert (bills["B1"].customer, bills["B2"].customer) == (lapsed, regular)


def test_a_contact_number_of_one_guest_means_that_guest(store, other_store, regular, at):
    add_contact_number(customer=regular, phone="13611112222", whose="妻子", at=at)
    bring_bills(store, "消费单号|手机|消费时间|金额", "B1|13611112222|2026-06-03|10")
    assert living(store)["B1"].customer == regular
    report = bring_bills(other_store, "消费单号|手机|消费时间|金额", "B1|13611112222|2026-06-03|10")
    assert faults(report) == [(2, "手机", "guest_not_found")]


def test_an_own_number_goes_before_a_contact_number(store, regular, lapsed, at):
    add_contact_number(customer=regular, phone="13900001122", whose="妻子", at=at)
    bring_bills(store, "消费单号|手机|消费时间|金额", "B1|13900001122|2026-06-03|10")
    assert living(store)["B1"].customer == lapsed


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["B1|X9||2026-06-03|10"], [(2, "客户编号", "guest_not_found")]),
        (["B1||13511110000|2026-06-03|10"], [(2, "手机", "guest_not_found")]),
        (["B1||13611112222|2026-06-03|10"], [(2, "手机", "guest_several")]),
        (["B1|K5||2026-06-03|10"], [(2, "客户编号", "guest_not_found")]),
        (["B1|C001||2026-06-03|10", "B1|C001||2026-06-03|11"], [(3, "消费单号", "row_repeats_number")]),
        (["B1|C001||2026-06-03|-10"], [(2, "金额", "amount_negative")]),
        (["B1|C001||2027-01-01|10"], [(2, "消费时间", "visit_too_far_ahead")]),
        (
            ["B1|X9||2026-06-03|10", "B2|C001||2026-13-03|十块"],
            [(2, "客户编号", "guest_not_found"), (3, "消费时间", "moment_no_such_time"),
             (3, "金额", "amount_not_number")],
        ),
    ],
)  # fmt: skip
def test_a_faulty_row_keeps_the_whole_file_out(store, other_store, regular, lapsed, at, rows, expected):
    put_on_file(other_store, "别店客人", external_id="K5")
    for guest in (regular, lapsed):
        add_contact_number(customer=guest, phone="13611112222", whose="秘书", at=at)
    before = contents()
    report = bring_bills(store, "消费单号|客户编号|手机|消费时间|金额", *rows, "B99|C001||2026-06-03|10")
    assert faults(report) == expected
    assert (report.is_refused, report.applied, done(report)) == (
        True, False, {"refused": len({row for row, _, _ in expected})},
    )  # fmt: skip
    assert contents() == before


def test_two_bills_without_a_number_that_could_be_one_are_asked_about(store, regular):
    report = bring_bills(
        store, "客户编号|消费时间|金额|人数", "C001|2026-06-03 12:00|10|2", "C001|2026-06-03 12:00|10|3"
    )
    assert faults(report) == [(3, "external_id", "row_same_bill")]


def test_the_good_rows_are_taken_and_the_others_come_back(store, regular):
    report = bring_bills(
        store,
        "消费单号|客户编号|消费时间|金额",
        "B1|C001|2026-06-03|10", "B2|X9|2026-06-03|20", "B3|C001|2026-06-03|-1", "B4|C001|2026-06-03|40",
        accept_good_rows=True,
    )  # fmt: skip
    assert done(report) == {"created": 2, "refused": 2}
    assert set(living(store)) == {"B1", "B4"}
    assert sums(store, "C001")[:2] == (2, 5000)
    assert report.rest == (
        "\ufeff消费单号,客户编号,消费时间,金额,原因\r\n"
        "B2,X9,2026-06-03,20,客户编号: 本店没有这个编号或手机号的客人。\r\n"
        "B3,C001,2026-06-03,-1,金额: 金额“-1”是负数。\r\n"
    )


def test_a_dry_run_says_the_same_and_writes_nothing(store, regular, lapsed):
    bring_bills(store, FULL, BILL)
    rows = (FULL, BILL.replace("A1", "A2"), "B2|C002|2026-06-03|1||||||")
    before = contents()
    report = bring_bills(store, *rows, dry_run=True)
    assert contents() == before
    assert (done(report), report.applied) == ({"corrected": 1, "created": 1}, False)
    assert done(bring_bills(store, *rows)) == done(report)


# ---- what may break ------------------------------------------------------------------------------


def test_a_fault_at_the_very_end_leaves_nothing_behind(store, other_store, regular, monkeypatch):
    bring_bills(store, FULL, BILL)
    put_on_file(other_store, "别店", phone="13511110000")
    before = contents()

    def broken(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("customers.imports.visits.recount", broken)
    with pytest.raises(RuntimeError, match="power cut"):
        bring_bills(
            store,
            "消费单号|手机|消费时间|金额",
            "B1|13812348899|2026-06-03|99",
            "B2|13511110000|2026-06-03|1",
        )
    assert contents() == before


def test_a_long_file_is_brought_in_set_by_set_not_row_by_row(store, regular, django_assert_max_num_queries):
    rows = [f"B{n}|C001|2026-06-03 12:00|{n % 90 + 1}" for n in range(3000)]
    with django_assert_max_num_queries(40):
        report = bring_bills(store, "消费单号|客户编号|消费时间|金额", *rows)
    assert done(report) == {"created": 3000}
    assert sums(store, "C001")[:2] == (3000, 100 * sum(n % 90 + 1 for n in range(3000)))


def test_progress_is_told_and_never_goes_back(store, regular):
    told: list[int] = []
    rows = [f"B{n}|C001|2026-06-03 12:00|1" for n in range(6000)]
    bring_bills(store, "消费单号|客户编号|消费时间|金额", *rows, progress=told.append)
    assert told == sorted(told)
    assert (told[0] > 0, told[-1], len(told) >= 5) == (True, 100, True)
