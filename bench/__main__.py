"""All benchmarks, or those named: `python -m bench [nights] [visits] [messages] [realdata]`.

Sizes come from BENCH_CUSTOMERS, BENCH_VISITS and BENCH_STORES. Prints a table, writes `bench/results/latest.json`.
A figure that misses its goal is printed as MISSED; only a wrong answer makes the exit code 1.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from bench.against import against_figures, waiting_figures
from bench.asking import asking_figures
from bench.ground import ROOT, Size, copy_of, database
from bench.measure import HEAD, Figure, write_results
from bench.messages import message_figures
from bench.rounds import Rounds, correctness, night_figures
from bench.visits import visit_figures
from bench.worker import Worker
from crm.embedded.process import LauncherError
from crm.embedded.servers import ensure_servers

PARTS = ("nights", "visits", "messages", "realdata")


def main(words: list[str]) -> int:
    """Measure, print, keep; 1 when an answer was wrong."""
    if unknown := set(words) - set(PARTS):
        raise SystemExit(f"There is no {', '.join(sorted(unknown))} here: {', '.join(PARTS)}.")
    parts = words or PARTS
    started = time.monotonic()
    figures: list[Figure] = []
    with servers() as folder:
        size = Size.asked()
        print(
            f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {size}", flush=True
        )
        print(HEAD, flush=True)
        if "nights" in parts:
            show(figures, nights(size))
        if "visits" in parts:
            with copy_of(database(size.tenth())) as copy:
                show(figures, visit_figures(copy, folder))
                show(figures, waiting_figures(copy))
        if "messages" in parts:
            with copy_of(database(size)) as copy:
                show(figures, message_figures(copy, size))
    if "realdata" in parts:
        show(figures, [realdata()])
    write_results(figures)
    wrong = [figure.id for figure in figures if figure.exact and not figure.holds]
    missed = [figure.id for figure in figures if figure.judged and not figure.holds and not figure.exact]
    print(
        f"\n{len(figures)} figures in {time.monotonic() - started:.0f} s; missed: {', '.join(missed) or 'none'}"
    )
    if wrong:
        print(f"WRONG: {', '.join(wrong)}")
    return 1 if wrong else 0


def show(figures: list[Figure], more: list[Figure]) -> None:
    """Print what was just measured and keep it."""
    for figure in more:
        print(figure.as_line(), flush=True)
    figures += more


def nights(size: Size) -> list[Figure]:
    """Everything about the night, on the whole database and on one of a tenth."""
    url, tenth = database(size), database(size.tenth())
    with Worker(url) as large, Worker(tenth) as little:
        rounds = Rounds(url, large)
        # With fewer than ten stores a tenth of them would not be of the same size.
        small = Rounds(tenth, little) if size.stores >= 10 else None
        found = correctness(rounds)
        if all(figure.holds for figure in found if figure.exact):
            found += night_figures(rounds, small)
            found += against_figures(rounds)
            found += asking_figures(rounds)
        wrong = rounds.wrong + (small.wrong if small else [])
        what, note = "nights that changed what nobody chose", "; ".join(wrong[:3])
        return [*found, Figure("changes", what, len(wrong), "nights", 0, exact=True, note=note)]


def realdata() -> Figure:
    """A year of real baskets through the program's commands, compared with a second computation: all households."""
    environment = os.environ | {"REALDATA": "full"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        argv = [
            sys.executable,
            "-m",
            "pytest",
            "tests/realdata",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
        ]
        started = time.monotonic()
        done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True)
        if not report.exists():
            raise SystemExit(f"pytest did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        suite = next(ElementTree.parse(report).iter("testsuite"))
    told = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    unlike = told["failures"] + told["errors"] + told["skipped"]
    if unlike:
        print(done.stdout[-4000:])
    took = time.monotonic() - started
    return Figure(
        "realdata", "comparisons of The Complete Journey that differ", unlike, "differences", 0, exact=True,
        note=f"{told['tests']} tests in {took:.0f} s",
    )  # fmt: skip


@contextmanager
def servers() -> Iterator[Path]:
    """The servers of the environment, else some of their own in a folder that is removed; a folder for logs."""
    folder = Path(tempfile.mkdtemp(prefix="shuke-bench-"))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        given = bool(os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))
        with ensure_servers(folder) as found:
            os.environ.update(DATABASE_URL=found.database_url, REDIS_URL=found.redis_url)
            if not given:
                os.environ["CRM_STATE_DIR"] = str(folder)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as refusal:
        sys.exit(str(refusal))
