"""The relay as a process: it sends everything once, also when it is killed, and ends when told to."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from care.channels import provider_from_settings
from care.channels.base import Reply
from care.models import Attempt, Message, Task
from care.relay import Relay
from care.services import inbox, outbox
from care.timing import Timing
from common.clock import now
from customers.models import OptOut
from ops.models import Heartbeat
from tests.care.stage import account, due_text, guests

ROOT = Path(__file__).resolve().parents[2]
# Short figures, in the same order as the real ones: a signature ages out before a doubt may be settled.
WINDOW, LEASE, SETTLE, ASK_AGAIN = 3, 1, 5, 1
SHORT = {
    "SMS_LEASE_SECONDS": str(LEASE), "SMS_SETTLE_SECONDS": str(SETTLE),
    "SMS_ASK_AGAIN_SECONDS": str(ASK_AGAIN),
}  # fmt: skip


class Ledger:
    """A simulated provider in a process of its own, and what it took."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, wish: dict) -> None:
        request = urllib.request.Request(self.url + path, json.dumps(wish).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def taken(self) -> Counter[str]:
        """How often each of our ids was accepted."""
        return Counter(entry["out_id"] for entry in self.get("/ledger")["accepted"])


@pytest.fixture
def ledger(tmp_path) -> Iterator[Ledger]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [
        "--port",
        str(port),
        "--state",
        str(tmp_path / "ledger"),
        "--no-fsync",
        "--aliyun-window",
        str(WINDOW),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "care.simulator", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield Ledger(port)
    process.kill()
    process.wait()


def database_url() -> str:
    """The address of the database these tests run in."""
    found = settings.DATABASES["default"] | {"NAME": connection.settings_dict["NAME"]}
    place = quote(str(found["HOST"]), safe="") + (f":{found['PORT']}" if found["PORT"] else "")
    who = quote(str(found["USER"]), safe="")
    if found["PASSWORD"]:
        who += f":{quote(str(found['PASSWORD']), safe='')}"
    return f"postgresql://{who}@{place}/{quote(str(found['NAME']))}"


class Relays:
    """Relay processes of a test, started and always ended."""

    def __init__(self, ledger: Ledger, log: Path) -> None:
        self.environment = os.environ | account(ledger.url, **SHORT) | {"DATABASE_URL": database_url()}
        self.log = log
        self.all: list[subprocess.Popen] = []

    def start(self, **more: str) -> subprocess.Popen:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "relay", "--threads", "4"],
                cwd=ROOT, env=self.environment | more, stdout=log, stderr=log,
            )  # fmt: skip
        self.all.append(process)
        return process

    def end(self) -> None:
        for process in self.all:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture
def relays(transactional_db, ledger, tmp_path) -> Iterator[Relays]:
    found = Relays(ledger, tmp_path / "relay.log")
    yield found
    found.end()


def wait_until(true, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.1)


def plan(store, number: int) -> None:
    opens = now() - timedelta(hours=1)
    store.messages_from, store.messages_until = "00:00", "23:59:59"
    store.save()
    for person in guests(store, number):
        due_text(person, store, opens=opens, closes=opens + timedelta(days=1))


def states() -> Counter[str]:
    return Counter(Message.objects.values_list("state", flat=True))


def test_killed_in_the_middle_of_two_hundred_texts(relays, store, ledger):
    """Three times `kill -9` at random moments: the ledger has every text exactly once."""
    plan(store, 200)
    ledger.post("/behave", {"delay_ms": 60})
    ledger.post("/receipts/configure", {"mode": "never"})
    dice = random.Random(20260620)
    for _ in range(3):
        before = sum(ledger.taken().values())
        relay = relays.start()
        wait_until(lambda before=before: sum(ledger.taken().values()) > before + 5)
        time.sleep(dice.random() / 2)
        relay.send_signal(signal.SIGKILL)
        relay.wait()
    assert 15 < sum(ledger.taken().values()) < 200, "it was not killed in the middle"
    assert states()["sending"] > 0, "no text was in a sender's hands"
    relays.start()
    wait_until(lambda: states() == {"accepted": 200})
    taken = ledger.taken()
    assert set(taken.values()) == {1}
    assert set(taken) == {str(pk) for pk in Message.objects.values_list("pk", flat=True)}
    assert Task.objects.count() == 0


def test_a_provider_with_every_fault(relays, store, ledger):
    """Answers lost after and before acceptance: never twice, and in the end everybody has it."""
    plan(store, 40)
    ledger.post("/receipts/configure", {"mode": "never"})
    share = {"probability": 0.12, "add": True}
    for mode in ("reset_after_accept", "reset_before_accept", "error_5xx_after_accept", "error_5xx_before",
                 "garbage_after_accept"):  # fmt: skip
        ledger.post("/behave", {"mode": mode, **share})
    relays.start()
    wait_until(lambda: states() == {"accepted": 40})
    assert set(ledger.taken().values()) == {1}
    assert len(ledger.taken()) == 40
    assert Attempt.objects.filter(outcome="unknown").count() > 5


def test_two_relays_side_by_side(relays, store, ledger):
    plan(store, 60)
    ledger.post("/behave", {"delay_ms": 40})
    ledger.post("/receipts/configure", {"mode": "never"})
    relays.start()
    relays.start()
    wait_until(lambda: states() == {"accepted": 60})
    assert set(ledger.taken().values()) == {1}
    who = {claimed.rsplit(":", 1)[0] for claimed in Message.objects.values_list("claimed_by", flat=True)}
    assert len(who) == 2


def test_a_relay_that_was_frozen_past_its_lease(relays, store, ledger):
    """SIGSTOP with texts in its hands; another relay settles the doubts; the sleeper breaks nothing."""
    plan(store, 40)
    ledger.post("/behave", {"delay_ms": 150})
    ledger.post("/receipts/configure", {"mode": "never"})
    sleeper = relays.start()
    wait_until(lambda: sum(ledger.taken().values()) > 4)
    sleeper.send_signal(signal.SIGSTOP)
    time.sleep(LEASE + 0.5)
    relays.start()
    wait_until(lambda: states() == {"accepted": 40})
    sleeper.send_signal(signal.SIGCONT)
    time.sleep(2)
    assert states() == {"accepted": 40}
    assert set(ledger.taken().values()) == {1}
    assert len(ledger.taken()) == 40


def test_it_ends_cleanly_when_told_to(relays, store, ledger):
    plan(store, 200)
    ledger.post("/behave", {"delay_ms": 50})
    relay = relays.start()
    wait_until(lambda: sum(ledger.taken().values()) > 4)
    relay.send_signal(signal.SIGTERM)
    assert relay.wait(timeout=10) == 0
    assert states()["sending"] == 0
    assert states()["accepted"] + states()["delivered"] == sum(ledger.taken().values()) < 200
    assert "relay: stopped" in relays.log.read_text()


def test_without_a_provider_it_idles_with_its_heartbeat(relays, store, ledger):
    """What is over ends with a call, what was pushed is applied, nothing is sent."""
    plan(store, 2)
    late = Message.objects.first()
    Message.objects.filter(pk=late.pk).update(expires_at=now() - timedelta(seconds=1))
    inbox.keep("reply", "aliyun", [Reply("aliyun", "13900008888", "R", None, "k")], at=now())
    relay = relays.start(SMS_PROVIDER="none")
    wait_until(lambda: Heartbeat.objects.filter(name="relay").exists() and OptOut.objects.exists())
    wait_until(lambda: Task.objects.count() == 1)
    first = Heartbeat.objects.get(name="relay").beat_at
    wait_until(lambda: Heartbeat.objects.get(name="relay").beat_at > first)
    assert states() == {"expired": 1, "pending": 1}
    assert ledger.taken() == {}
    relay.terminate()
    assert relay.wait(timeout=10) == 0


def test_nonsense_in_the_settings_is_refused_at_start(relays):
    relay = relays.start(SMS_PROVIDER="pigeon")
    assert relay.wait(timeout=60) == 1
    assert relays.log.read_text().strip().splitlines()[-1].startswith("CommandError: relay: SMS_PROVIDER")


# ---- in this process ----


def test_a_database_that_restarts_under_an_answer(transactional_db, simulator, store, monkeypatch):
    """The outcome is written at the third try."""
    plan(store, 1)
    env = account(simulator.url)
    relay = Relay(provider_from_settings(env), Timing(), env)
    original, tries = outbox.settle, []

    def failing(*args, **kwargs):
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("terminating connection due to administrator command")
        return original(*args, **kwargs)

    monkeypatch.setattr(outbox, "settle", failing)
    monkeypatch.setattr("care.relay.time.sleep", lambda _: None)
    assert relay.send_one() is True
    assert (len(tries), states()) == (3, {"accepted": 1})
    assert relay.send_one() is False
