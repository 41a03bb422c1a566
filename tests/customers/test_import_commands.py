"""`import_customers` and `import_visits` as people and scripts call them."""

import io
import json
import os
import stat
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import translation

from customers.models import Customer, Visit
from tests.cast import NOON
from tests.customers.importing import contents

GUESTS = "客户编号,姓名,手机,积分\nC1,王建国,13812348899,5\nC2,李梅,13900001122,6\n"
BILLS = "external_id,customer_external_id,visited_at,amount\nB1,C1,2026-06-03T19:30:00,128.50\n"


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


def write(folder: Path, text: str, name: str = "a.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> tuple[str, str]:
    """What a refused command prints, and the one line of its refusal."""
    out = io.StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command(*words, stdout=out)
    assert refusal.value.returncode == 1
    assert "\n" not in str(refusal.value)
    return out.getvalue(), str(refusal.value)


def test_guests_for_people(store, tmp_path):
    file = write(tmp_path, GUESTS)
    assert run("import_customers", file, "--store", "S1") == (
        "a.csv → 门店 S1：2 行\n  新建 2\n没有用到的列：积分\n"
    )
    assert run("import_customers", file, "--store", "S1") == (
        "a.csv → 门店 S1：2 行\n  未变 2\n没有用到的列：积分\n"
    )


def test_bills_for_programs(store, tmp_path):
    run("import_customers", write(tmp_path, GUESTS), "--store", "S1")
    file = write(tmp_path, BILLS, "b.csv")
    answer = json.loads(run("import_visits", file, "--store", "S1", "--json"))
    assert answer == {
        "file": "b.csv", "store": "S1", "rows": 1, "created": 1, "linked": 0, "updated": 0, "unchanged": 0,
        "corrected": 0, "skipped": 0, "repeated": 0, "refused": 0, "errors": [], "more_errors": 0,
        "unknown_columns": [], "dry_run": False, "applied": True, "rest": None,
    }  # fmt: skip
    assert Visit.objects.get().amount_fen == 12850
    file = write(tmp_path, BILLS.replace("128.50", "130"), "b.csv")
    assert json.loads(run("import_visits", file, "--store", "S1", "--json"))["corrected"] == 1


def test_a_dry_run_writes_nothing(store, tmp_path):
    before = contents()
    said = run("import_customers", write(tmp_path, GUESTS), "--store", "S1", "--dry-run")
    assert said.endswith("试运行：没有写入任何内容。\n") and "新建 2" in said
    assert contents() == before


def test_a_faulty_row_is_listed_and_nothing_is_written(store, tmp_path):
    before = contents()
    file = write(tmp_path, GUESTS + "C3,张三,1.38E+10,7\n")
    said, line = refused("import_customers", file, "--store", "S1")
    assert "第 4 行 手机：手机号被表格软件写成了科学计数法" in said
    assert line == "3 行里有 1 行不能导入，所以一行也没有导入。"
    assert contents() == before


def test_a_faulty_row_for_programs(store, tmp_path):
    file = write(tmp_path, GUESTS + "C3,张三,138****0000,7\n")
    said, _ = refused("import_customers", file, "--store", "S1", "--json")
    answer = json.loads(said)
    [error] = answer["errors"]
    assert (error["row"], error["column"], error["code"]) == (4, "手机", "phone_masked")
    assert error["message"] == "手机号里有星号，请填完整的号码。"
    assert (answer["rows"], answer["created"], answer["refused"], answer["applied"]) == (3, 0, 1, False)


def test_in_english(store, tmp_path):
    file = write(tmp_path, GUESTS + "C3,,13511110000,7\n")
    with translation.override("en"):
        said, line = refused("import_customers", file, "--store", "S1")
    assert "第 4 行" not in said and "新建" not in said
    assert not any("\u4e00" <= c <= "\u9fff" for c in line)


def test_the_good_rows_and_the_rest(store, tmp_path):
    file = write(tmp_path, GUESTS + "C3,张三,1.38E+10,7\n")
    said = run("import_customers", file, "--store", "S1", "--accept-good-rows")
    assert "新建 2  有错 1" in said
    rest = (tmp_path / "a.rest.csv").read_text(encoding="utf-8-sig").splitlines()
    assert rest[0] == "客户编号,姓名,手机,积分,原因"
    assert rest[1].startswith("C3,张三,1.38E+10,7,手机: ")
    assert len(rest) == 2
    other = tmp_path / "other.csv"
    words = ("import_customers", file, "--store", "S1", "--accept-good-rows", "--rest", str(other), "--json")
    assert json.loads(run(*words))["rest"] == str(other)
    assert other.read_bytes() == (tmp_path / "a.rest.csv").read_bytes()


def test_a_dry_run_writes_no_rest_either(store, tmp_path):
    file = write(tmp_path, GUESTS + "C3,张三,1.38E+10,7\n")
    run("import_customers", file, "--store", "S1", "--accept-good-rows", "--dry-run")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert Customer.objects.count() == 0


def test_nothing_is_left_over_where_every_row_is_good(store, tmp_path):
    run("import_customers", write(tmp_path, GUESTS), "--store", "S1", "--accept-good-rows")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "file_empty"),
        ("客户编号,姓名\n", "no_rows"),
        ("客户编号,手机\nC1,13812348899\n", "columns_missing"),
        ("客户编号,姓名\nC1,王\x00\n", "file_nul"),
    ],
)
def test_a_file_refused_as_a_whole_is_one_line_and_one_object(store, tmp_path, text: str, code: str):
    file = write(tmp_path, text)
    said, line = refused("import_customers", file, "--store", "S1")
    assert said == ""
    said, same_line = refused("import_customers", file, "--store", "S1", "--json")
    assert same_line == line
    answer = json.loads(said)
    assert [(error["code"], error["message"]) for error in answer["errors"]] == [(code, line)]
    assert (answer["created"], answer["applied"], answer["dry_run"]) == (0, False, False)


def test_a_missing_file_and_an_unknown_store(store, tmp_path):
    said, line = refused("import_visits", str(tmp_path / "none.csv"), "--store", "S1", "--json")
    assert line == f"找不到文件 {tmp_path / 'none.csv'}。"
    assert json.loads(said)["errors"][0]["code"] == "file_not_found"
    said, line = refused("import_visits", write(tmp_path, BILLS), "--store", "S9", "--json")
    assert "S9" in line
    assert json.loads(said)["errors"][0]["message"] == line
    _, line = refused("import_visits", str(tmp_path), "--store", "S1")
    assert line.startswith("找不到文件")


def test_a_rest_that_nobody_asked_for_is_refused(store, tmp_path):
    _, line = refused("import_customers", write(tmp_path, GUESTS), "--store", "S1", "--rest", "x.csv")
    assert line == "--rest 要和 --accept-good-rows 一起用。"
    assert Customer.objects.count() == 0


def test_a_rest_does_not_overwrite_the_file_itself(store, tmp_path):
    file = write(tmp_path, GUESTS)
    _, line = refused("import_customers", file, "--store", "S1", "--accept-good-rows", "--rest", file)
    assert line == "--rest 不能是要导入的文件本身。"
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == GUESTS


def test_a_rest_that_cannot_be_written_is_said(store, tmp_path):
    file = write(tmp_path, GUESTS + "C3,张三,1.38E+10,7\n")
    nowhere = str(tmp_path / "no" / "rest.csv")
    _, line = refused("import_customers", file, "--store", "S1", "--accept-good-rows", "--rest", nowhere)
    assert nowhere in line
    assert Customer.objects.count() == 2


def test_a_rest_is_for_its_owners_eyes(store, tmp_path):
    file = write(tmp_path, GUESTS + "C3,张三,138,7\n")
    run("import_customers", file, "--store", "S1", "--accept-good-rows")
    assert stat.S_IMODE(os.stat(tmp_path / "a.rest.csv").st_mode) == 0o600
