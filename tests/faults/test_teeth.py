"""The fault tests can bite: take any one of the safeties out, and the ledger shows it.

Every variant goes through the same ordeal in a process, a database and before a provider of its own; so does the relay
as it ships, of which the checker finds nothing. All of them at the same time, because they mostly wait.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import pytest

from care.simulator.server import SimulatorServer, make_server
from common.clock import now
from crm.embedded.process import Child
from tests.faults.broken import CAUGHT, PATCHES
from tests.faults.checker import Owed, Violation, check
from tests.faults.ground import BASE, WINDOW, Ground, free_port
from tests.faults.seed import phones, zone_for

# For the suite's own database, whose tables the others get.
pytestmark = pytest.mark.django_db
GROUPS = {"steady": 24, "closing": 6, "left_consent": 8, "never": 3, "mourning": 3, "unwilling": 3, "pair": 8}
AT_MOST = 100.0


@dataclass
class Trial:
    """One variant under way: its process and its provider."""

    child: Child
    provider: SimulatorServer

    def violations(self, *, at_the_end: bool) -> list[Violation]:
        """What the ledger shows so far."""
        closed = self.closed()
        if closed is None:
            return []
        owed = {}
        for group, number in GROUPS.items():
            for phone in phones(group, number):
                owed[phone] = Owed(
                    group,
                    must=group in ("steady", "pair"),
                    never=group in ("left_consent", "never", "mourning", "unwilling"),
                    closes=closed if group == "closing" else None,
                )
        taken = [asdict(entry) for entry in self.provider.desk.ledger.select()]
        return check(owed, taken, window=timedelta(seconds=WINDOW), at_the_end=at_the_end)

    def closed(self) -> datetime | None:
        """The moment the store's hours ended, once the process has come so far."""
        lines = self.child.log.read_text(errors="replace").splitlines() if self.child.log else []
        said = [line.removeprefix("closed ") for line in lines if line.startswith("closed ")]
        return datetime.fromisoformat(said[0]) if said else None


@pytest.fixture(scope="module")
def trials(ground: Ground) -> Iterator[dict[str, Trial]]:
    """Every variant, and "" for the relay as it ships, each begun."""
    filling = f"from tests.faults.seed import fill; fill({GROUPS!r}, {zone_for(now())!r})"
    ground.run("seed", filling, ground.environment(BASE, "http://127.0.0.1:1"))
    found = {variant: _begin(ground, variant) for variant in ("", *PATCHES)}
    yield found
    for trial in found.values():
        trial.child.kill_group()
        trial.provider.shutdown()
        trial.provider.server_close()


def _begin(ground: Ground, variant: str) -> Trial:
    name, hooks = f"faults_{variant or 'sound'}", free_port()
    ground.clone(BASE, name)
    provider = make_server(0, aliyun_window_s=WINDOW, env={})
    threading.Thread(target=provider.serve_forever, args=[0.05], daemon=True).start()
    behave = provider.desk.behaviour
    # Enough of them for three threads to meet some, whichever texts come first.
    for mode in ("reset_after_accept", "reset_before_accept"):
        behave.set({"mode": mode, "probability": 0.25, "count": 5, "add": True})
    behave.set({"query_lag_ms": 3000})
    provider.desk.pusher.configure(
        {"url": f"http://127.0.0.1:{hooks}/hooks/sms/{{provider}}/receipts/", "mode": "twice", "status": "mixed",
         "undelivered_share": 0.3, "delay_ms": 300}
    )  # fmt: skip
    said = f"import django; django.setup(); from tests.faults.ordeal import main; main({variant!r}, {hooks})"
    return Trial(ground.start(name, ["-c", said], ground.environment(name, provider.url)), provider)


def _until_it_shows(trial: Trial, wanted: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Wait for a violation of a kind in a group, at most to the end of the trial; all that were found."""
    until = time.monotonic() + AT_MOST
    while True:
        over = trial.child.exit_code() is not None
        found = {(each.kind, each.group) for each in trial.violations(at_the_end=over)}
        if wanted & found or over or time.monotonic() > until:
            return found
        time.sleep(0.3)


def test_of_the_relay_as_it_ships_the_checker_finds_nothing(trials):
    trial = trials[""]
    _until_it_shows(trial, set())
    assert trial.child.exit_code() == 0, trial.child.last_words()
    assert trial.violations(at_the_end=True) == []
    rules = trial.provider.desk.behaviour.as_json()["rules"]
    assert {rule["mode"]: rule["hits"] > 0 for rule in rules} == {
        "reset_after_accept": True, "reset_before_accept": True,
    }  # fmt: skip
    assert trial.provider.desk.pusher.as_json()["pushed"] > 0
    assert len(trial.provider.desk.ledger.select()) == GROUPS["steady"] + GROUPS["pair"]


@pytest.mark.parametrize("variant", PATCHES)
def test_a_relay_without_one_of_its_safeties_is_caught(trials, variant):
    trial = trials[variant]
    kind, groups = CAUGHT[variant]
    wanted = {(kind, group) for group in groups}
    found = _until_it_shows(trial, wanted)
    trial.child.kill_group()
    assert wanted & found, f"{variant}: {found}\n{trial.child.last_words()}"
