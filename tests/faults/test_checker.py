"""The checker itself: it sees every kind of violation, and none where there is none."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.faults.checker import Owed, check

CLOSES = datetime(2026, 6, 20, 19, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
WINDOW = timedelta(seconds=4)
SECOND = timedelta(seconds=1)


def entry(
    at: datetime, phone: str = "138", out_id: str = "m", accepted: datetime | None = None
) -> dict[str, str]:
    return {"phone": phone, "out_id": out_id, "signed_at": at.isoformat(), "at": (accepted or at).isoformat()}


@pytest.mark.parametrize(
    ("owed", "taken", "kinds"),
    [
        pytest.param(Owed("once"), [entry(CLOSES)], [], id="once"),
        pytest.param(Owed("once"), [], ["lost"], id="lost"),
        pytest.param(Owed("once"), [entry(CLOSES), entry(CLOSES)], ["doubled"], id="one-id-twice"),
        pytest.param(Owed("once"), [entry(CLOSES), entry(CLOSES, out_id="n")], ["doubled"], id="two-ids"),
        pytest.param(Owed("no", must=False, never=True), [], [], id="refused-and-left-alone"),
        pytest.param(Owed("no", must=False, never=True), [entry(CLOSES)], ["refused"], id="refused"),
        pytest.param(Owed("left", must=False, until=CLOSES), [], [], id="left-before"),
        pytest.param(Owed("left", must=False, until=CLOSES), [entry(CLOSES)], [], id="just-before-it-was-said"),
        pytest.param(Owed("left", must=False, until=CLOSES), [entry(CLOSES + SECOND)], ["refused"], id="after"),
        pytest.param(Owed("open", must=False, closes=CLOSES), [entry(CLOSES - SECOND)], [], id="in-the-window"),
        pytest.param(Owed("open", must=False, closes=CLOSES), [entry(CLOSES)], ["outside"], id="at-closing"),
        pytest.param(
            Owed("open", must=False, closes=CLOSES), [entry(CLOSES - SECOND, accepted=CLOSES + WINDOW)], [],
            id="on-its-way-at-closing",
        ),
        pytest.param(
            Owed("open", must=False, closes=CLOSES), [entry(CLOSES - SECOND, accepted=CLOSES + WINDOW + SECOND)],
            ["outside"], id="too-long-on-its-way",
        ),
    ],
)  # fmt: skip
def test_what_it_sees(owed, taken, kinds):
    assert [found.kind for found in check({"138": owed}, taken, window=WINDOW)] == kinds


def test_a_number_that_nobody_knows():
    [found] = check({}, [entry(CLOSES)], window=WINDOW)
    assert (found.kind, found.phone) == ("stranger", "138")


def test_before_the_end_nothing_is_lost_yet():
    assert check({"138": Owed("once")}, [], window=WINDOW, at_the_end=False) == []
