"""The night's figures: each against floor S, measured in turn on the same connection's data."""

import threading
import time
from collections import deque
from typing import Any

from bench.measure import Cost, Figure, Pairs, alternate, versus
from bench.worker import Worker

SAMPLE = 300


class Rounds:
    """One database, one worker on it (and a second for P2), and the day that its nights decide."""

    def __init__(self, url: str, worker: Worker) -> None:
        self.url = url
        self.worker = worker
        settled = worker.answer("settle")
        self.on: str = settled["on"]
        self.sizes: list[list[int]] = settled["stores"]
        self.stores = [store_id for store_id, _ in self.sizes]
        self.guests = sum(guests for _, guests in self.sizes)
        self.visits: int = settled["visits"]
        self.tiers: dict[str, int] = settled["tiers"]
        self.salt = 0
        self.wrong: list[str] = []

    def floor(self) -> Cost:
        """Floor S."""
        return self.worker.cost("floor", stores=self.stores, on=self.on)

    def shake(self, percent: int, store_id: int | None = None) -> int:
        """A new choice of guests whom last night had graded otherwise."""
        self.salt += 1
        return self.worker.answer("shake", on=self.on, percent=percent, salt=self.salt, store_id=store_id)

    def night(self, percent: int = 1) -> Cost:
        """The night of all stores on one connection, after a shake."""
        changed, cost = self.worker.ask("night", on=self.on, stores=self.stores, approved=percent > 5)
        self._check(changed, percent)
        return cost

    def night_on_two(self, second: Worker) -> Cost:
        """The same on two connections that take stores, the largest first, from one queue."""
        left = deque(self.stores)
        changed: list[int] = []
        used: list[float] = []

        def take(worker: Worker) -> None:
            while left:
                try:
                    store_id = left.popleft()
                except IndexError:
                    return
                answer, cost = worker.ask("night", on=self.on, stores=[store_id])
                changed.append(answer)
                used.append(cost.cpu)

        started = time.perf_counter()
        threads = [threading.Thread(target=take, args=(worker,)) for worker in (self.worker, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall = time.perf_counter() - started
        self._check(sum(changed), 1)
        return Cost(sum(used), wall)

    def _check(self, changed: int, percent: int) -> None:
        if not changed or abs(changed / self.guests - percent / 100) > percent / 400 + 0.002:
            self.wrong.append(f"a night changed {changed} of {self.guests}, {percent} % were chosen")


def correctness(rounds: Rounds) -> list[Figure]:
    """Before anything is timed: the floor reads the index alone, the answers are right, a second run writes nothing."""
    plan = rounds.worker.answer("floor_plan", stores=rounds.stores, on=rounds.on)
    told = rounds.worker.answer("compare", on=rounds.on, guests=SAMPLE, seed=1)
    for sentence in told["wrong"][:20]:
        print(f"  wrong: {sentence}")
    rounds.shake(1)
    rounds.night()
    after = rounds.worker.answer("written")
    again = rounds.worker.answer("night", on=rounds.on, stores=rounds.stores)
    more = rounds.worker.answer("written")
    rows = again + more["decisions"] - after["decisions"] + more["wrong_labels"]
    tiers = ", ".join(f"{code} {n}" for code, n in sorted(told["tiers"].items()))
    share = plan["heap_fetches"] / max(plan["rows"], 1)
    scans = "; ".join(plan["scans"])
    return [
        Figure(
            "answers", f"facts and tiers unlike a plain Python count, {SAMPLE} guests", len(told["wrong"]),
            "differences", 0, exact=True, note=f"{told['compared']} compared; {tiers}",
        ),
        Figure("P5", "rows written by a second run at once", rows, "rows", 0, exact=True),
        Figure(
            "floor_plan", "floor S: rows fetched from the table itself", round(share, 5), "of all rows", 0.01, note=scans
        ),
    ]  # fmt: skip


def night_figures(rounds: Rounds, small: Rounds | None) -> list[Figure]:
    """P1, P2, P4, P6 and P10."""
    one = _nights(rounds, 1, 5)
    figures = [
        versus("P1", "nightly re-tier, 14 facts, 1 % changed, against floor S", one, 4.5),
        _on_two(rounds),
        versus("P4_10", "the same, 10 % changed", _nights(rounds, 10, 3), 6),
        versus("P4_100", "the same, 100 % changed", _nights(rounds, 100, 3), 18),
    ]
    if small:
        figures.append(_growth(rounds, small))
    figures.append(_preview(rounds))
    return figures


def _nights(rounds: Rounds, percent: int, pairs: int) -> Pairs:
    return alternate(
        rounds.floor,
        lambda: rounds.night(percent),
        before_goal=lambda: rounds.shake(percent),
        pairs=pairs,
    )


def _on_two(rounds: Rounds) -> Figure:
    with Worker(rounds.url) as second:
        second.answer("floor", stores=rounds.stores, on=rounds.on)
        pairs = alternate(
            rounds.floor,
            lambda: rounds.night_on_two(second),
            before_goal=lambda: rounds.shake(1),
            of="wall",
        )
    note = f"{pairs.goal('cpu'):.2f} CPU s"
    return versus("P2", "the same on two workers, wall", pairs, 2.6, of="wall", note=note)


def _growth(rounds: Rounds, small: Rounds) -> Figure:
    def little() -> Cost:
        small.shake(1)
        return small.night()

    pairs = alternate(little, rounds.night, before_goal=lambda: rounds.shake(1))
    times = rounds.guests / small.guests
    return versus("P6", f"{times:g} times the guests at equal store size", pairs, 1.05 * times)


def _preview(rounds: Rounds) -> Figure:
    store_id, guests = rounds.sizes[len(rounds.sizes) // 2]

    def night() -> Cost:
        rounds.shake(1, store_id)
        return rounds.worker.cost("night", on=rounds.on, stores=[store_id])

    def preview() -> Cost:
        return rounds.worker.cost("preview", on=rounds.on, store_id=store_id)

    preview()
    pairs = alternate(night, preview)
    return versus(
        "P10", f"preview of a store of {guests:,} guests, against its night", pairs, 1.0,
        note=f"{pairs.goal('wall') * 1000:.0f} ms",
    )  # fmt: skip


def told(rounds: Rounds) -> dict[str, Any]:
    """What there is, for the head of the report."""
    return {"guests": rounds.guests, "visits": rounds.visits, "stores": len(rounds.stores), "on": rounds.on}
