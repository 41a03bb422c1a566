"""A file brought through a page: claimed once, done whole or not at all, whatever happens to the worker."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from common.cells import TableError
from customers.imports import jobs
from customers.imports.again import bring_in
from customers.imports.jobs import rest_of, run_import, start_import, waiting_imports
from customers.models import Customer, Patronage, Visit
from ops.models import Job
from staff.models import Brand, Store
from tests.cast import NOON, put_on_file
from tests.customers.importing import contents, living, sheet

ROOT = Path(__file__).resolve().parents[2]
GUESTS = sheet("客户编号|姓名|手机", "C1|王建国|13812348899", "C2|李梅|13900001122")
FAULTY = sheet("客户编号|姓名|手机", "C1|王建国|13812348899", "C2|李梅|1.38E+10")


# A worker that has written its bills and waits for a lock of its own test.
WAITING = "wait_event_type = 'Lock' AND query LIKE '%%customers_patronage%%FOR UPDATE%%'"


def begin(store: Store, content: bytes = GUESTS, **more) -> Job:
    arguments = {"kind": "customers", "filename": "客户.csv", "dry_run": False, "actor": None, "at": NOON}
    return start_import(store=store, payload=content, **arguments | more)


def after(**much) -> object:
    return NOON + timedelta(**much)


def test_a_job_keeps_the_file_sealed_until_it_is_done(store, manager):
    job = begin(store, actor=manager)
    assert (job.kind, job.state, job.store_id, job.person_id) == (
        "import_customers",
        "new",
        store.pk,
        manager.pk,
    )
    assert b"13812348899" not in bytes(Job.objects.get().payload)
    assert waiting_imports(NOON) == [job.pk]
    done = run_import(job.pk, after(seconds=5))
    job = Job.objects.get()
    assert (done.state, job.state, job.progress, job.payload) == ("done", "done", 100, None)
    assert job.started_at == after(seconds=5)
    assert after(seconds=5) <= job.finished_at < after(seconds=60)
    assert (job.result["created"], job.result["applied"], job.result["file"]) == (2, True, "客户.csv")
    assert Customer.objects.filter(created_by=manager).count() == 2
    assert rest_of(job) is None
    assert waiting_imports(after(days=1)) == []


def test_starting_a_job_rings(store, django_capture_on_commit_callbacks, monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr("common.doorbell._send", rung.append)
    with django_capture_on_commit_callbacks(execute=True):
        begin(store)
    assert rung == ["job"]


def test_bills_too(store, regular):
    content = sheet("消费单号|客户编号|消费时间|金额", "B1|C001|2026-06-03|10")
    job = begin(store, content, kind="visits", filename="b.csv")
    assert run_import(job.pk, NOON).result["created"] == 1
    assert living(store)["B1"].amount_fen == 1000


def test_a_job_is_done_once(store):
    job = begin(store)
    run_import(job.pk, NOON)
    before = contents()
    assert run_import(job.pk, after(minutes=10)) is None
    assert run_import(987654, NOON) is None
    assert contents() == before


def test_a_faulty_row_refuses_the_job_in_the_persons_language(store, manager):
    manager.language = "en"
    manager.save()
    before = contents()
    job = run_import(begin(store, FAULTY, actor=manager).pk, NOON)
    assert (job.state, job.payload, job.result["refused"], job.result["created"]) == ("refused", None, 1, 0)
    [error] = job.result["errors"]
    assert (error["row"], error["column"], error["code"]) == (3, "手机", "phone_scientific")
    assert not any("\u4e00" <= c <= "\u9fff" for c in error["message"])
    assert contents() == before


def test_a_file_refused_as_a_whole(store, settings):
    settings.IMPORT_MAX_BYTES = 1000
    job = run_import(begin(store, b"\x00\x01").pk, NOON)
    assert job.state == "refused"
    assert [error["code"] for error in job.result["errors"]] == ["file_nul"]
    for content, code in ((b"", "file_empty"), (b"x" * 2000, "file_too_large")):
        with pytest.raises(TableError) as refusal:
            begin(store, content)
        assert refusal.value.code == code
    assert Job.objects.count() == 1


def test_the_rows_that_were_not_taken_can_be_fetched(store):
    job = run_import(begin(store, FAULTY, accept_good_rows=True).pk, NOON)
    assert (job.state, job.result["created"], job.result["refused"]) == ("done", 1, 1)
    job = Job.objects.get()
    assert b"1.38E" not in bytes(job.payload)
    lines = rest_of(job).splitlines()
    assert lines[1].startswith("C2,李梅,1.38E+10,手机: ")
    assert len(lines) == 2


def test_a_trial_writes_nothing_and_its_file_can_be_brought_in(store, manager):
    before = contents()
    tried = run_import(begin(store, dry_run=True, actor=manager).pk, NOON)
    assert (tried.state, tried.result["created"], tried.result["dry_run"]) == ("done", 2, True)
    assert contents() == before
    job = bring_in(store=store, job_id=tried.pk, accept_good_rows=False, actor=manager, at=after(minutes=1))
    assert run_import(job.pk, after(minutes=1)).result["created"] == 2
    assert Job.objects.exclude(payload=None).count() == 0


def test_a_job_whose_worker_is_silent_is_claimed_again_after_two_minutes(store):
    job = begin(store)
    jobs._claim(job.pk, NOON)
    assert waiting_imports(after(seconds=119)) == []
    assert run_import(job.pk, after(seconds=119)) is None
    assert waiting_imports(after(seconds=121)) == [job.pk]
    assert run_import(job.pk, after(seconds=121)).state == "done"
    assert Customer.objects.count() == 2


def test_a_worker_that_comes_back_from_a_pause_writes_nothing(store):
    job = begin(store)
    asleep = jobs._claim(job.pk, NOON)
    jobs._claim(job.pk, after(minutes=3))
    before = contents()
    with pytest.raises(jobs._Overtaken):
        jobs._do(asleep, None, NOON, time.monotonic())
    assert contents() == before
    assert Job.objects.get().state == "running"


def test_a_worker_that_was_overtaken_stops_at_its_next_sign_of_life(store, monkeypatch):
    monkeypatch.setattr(jobs, "_SECONDS_BETWEEN_BEATS", 0.0)
    job = begin(store, sheet("客户编号|姓名", *(f"C{n}|王" for n in range(2500))))
    asleep = jobs._claim(job.pk, NOON)
    jobs._claim(job.pk, after(minutes=3))
    with pytest.raises(jobs._Overtaken):
        jobs._do(asleep, None, NOON, time.monotonic())


def test_progress_is_seen_while_the_file_is_read(store, monkeypatch):
    monkeypatch.setattr(jobs, "_SECONDS_BETWEEN_BEATS", 0.0)
    seen: list[tuple[int, str]] = []
    take = jobs.take

    def look(*args, **named):
        seen.append(tuple(Job.objects.values_list("progress", "state").get()))
        return take(*args, **named)

    monkeypatch.setattr(jobs, "take", look)
    job = begin(store, sheet("客户编号|姓名", *(f"C{n}|王" for n in range(2500))))
    run_import(job.pk, NOON)
    assert seen == [(70, "running")]


def test_a_job_that_breaks_again_and_again_is_given_up(store):
    job = begin(store)
    for times in range(3):
        jobs._claim(job.pk, after(minutes=3 * times))
    given_up = run_import(job.pk, after(minutes=10))
    assert (given_up.state, given_up.payload) == ("failed", None)
    assert given_up.result["errors"][0]["message"] == "导入中断了 3 次，没有写入任何内容，请重新上传。"
    assert Customer.objects.count() == 0
    assert waiting_imports(after(days=1)) == []


def test_what_nobody_foresaw_fails_the_job_and_leaves_nothing(store, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr("customers.imports.customers.refresh_search_keys", broken)
    before = contents()
    job = run_import(begin(store).pk, NOON)
    assert (job.state, Job.objects.get().state, job.payload) == ("failed", "failed", None)
    assert job.result["errors"][0]["code"] == "import_failed"
    assert contents() == before


# ---- processes that meet, or die -----------------------------------------------------------------


@pytest.fixture
def open_house(transactional_db) -> Store:
    """A store seen by every connection."""
    brand = Brand.objects.create(code="longjing", name="龙井火锅")
    return Store.objects.create(brand=brand, code="S1", name="滨江店")


def worker(job_id: int) -> subprocess.Popen:
    """Another process that does the job at noon."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    script = (
        "import django; django.setup();"
        "from tests.cast import NOON; from customers.imports.jobs import run_import;"
        f"print(run_import({job_id}, NOON))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "crm.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def others(condition: str) -> int:
    """The other connections of which `condition` is true at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            f"AND pid <> pg_backend_pid() AND {condition}"
        )
        return cursor.fetchone()[0]


def wait_until(condition, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_worker_killed_in_the_middle_of_writing_leaves_nothing_and_the_next_one_does_it_all(open_house):
    guest = put_on_file(open_house, "王建国", external_id="C1")
    rows = [f"B{n}|C1|2026-06-03|1" for n in range(50)]
    content = sheet("消费单号|客户编号|消费时间|金额", *rows)
    job = begin(open_house, content, kind="visits")
    with transaction.atomic():
        # The bills are in, the sums wait for this lock: the middle of the apply.
        Patronage.objects.select_for_update().get(customer=guest)
        process = worker(job.pk)
        try:
            wait_until(lambda: others(WAITING) or process.poll() is not None)
            assert process.poll() is None, process.stdout.read()
            # However long the writing takes, nobody else begins it.
            assert jobs._claim(job.pk, after(minutes=3)) is None
            process.send_signal(signal.SIGKILL)
            process.wait()
        finally:
            process.kill()
    wait_until(lambda: not others("state <> 'idle' AND query NOT LIKE '%%autovacuum%%'"))
    job.refresh_from_db()
    assert (Visit.objects.count(), job.state) == (0, "running")
    assert Patronage.objects.get().visits_total == 0
    assert run_import(job.pk, after(minutes=3)).state == "done"
    assert Visit.objects.count() == 50
    assert Patronage.objects.get().visits_total == 50


def test_two_workers_on_one_job_do_it_once(open_house):
    job = begin(open_house, sheet("客户编号|姓名", *(f"C{n}|王" for n in range(300))))
    ended: list[Job | None] = []

    def work() -> None:
        try:
            ended.append(run_import(job.pk, NOON))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job is not None for job in ended) == [False, False, False, True]
    assert Customer.objects.count() == 300


def test_two_files_of_one_brand_that_name_the_same_guest_make_one(open_house):
    other = Store.objects.create(brand=open_house.brand, code="S2", name="城西店")
    content = sheet("姓名|手机", *(f"王|138{n:08}" for n in range(200)))
    both = [begin(store, content) for store in (open_house, other)]

    def work(job: Job) -> None:
        try:
            run_import(job.pk, NOON)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[job]) for job in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results = [Job.objects.get(pk=job.pk).result for job in both]
    assert sorted((result["created"], result["linked"]) for result in results) == [(0, 200), (200, 0)]
    assert (Customer.objects.count(), Patronage.objects.count()) == (200, 400)


def test_a_guest_registered_while_the_file_is_written_is_not_made_twice(open_house, monkeypatch):
    """The file looked, found nobody, and lost the race for the phone: it looks again."""
    from customers.imports.customers import CustomerApply

    write, raced = CustomerApply.write, []

    def register() -> None:
        put_on_file(open_house, "王建国", phone="13812348899")
        connection.close()

    def late(self, cursor) -> None:
        if not raced:
            raced.append(True)
            thread = threading.Thread(target=register)
            thread.start()
            thread.join()
        write(self, cursor)

    monkeypatch.setattr(CustomerApply, "write", late)
    job = run_import(begin(open_house).pk, NOON)
    assert (job.state, job.result["created"], job.result["updated"]) == ("done", 1, 1)
    assert Customer.objects.count() == 2
