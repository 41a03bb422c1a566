"""Everything goes wrong at once, and every guest gets one text. The ledger of the provider decides.

The small form runs with the suite, the whole with `make faults` (FAULTS=full).
"""

import os
import time

import pytest

from tests.faults.nemesis import LEAVERS, Run, Size

pytestmark = pytest.mark.django_db
SMALL = Size(
    texts=200, closing=40, leavers=6, kills=4, pauses=1, crashes=1, flushes=1, beats=2, workers=1, relays=2, threads=3,
    delay_ms=50, settle_within=90,
)  # fmt: skip
WHOLE = Size(
    texts=10_000, closing=600, leavers=100, kills=50, pauses=6, crashes=3, flushes=3, beats=5, workers=2, relays=4,
    threads=6, delay_ms=20, settle_within=900,
)  # fmt: skip


def test_everything_goes_wrong(hard_ground, capsys):
    size = WHOLE if os.environ.get("FAULTS") == "full" else SMALL
    run = Run(hard_ground, size, seed=int(os.environ.get("FAULTS_SEED", "20260620")))
    run.prepare()
    begun = time.monotonic()
    run.go()
    settled = run.settle()
    report = run.report(time.monotonic() - begun, settled)
    if size is WHOLE:
        with capsys.disabled():
            print(f"\n{report}")
    assert run.violations() == [], report
    assert run.disagreements() == {"ours alone": 0, "theirs alone": 0}, report
    told = run.figures()
    assert told["calamities"] == {
        "kill": size.kills, "pause": size.pauses, "crash": size.crashes, "flush": size.flushes, "plan_again": 1,
        **dict.fromkeys(LEAVERS, size.leavers),
    }, report  # fmt: skip
    # It was no walk in the park: texts were held back at closing, guests left in time, answers went missing.
    assert told["after the second store closed"] > 0, report
    assert told["left before their text"] > 0, report
    assert told["attempts"].get("unknown", 0) > 0, report
