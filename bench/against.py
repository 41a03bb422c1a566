"""The night against other ways to do it, what it takes in memory, and who waits meanwhile: P3, P7, P8, P9."""

import statistics
import threading
import time
from typing import Any

from bench.measure import Cost, Figure, Peaks, alternate, versus
from bench.rounds import Rounds
from bench.worker import Worker

JUDGED_FROM = 1_000_000
LIMIT_MB = 128
ONE_BY_ONE = 60
VISIT_EVERY_MS, VISITS_AT_LEAST, NIGHTS_AT_MOST = 5, 400, 12


def against_figures(rounds: Rounds) -> list[Figure]:
    """P3, P7 and P8."""
    return [_against_a_scan(rounds), *_memory(rounds), *_against_the_orm(rounds)]


def _against_a_scan(rounds: Rounds) -> Figure:
    floor, whole = (
        rounds.worker.answer(do, **said)
        for do, said in (("floor", {"stores": rounds.stores, "on": rounds.on}), ("whole", {"on": rounds.on}))
    )
    if floor != whole:
        rounds.wrong.append(f"the floor found {floor}, the scan {whole}")
    with Worker(rounds.url) as second:
        second.answer("floor", stores=rounds.stores, on=rounds.on)
        pairs = alternate(
            lambda: rounds.worker.cost("whole", on=rounds.on),
            lambda: rounds.night_on_two(second),
            before_goal=lambda: rounds.shake(1),
            of="wall",
            pairs=3,
        )
    return versus(
        "P3", "the night on two workers, against one scan of the whole table, wall", pairs, 0.5, of="wall",
        judged=rounds.guests >= 0.99 * JUDGED_FROM, note="judged from a million guests",
    )  # fmt: skip


def _memory(rounds: Rounds) -> list[Figure]:
    rounds.shake(100)
    # A worker that has done nothing else yet.
    with Worker(rounds.url) as fresh:
        server, worker = fresh.answer("backend"), fresh.process.pid
        with Peaks(server, worker) as peaks:
            fresh.answer("night", on=rounds.on, stores=rounds.stores, approved=True)
    return [
        Figure(id, f"peak anonymous memory of {what}, 100 % changed", peaks.seen[pid], "MB", LIMIT_MB)
        for id, what, pid in (
            ("P7_server", "the server's connection", server),
            ("P7_worker", "the worker", worker),
        )
    ]


def _against_the_orm(rounds: Rounds) -> list[Figure]:
    """Our whole night against what the others need for a part of the guests, times as many as there are."""
    store_id, guests = rounds.sizes[len(rounds.sizes) // 2]
    unlike: list[int] = []

    def ours() -> Cost:
        rounds.shake(1)
        return rounds.night()

    def rival(do: str, **said: Any) -> Cost:
        answer, cost = rounds.worker.ask(do, on=rounds.on, store_id=store_id, **said)
        unlike.append(answer["unlike"])
        times = rounds.guests / answer["guests"]
        return Cost(cost.cpu * times, cost.wall * times)

    def shake() -> None:
        rounds.shake(1, store_id)

    bulk = alternate(ours, lambda: rival("orm_bulk"), before_goal=shake, pairs=3)
    one_by_one = alternate(ours, lambda: rival("naive", guests=ONE_BY_ONE), before_goal=shake, pairs=2)
    return [
        versus(
            "P8_bulk", "CPU of the ORM in bulk, against our night", bulk, 20, at="least",
            note=f"a store of {guests:,} guests",
        ),
        versus(
            "P8_naive", "CPU of the ORM guest by guest, against our night", one_by_one, 1000, at="least",
            note=f"{ONE_BY_ONE} guests",
        ),
        Figure("P8_same", "decided otherwise by the two others", sum(unlike), "guests", 0, exact=True),
    ]  # fmt: skip


def waiting_figures(url: str) -> list[Figure]:
    """P9 on a database that it may spoil: visits through the service while everybody's tier changes."""
    with Worker(url) as worker, Worker(url) as till:
        rounds = Rounds(url, worker)
        till.answer("steady", seconds=0.5, every_ms=VISIT_EVERY_MS, salt=0)
        idle = [took for _, took in till.answer("steady", seconds=3, every_ms=VISIT_EVERY_MS, salt=1)]
        busy: list[float] = []
        nights = 0
        while len(busy) < VISITS_AT_LEAST and nights < NIGHTS_AT_MOST:
            nights += 1
            busy += _during_a_night(rounds, till)
    longest, quiet = max(busy), _p99(idle)
    median = statistics.median(busy) * 1000
    note = f"{len(busy)} visits, one every {VISIT_EVERY_MS} ms, in {nights} nights; median {median:.1f} ms"
    return [
        Figure("P9", "longest wait of a visit while all tiers change", longest * 1000, "ms", 150, note=note),
        Figure(
            "P9_p99", "99 of 100 visits then, against an idle evening", _p99(busy) * 1000, "ms", 3,
            floor=quiet * 1000, ratio=_p99(busy) / quiet, note=f"idle median {statistics.median(idle) * 1000:.1f} ms",
        ),
    ]  # fmt: skip


def _during_a_night(rounds: Rounds, till: Worker) -> list[float]:
    """How long the visits took that were under way while a night changed every tier."""
    rounds.shake(100)
    seen: list[list[float]] = []
    lasts = max(2.0, 40e-6 * rounds.guests)
    thread = threading.Thread(
        target=lambda: seen.extend(
            till.answer("steady", seconds=lasts, every_ms=VISIT_EVERY_MS, salt=rounds.salt)
        )
    )
    thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    rounds.night(100)
    ended = time.monotonic()
    thread.join()
    return [took for at, took in seen if at + took >= began and at <= ended]


def _p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]
