"""What a measurement is: CPU and wall seconds, floor and goal in turn, a figure with its goal, the table."""

import json
import os
import resource
import statistics
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results" / "latest.json"
STEADY = 0.15


@dataclass(frozen=True)
class Cost:
    """Seconds: `cpu` of the server's process and the client together, `wall` by the clock."""

    cpu: float
    wall: float


def cpu_of(pid: int) -> float:
    """CPU seconds a process of one thread has used on this machine, user and system.

    From the scheduler's own account in nanoseconds; where the kernel keeps none, in ticks of 10 ms.
    Raises SystemExit for a process that is not here: the database must run on this machine.
    """
    try:
        on_cpu = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        return on_cpu / 1e9 if on_cpu else cpu_of_threads(pid)
    except FileNotFoundError:
        raise SystemExit("The benchmarks need a Linux machine with the database on it.") from None


def cpu_of_threads(pid: int) -> float:
    """CPU seconds of a process and all its threads, in the kernel's ticks of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_of_this_process() -> float:
    """User and system seconds of this process, its ended children not counted."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Peaks:
    """The most anonymous memory (heap and stack, not what is shared) that processes had while this was open, in MB."""

    def __init__(self, *pids: int) -> None:
        self.seen = dict.fromkeys(pids, 0.0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while True:
            for pid in self.seen:
                self.seen[pid] = max(self.seen[pid], anonymous_mb(pid))
            if self._over.wait(0.03):
                return

    def __enter__(self) -> "Peaks":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def anonymous_mb(pid: int) -> float:
    """The anonymous memory of a process now, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


@dataclass(frozen=True)
class Pairs:
    """Floor and goal measured in turn, the same number of times."""

    floors: tuple[Cost, ...]
    goals: tuple[Cost, ...]

    def floor(self, of: str = "cpu") -> float:
        """The median floor in seconds of `cpu` or `wall`."""
        return statistics.median(getattr(cost, of) for cost in self.floors)

    def goal(self, of: str = "cpu") -> float:
        """The median of what was measured against it."""
        return statistics.median(getattr(cost, of) for cost in self.goals)

    def spread(self, of: str = "cpu") -> float:
        """The middle half of the floor's values, as a part of their median."""
        return spread([getattr(cost, of) for cost in self.floors])


def spread(values: Sequence[float]) -> float:
    """How far apart the middle half of `values` lies, as a part of the median."""
    first, middle, third = statistics.quantiles(values, n=4, method="inclusive")
    return (third - first) / middle


def alternate(
    floor: Callable[[], Cost],
    goal: Callable[[], Cost],
    *,
    before_goal: Callable[[], object] = lambda: None,
    of: str = "cpu",
    pairs: int = 5,
) -> Pairs:
    """Floor, goal, floor, goal …; twice as many pairs where the floor was not steady. `before_goal` is not timed."""
    floors: list[Cost] = []
    goals: list[Cost] = []
    for most in (pairs, 2 * pairs):
        while len(floors) < most:
            floors.append(floor())
            before_goal()
            goals.append(goal())
        if spread([getattr(cost, of) for cost in floors]) <= STEADY:
            break
    return Pairs(tuple(floors), tuple(goals))


@dataclass(frozen=True)
class Figure:
    """One line of the table. `ratio` is held against `goal`, at most or at least; without a floor `value` is.

    `exact`: a figure about being right, not fast; missing it fails the run. Not `judged`: its goal is for another
    size; it is shown and neither held nor missed.
    """

    id: str
    what: str
    value: float
    unit: str
    goal: float
    at: str = "most"
    floor: float | None = None
    ratio: float | None = None
    exact: bool = False
    judged: bool = True
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the goal is kept."""
        held = self.value if self.ratio is None else self.ratio
        if self.exact:
            return held == self.goal
        return held <= self.goal if self.at == "most" else held >= self.goal

    def as_json(self) -> dict[str, object]:
        """The line as written to the results file."""
        return {
            "id": self.id,
            "value": _rounded(self.value),
            "unit": self.unit,
            "floor": _rounded(self.floor),
            "ratio": _rounded(self.ratio),
            "goal": self.goal,
            "holds": self.holds if self.judged else None,
        }

    def as_line(self) -> str:
        """The line as printed."""
        sign = "=" if self.exact else "≤" if self.at == "most" else "≥"
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        floor = "" if self.floor is None else f"{self.floor:,.4g}"
        verdict = "holds" if self.holds else "MISSED"
        return (
            f"{self.id:<14} {verdict if self.judged else 'shown':<7} {ratio:>6} {sign} {self.goal:<6g} "
            f"{self.value:>10,.4g} {floor:>8} {self.unit:<12} {self.what}{f' ({self.note})' if self.note else ''}"
        )


HEAD = f"{'id':<14} {'':<7} {'ratio':>6}   {'goal':<6} {'value':>10} {'floor':>8} {'unit':<12} what"


def versus(
    id: str,
    what: str,
    pairs: Pairs,
    goal: float,
    *,
    of: str = "cpu",
    at: str = "most",
    judged: bool = True,
    note: str = "",
) -> Figure:
    """The figure of a series of pairs: the ratio of the medians."""
    unsteady = f"floor ±{pairs.spread(of) / 2:.0%}, {len(pairs.floors)} pairs"
    return Figure(
        id,
        what,
        pairs.goal(of),
        "CPU s" if of == "cpu" else "s",
        goal,
        at,
        floor=pairs.floor(of),
        ratio=pairs.goal(of) / pairs.floor(of),
        judged=judged,
        note=f"{note}; {unsteady}" if note else unsteady,
    )


def write_results(figures: Sequence[Figure], path: Path = RESULTS) -> None:
    """Keep the figures as JSON."""
    path.write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n", encoding="utf-8")


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else float(f"{value:.5g}")
