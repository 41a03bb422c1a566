"""A night that is broken off anywhere, by anything, ends in the rows of a night that was not.

Workers are processes of their own: killed with SIGKILL at a statement dealt at random, raced against each other, cut
off by the database, sent through a change of the clock. What a worker left is taken up when its lease is over.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from typing import Any

import psycopg2
import pytest
import time_machine
from django.conf import settings
from django.db import close_old_connections, connection

from care.models import Message, Task
from crm import nightly, tasks
from crm.embedded.place import ROOT
from customers.models import Patronage, Visit
from customers.services.upkeep import recount
from customers.services.visits import void_visit
from ops.models import Run, Step
from reports.models import StoreDay
from staff.models import Store
from tests.cast import put_on_file
from tests.tiering.examining import came, come, content_hash, days, label, ladder, night, noon, rule, use
from tiering.models import Fading, Night, TierDecision
from tiering.selectors.decisions import tiers_on
from tiering.selectors.schemes import preset
from tiering.services.judgements import override_tier
from tiering.services.schemes import adopt_preset

FIRST, LAST = date(2026, 6, 17), date(2026, 6, 19)
MORNING = datetime(2026, 6, 19, 20, 30, tzinfo=UTC)
"""Saturday 20 June, 04:30 in Shanghai: the night of the 19th is due, and so are the two before it that were missed."""
LEASE = timedelta(minutes=3)


@pytest.fixture
def house(transactional_db, store: Store, manager) -> Store:
    """A store of twelve guests whose nights move somebody every day: two axes, grace, a tier by hand, care and texts."""
    body = preset("recent_month_abc") | {"grace_days": 1}
    use(store, body)
    adopt_preset(store=store, code="member_card_levels", from_date=FIRST, actor=None, at=noon(FIRST))
    dice, bills = random.Random(4), []
    for n in range(12):
        phone, came_on = f"1390000{n:04}", LAST - timedelta(days=n % 4)
        guest = put_on_file(store, f"客{n}", noon(FIRST), external_id=f"K{n}", phone=phone, consent_sms=True)
        bills += [
            (guest, came_on - timedelta(days=29 + 7 * k), 2500 if n < 10 else 90, 12, "") for k in range(3)
        ]
        bills += [(guest, came_on, dice.choice([300, 3200]), 19, "")]
    came(store, bills)
    override_tier(
        store=store, customer_id=guest.pk, tier="A", reason="店长的老师", valid_until=LAST - timedelta(days=1),
        actor=manager, on=FIRST, at=noon(FIRST),
    )  # fmt: skip
    return store


def written(store: Store) -> str:
    """A hash of everything that nights write, without the keys that sequences deal out and without clocks."""
    told = [
        content_hash(store),
        *Fading.objects.order_by("customer_id", "since").values_list("customer__name", "axis", "since", "until"),
        *sorted(map(repr, Task.objects.values_list("customer__name", "code", "occasion", "due_on", "state", "reason"))),
        *sorted(map(repr, Message.objects.values_list("customer__name", "category", "occasion", "state", "reason"))),
        *StoreDay.objects.order_by("business_date").values_list("business_date", "visits", "revenue_fen", "rose", "fell"),
        *Run.objects.order_by("business_date").values_list("business_date", "state"),
    ]  # fmt: skip
    return hashlib.sha256(repr(told).encode()).hexdigest()


def forget(store: Store) -> None:
    """As if no night had ever been."""
    for table in (TierDecision, Night, Fading, Task, Message, StoreDay, Step, Run):
        table.objects.all().delete()
    Patronage.objects.filter(store=store).update(tier="", tier_since=None, labels={})


# ---- workers -------------------------------------------------------------------------------------------------


def catch_up() -> None:
    """What a worker does at a tick: every night that is due, until none is."""
    while waiting := nightly.due(nightly.now()):
        for store_id, on in waiting:
            tasks.run_night(store_id, on.isoformat())


def begin(work: Callable[[], None], at: datetime, hook: Any = None) -> int:
    """A worker of its own that does `work` when the clock shows `at`; its process id."""
    connection.close()  # a process has its own
    if pid := os.fork():
        return pid
    # With a browser's event loop in this thread Django keeps a second connection here, which the child finds open.
    connection.connection = None
    code = 1
    try:
        with ExitStack() as around:
            around.enter_context(time_machine.travel(at, tick=True))
            if hook:
                around.enter_context(connection.execute_wrapper(hook))
            work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def end(pid: int) -> int:
    """Wait for a worker: 0 done, -9 killed."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class DiesAt:
    """Ends its own process with SIGKILL at the n-th statement, before or after it was carried out."""

    def __init__(self, n: int, after: bool) -> None:
        self.left, self.after = n, after

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = execute(sql, params, many, context)
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found


class Counts:
    """Counts statements."""

    n = 0

    def __call__(self, execute: Any, *call: Any) -> Any:
        self.n += 1
        return execute(*call)


@contextmanager
def clean(house: Store) -> Iterator[tuple[str, int]]:
    """The rows of an undisturbed catch-up, and how many statements it took; then nothing has been."""
    counts = Counts()
    with time_machine.travel(MORNING, tick=True), connection.execute_wrapper(counts):
        catch_up()
    assert list(Night.objects.filter(axis="tier").values_list("business_date", flat=True)) == days(
        FIRST, LAST
    )
    assert {row["tier"] for row in TierDecision.objects.values("tier")} >= {"A", "B", "C", "SILVER", "GOLD"}
    assert Fading.objects.filter(until=None).exists() and Fading.objects.exclude(until=None).exists()
    rows = written(house)
    forget(house)
    yield rows, counts.n


def due_from(store: Store, first: date) -> None:
    """The night before `first` was the last one done."""
    Run.objects.create(
        store_id=store.pk, business_date=first - timedelta(days=1), state=Run.State.DONE, token=1,
        created_at=noon(first), heartbeat_at=noon(first), finished_at=noon(first),
    )  # fmt: skip


# ---- the stories ---------------------------------------------------------------------------------------------


def test_killed_at_any_statement_again_and_again(house):
    """Three nights were missed. Workers die up to three times each, at any statement; the last one lives."""
    due_from(house, FIRST)
    with clean(house) as (rows, statements):
        assert statements > 100
        for seed in range(10):
            dice = random.Random(seed)
            due_from(house, FIRST)
            at, killed = MORNING, 0
            for turn in range(dice.choice([1, 1, 2, 3])):
                # The first dies for certain: a night that finds its plans made is shorter than the clean one.
                last = statements if turn else statements * 4 // 5
                worker = begin(catch_up, at, DiesAt(1 + dice.randrange(last), dice.random() < 0.5))
                killed += end(worker) == -signal.SIGKILL
                at += LEASE
            assert end(begin(catch_up, at)) == 0
            assert written(house) == rows, (seed, killed)
            assert killed
            forget(house)


def test_two_workers_and_two_beats_race_for_the_same_nights(house):
    """Every night has one owner: each is decided once, whoever was first; one of the two may be killed on the way."""
    due_from(house, FIRST)
    with clean(house) as (rows, statements):
        for seed in range(6):
            dice = random.Random(100 + seed)
            due_from(house, FIRST)
            hook = DiesAt(1 + dice.randrange(statements), True) if seed % 2 else None
            workers = [begin(catch_up, MORNING, hook), begin(catch_up, MORNING)]
            endings = [end(worker) for worker in workers]
            assert endings[1] == 0 and endings[0] in (0, -signal.SIGKILL)
            assert end(begin(catch_up, MORNING + LEASE)) == 0
            assert written(house) == rows, seed
            nights = Run.objects.filter(business_date__gte=FIRST)
            if not hook:
                assert [run.steps.filter(name="retier").count() for run in nights] == [1, 1, 1]
            forget(house)


def test_one_night_rung_twice_is_one_night(house):
    """Two ticks put the same night on the queue twice: the second finds it taken, or done."""
    due_from(house, LAST)
    for _ in range(4):
        once = [begin(lambda: tasks.run_night(house.pk, LAST.isoformat()), MORNING) for _ in range(2)]
        assert [end(worker) for worker in once] == [0, 0]
        assert Run.objects.get(business_date=LAST).state == Run.State.DONE
        assert Step.objects.filter(name="retier").count() == 1
        forget(house)
        due_from(house, LAST)


def test_the_database_ends_the_session_in_the_middle(house):
    """pg_terminate_backend at any statement: the worker reports the fault, a later tick takes the night up."""

    class CutOffAt(DiesAt):
        def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                other = psycopg2.connect(**connection.get_connection_params())
                other.autocommit = True
                other.cursor().execute(
                    "SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid]
                )
                other.close()
            return execute(sql, params, many, context)

    due_from(house, FIRST)
    with clean(house) as (rows, statements):
        for seed in range(7):
            due_from(house, FIRST)
            dice, at = random.Random(200 + seed), MORNING
            with time_machine.travel(at, tick=True) as clock:
                with pytest.raises(Exception, match=r"terminating|closed|connection"), \
                        connection.execute_wrapper(CutOffAt(1 + dice.randrange(statements), False)):  # fmt: skip
                    catch_up()
                close_old_connections()  # as between two tasks of a worker
                clock.shift(timedelta(minutes=11))  # a night that failed waits ten minutes
                catch_up()
            assert written(house) == rows, seed
            forget(house)


def test_the_clock_is_put_back_and_forward_between_kills(house):
    """The next worker's clock shows an hour less, or a day more: what is due is done, and once."""
    due_from(house, FIRST)
    with clean(house) as (rows, statements):
        for seed, later in enumerate(
            (timedelta(hours=-1), timedelta(hours=1), timedelta(hours=-20), timedelta(hours=23))
        ):
            due_from(house, FIRST)
            dice = random.Random(300 + seed)
            assert (
                end(begin(catch_up, MORNING, DiesAt(statements // 3 + dice.randrange(statements // 3), True)))
                == -9
            )
            end(begin(catch_up, MORNING + later))
            assert end(begin(catch_up, MORNING + LEASE)) == 0  # the clock is right again
            assert written(house) == rows, later
            forget(house)


def test_a_correction_made_while_the_clock_was_slow_is_answered_by_the_next_night(house):
    """A night decided at 12:00, the clock put back to 11:00, an older night corrected: the label and the rows agree."""
    store = house
    use(store, ladder(rule("spend_30d", 5000)), date(2026, 7, 1))
    guest = put_on_file(store, "晚到", noon(FIRST), external_id="K99")
    first, last = date(2026, 7, 1), date(2026, 8, 15)
    for on in (first, last):
        night(store, on, at=noon(last + timedelta(days=1)))
    slow = noon(last + timedelta(days=1)) - timedelta(hours=1)
    Visit.objects.create(
        store=store, customer=guest, external_id="L1", business_date=first, visited_at=noon(first), amount_fen=600_000,
        entry="import", recorded_at=slow, counted_at=slow,
    )  # fmt: skip
    recount(store.pk)
    assert night(store, first, at=slow).corrected == 1
    night(store, last + timedelta(days=1), at=noon(last + timedelta(days=2)))
    [stands] = [row for row in tiers_on(store, last + timedelta(days=1)) if row[0] == "K99"]
    assert stands[1] == label(store, guest) == "B"


CLOCKS = [
    ("America/New_York", hour(2, 30), date(2026, 3, 5), date(2026, 3, 11)),
    ("America/New_York", hour(1, 30), date(2026, 10, 29), date(2026, 11, 4)),
    ("Europe/Berlin", hour(4, 30), date(2026, 3, 26), date(2026, 4, 1)),
    ("Asia/Shanghai", hour(0, 0), date(2026, 3, 26), date(2026, 4, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "at", "first", "last"), CLOCKS, ids=[f"{c[0]} {c[2]}" for c in CLOCKS])
def test_summer_time_skips_no_night_and_doubles_none(db, store, zone, at, first, last):
    """Asked every half hour through the change: every business date is due once, in order, after it has ended."""
    store.timezone, store.night_at = zone, at
    store.save()
    use(store, ladder(rule("visits_30d", 1)))
    due_from(store, first)
    moment = noon(first) - timedelta(days=1)
    done = []
    while moment < noon(last) + timedelta(days=1):
        for store_id, on in nightly.due(moment):
            assert store.business_day(moment) > on
            Run.objects.create(
                store_id=store_id, business_date=on, state=Run.State.DONE, token=1, created_at=moment,
                finished_at=moment,
            )  # fmt: skip
            done.append(on)
        moment += timedelta(minutes=30)
    assert done[: len(days(first, last)) - 1] == days(first, last - timedelta(days=1))


def test_visits_logged_and_voided_meanwhile_wait_and_are_counted(house):
    """Bills come in while the workers run and die: none is lost, and the last word is that of a plain night."""
    due_from(house, FIRST)
    with clean(house) as (_, statements):
        guests = [p.customer for p in house.patronages.select_related("customer").order_by("pk")]
        for seed in range(4):
            due_from(house, FIRST)
            dice = random.Random(400 + seed)
            worker = begin(catch_up, MORNING, DiesAt(1 + dice.randrange(statements), True))
            bills = [come(house, dice.choice(guests), LAST, 700, hour=9 + n / 60) for n in range(6)]
            void_visit(store=house, visit_id=bills[0], reason="退单", actor=None, at=MORNING)
            end(worker)
            assert end(begin(catch_up, MORNING + LEASE)) == 0
            with time_machine.travel(MORNING + 2 * LEASE, tick=True):
                for on in days(FIRST, LAST):
                    nightly.run(house.pk, on, at=MORNING + 2 * LEASE, by_hand=True)
            stands = {on: tiers_on(house, on) for on in days(FIRST, LAST)}
            doors = dict(house.patronages.values_list("external_id", "tier"))
            forget(house)
            for on in days(FIRST, LAST):
                night(house, on)
            assert {on: [row[:2] for row in rows] for on, rows in stands.items()} == {
                on: [row[:2] for row in tiers_on(house, on)] for on in days(FIRST, LAST)
            }
            assert doors == dict(house.patronages.values_list("external_id", "tier"))
            forget(house)


def in_a_session_of_its_own(work: Callable[[], Any]) -> None:
    """Done and committed by somebody else while a transaction of ours is open; who waits for us is told off."""
    failed: list[BaseException] = []

    def alone() -> None:
        try:
            connection.cursor().execute("SET lock_timeout = '3s'")
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=alone)
    other.start()
    other.join()
    assert failed == []


def test_a_visit_waits_for_no_night(house):
    """Logged while the night of its store is being written: it is there at once, and it counts the night after."""
    for on in days(FIRST, LAST):
        night(house, on)
    guest = put_on_file(house, "走进来的", noon(LAST), external_id="K50")
    night(house, LAST)

    def walk_in() -> None:
        come(house, guest, LAST + timedelta(days=1), 5_000)

    night(house, LAST, fence=lambda: in_a_session_of_its_own(walk_in))
    night(house, LAST + timedelta(days=1))
    assert label(house, guest) == "A"


@pytest.mark.parametrize("before", ["INSERT INTO candidates", "EXISTS", "FOR NO KEY UPDATE"])
def test_a_bill_of_the_day_after_is_never_of_the_night(house, before):
    """Whenever in the course of the night of D the first bill of D + 1 is committed, what is decided is as of D."""
    use(house, ladder(rule("visits_total", 1), id="came"), LAST)
    guest = put_on_file(house, "新来的", noon(LAST), external_id="K60")
    done: list[Any] = []

    def hook(execute: Any, sql: str, *more: Any) -> Any:
        if before in sql and not done:
            done.append(sql)
            in_a_session_of_its_own(lambda: come(house, guest, LAST + timedelta(days=1), 100))
        return execute(sql, *more)

    with connection.execute_wrapper(hook):
        night(house, LAST)
    assert done and label(house, guest) == "B"
    decision = TierDecision.objects.get(customer=guest, axis="tier")
    assert decision.facts == {"visits_total": 0}
    night(house, LAST + timedelta(days=1))
    assert label(house, guest) == "A"


def test_the_command_killed_from_outside_and_given_again(house):
    """`manage.py nightly --on` with SIGKILL at a moment dealt at random while it runs; given again, it ends the night."""
    today = date.today() - timedelta(days=1)
    with time_machine.travel(noon(today), tick=True):
        use(house, preset("recent_month_abc") | {"grace_days": 1}, today - timedelta(days=9))
    command = [
        sys.executable,
        str(ROOT / "manage.py"),
        "nightly",
        "--store",
        house.code,
        "--on",
        today.isoformat(),
    ]
    server = settings.DATABASES["default"]
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{server['USER']}@/{connection.settings_dict['NAME']}"
        f"?host={server['HOST']}&port={server['PORT']}",
    }
    quiet = {"env": environment, "stdout": subprocess.DEVNULL}
    subprocess.run(command, check=True, **quiet)
    rows = written(house)
    forget(house)
    dice = random.Random(7)
    killed = 0
    for _ in range(2):
        worker = subprocess.Popen(command, **quiet)
        deadline = time.monotonic() + 60
        while not Run.objects.filter(business_date=today, state="running").exists() and worker.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(dice.random() * 0.03)
        worker.kill()
        killed += worker.wait() == -signal.SIGKILL
        Run.objects.filter(state="running").update(heartbeat_at=datetime.now(UTC) - LEASE)
    assert killed
    subprocess.run(command, check=True, **quiet)
    assert written(house) == rows
