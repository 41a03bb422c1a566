"""A run of the whole: planned by many beats, sent by several relays, while everything that can go wrong does, in an order
that a seed decides.
"""

import json
import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from common.clock import now
from crm.embedded.process import Child
from tests.faults.checker import Owed, Violation, check
from tests.faults.ground import (
    ASK_AGAIN,
    BASE,
    LEASE,
    UNHEARD,
    WINDOW,
    Ground,
    Provider,
    answers,
    free_port,
    freeze,
    kill,
    thaw,
    until,
)
from tests.faults.seed import phones, zone_for

FAULTS = (
    ("accept_then_timeout", 0.01), ("timeout_before_accept", 0.005), ("reset_after_accept", 0.02),
    ("reset_before_accept", 0.02), ("error_5xx_after_accept", 0.02), ("error_5xx_before", 0.02),
    ("garbage_after_accept", 0.01), ("late_accept", 0.005),
)  # fmt: skip
LEAVERS = ("left_reply", "left_consent", "left_complaint")


@dataclass(frozen=True)
class Size:
    """How much of everything. `leavers`: of each kind."""

    texts: int
    closing: int
    leavers: int
    kills: int
    pauses: int
    crashes: int
    flushes: int
    beats: int
    workers: int
    relays: int
    threads: int
    delay_ms: int
    settle_within: int

    def groups(self) -> dict[str, int]:
        """How many guests of each group."""
        few = max(self.leavers // 2, 3)
        return {
            "steady": self.texts, "closing": self.closing, **dict.fromkeys(LEAVERS, self.leavers),
            **dict.fromkeys(("never", "mourning", "unwilling", "pair"), few),
        }  # fmt: skip


@dataclass
class Run:
    """One run. `left`: since when a number wants nothing; `closes`: when the second store's hours ended."""

    ground: Ground
    size: Size
    seed: int
    left: dict[str, datetime] = field(default_factory=dict)
    closes: datetime | None = None
    done: Counter[str] = field(default_factory=Counter)
    frozen: list[tuple[float, Child]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.hooks = f"http://127.0.0.1:{free_port()}"
        self.provider = Provider(self.ground, self.hooks)
        self.environment = self.ground.environment(BASE, self.provider.url)
        self.relays: list[Child] = []
        groups = self.size.groups()
        self.waiting = {group: deque(phones(group, groups[group])) for group in LEAVERS}

    # ---- before ----

    def prepare(self) -> None:
        """Guests on file; a web, beats and workers; texts planned by whichever of them comes first, and by hand again."""
        filling = f"from tests.faults.seed import fill; fill({self.size.groups()!r}, {zone_for(now())!r})"
        self.ground.run("seed", filling, self.environment)
        port = self.hooks.rpartition(":")[2]
        web = [
            "-m",
            "gunicorn",
            "crm.wsgi",
            "--worker-class",
            "gthread",
            "--threads",
            "4",
            "--bind",
            f"127.0.0.1:{port}",
        ]
        self.ground.start("web", web, self.environment)
        for _ in range(self.size.workers):
            worker = [
                "-m",
                "celery",
                "-A",
                "crm",
                "worker",
                "--concurrency",
                "1",
                "--without-mingle",
                "--without-gossip",
            ]
            self.ground.start("worker", worker, self.environment)
        for _ in range(self.size.beats):
            self.ground.start("beat", ["-m", "celery", "-A", "crm", "beat"], self.environment)
        until(lambda: answers(f"{self.hooks}/healthz"), 90)
        owed = sum(number for group, number in self.size.groups().items() if group != "pair")
        owed += 2 * self.size.groups()["pair"]
        until(lambda: self._count() == owed, 150)
        self._misbehave()

    def _count(self, states: str = "") -> int:
        where = f"WHERE state IN ({states})" if states else ""
        return int(self.ground.patiently(BASE, f"SELECT count(*) FROM care_message {where}")[0][0])

    def _misbehave(self) -> None:
        delay = self.size.delay_ms
        for mode, chance in FAULTS:
            rule = {"mode": mode, "probability": chance, "seconds": 1.0, "delay_ms": delay, "add": True}
            self.provider.post("/behave", rule)
        # Whatever no die falls for is merely slow: the first rule whose die falls decides.
        self.provider.post(
            "/behave", {"delay_ms": delay, "query_lag_ms": 300, "seed": self.seed, "add": True}
        )
        self.provider.post("/receipts/configure", {"mode": "shuffled", "status": "mixed", "delay_ms": 400})

    # ---- while ----

    def go(self) -> None:
        """Send, and let everything go wrong, one thing after the other as the ledger grows."""
        self._shut_the_second_store_soon()
        for _ in range(self.size.relays):
            self._start_relay()
        calamities = self._calamities()
        step = self.size.texts * 0.85 / len(calamities)
        for n, calamity in enumerate(calamities):
            self._await_progress((n + 1) * step)
            getattr(self, f"_{calamity}")()
            self.done[calamity] += 1
            self._thaw_in_time()
        self._thaw_in_time(wait=True)

    def _calamities(self) -> list[str]:
        size = self.size
        each = {
            "kill": size.kills, "pause": size.pauses, "crash": size.crashes, "flush": size.flushes,
            "plan_again": 1, **dict.fromkeys(LEAVERS, size.leavers),
        }  # fmt: skip
        found = [name for name, times in each.items() for _ in range(times)]
        self.dice.shuffle(found)
        return found

    def _await_progress(self, wanted: float) -> None:
        """Until so many were taken, or nothing has moved for some seconds because relays are frozen or dead."""
        end = time.monotonic() + 6
        while self.provider.get("/ledger?phone=0")["total"] < wanted and time.monotonic() < end:
            self._thaw_in_time()
            time.sleep(0.05)

    def _start_relay(self) -> None:
        argv = ["manage.py", "relay", "--threads", str(self.size.threads)]
        self.relays.append(self.ground.start("relay", argv, self.environment))

    def _shut_the_second_store_soon(self) -> None:
        """Its hours end a few seconds from now: most of its texts are still waiting then."""
        zone = self.ground.ask(BASE, "SELECT timezone FROM staff_store WHERE code = 'closing'")[0][0]
        self.closes = now() + timedelta(seconds=8)
        self.ground.ask(
            BASE, "UPDATE staff_store SET messages_until = (%s AT TIME ZONE %s)::time WHERE code = 'closing'",
            (self.closes, zone),
        )  # fmt: skip

    def _kill(self) -> None:
        victim = self.relays.pop(self.dice.randrange(len(self.relays)))
        kill(victim)
        self.frozen = [(end, relay) for end, relay in self.frozen if relay is not victim]
        self._start_relay()

    def _pause(self) -> None:
        """Longer than the lease, longer than the provider takes a signature."""
        victim = self.dice.choice(self.relays)
        freeze(victim)
        self.frozen.append((time.monotonic() + LEASE + WINDOW + 1, victim))

    def _thaw_in_time(self, *, wait: bool = False) -> None:
        while self.frozen:
            at = time.monotonic()
            for end, relay in self.frozen:
                if at >= end:
                    thaw(relay)
            self.frozen = [(end, relay) for end, relay in self.frozen if at < end]
            if not wait:
                return
            time.sleep(0.1)

    def _crash(self) -> None:
        self.ground.crash_postgres()

    def _flush(self) -> None:
        self.ground.flush_valkey()

    def _plan_again(self) -> None:
        """The night once more, by hand, while its texts are being sent."""
        day = self.ground.patiently(BASE, "SELECT max(business_date) FROM ops_run WHERE kind = 'night'")[0][0]
        argv = ["manage.py", "nightly", "--on", day.isoformat()]
        self.ground.start("by_hand", argv, self.environment)

    def _left_reply(self) -> None:
        """A guest answers R. What our web did not thank for is said again, as the provider would."""
        phone = self.waiting["left_reply"].popleft()
        until(lambda: self.provider.post("/reply", {"phone": phone, "text": "R"})["arrived"], 60, pause=0.5)
        # From the moment we thanked for it, it may lie in the tray for so long.
        self.left[phone] = now() + timedelta(seconds=UNHEARD)

    def _left_consent(self) -> None:
        self._say(
            "left_consent",
            "INSERT INTO customers_consent (customer_id, purpose, given, at, source, wording, recorded_at) "
            "SELECT customer_id, 'sms', false, now(), 'desk', 'v1', now() FROM customers_patronage WHERE external_id = %s",
        )

    def _left_complaint(self) -> None:
        self._say(
            "left_complaint",
            "INSERT INTO feedback_complaint (store_id, customer_id, text, opened_on, opened_at) "
            "SELECT store_id, customer_id, '\\x00', current_date, now() FROM customers_patronage WHERE external_id = %s",
        )

    def _say(self, group: str, sql: str) -> None:
        phone = self.waiting[group].popleft()
        self.ground.patiently(BASE, sql, (f"own{phone}",))
        self.left[phone] = now()

    # ---- after ----

    def settle(self) -> float:
        """Wait until nothing is on its way any more; how long it took, in seconds."""
        begun = time.monotonic()
        on_their_way = "'pending', 'sending', 'unknown'"
        until(lambda: self._count(on_their_way) == 0, self.size.settle_within, pause=0.3)
        # What a sleeper might still do, it does now.
        time.sleep(ASK_AGAIN + 1)
        return time.monotonic() - begun

    def violations(self) -> list[Violation]:
        """What the ledger shows."""
        groups = self.size.groups()
        owed = {
            phone: Owed(
                group,
                must=group in ("steady", "pair"),
                never=group in ("never", "mourning", "unwilling"),
                until=self.left.get(phone),
                closes=self.closes if group == "closing" else None,
            )
            for group, number in groups.items()
            for phone in phones(group, number)
        }
        return check(owed, self.provider.taken(), window=timedelta(seconds=WINDOW))

    def disagreements(self) -> dict[str, int]:
        """Texts that we call taken and the provider does not know, and the other way round."""
        ours = {
            str(row[0])
            for row in self.ground.ask(
                BASE, "SELECT id FROM care_message WHERE state IN ('accepted', 'delivered', 'undelivered')"
            )
        }
        theirs = {entry["out_id"] for entry in self.provider.taken()}
        return {"ours alone": len(ours - theirs), "theirs alone": len(theirs - ours)}

    def figures(self) -> dict[str, Any]:
        """What happened, to be read by a person."""
        taken = Counter(entry["phone"][:4] for entry in self.provider.taken())
        rules = self.provider.get("/behave")["rules"]
        attempts = self.ground.ask(BASE, "SELECT outcome, count(*) FROM care_attempt GROUP BY 1 ORDER BY 1")
        return {
            "taken": sum(taken.values()), "after the second store closed": self.size.closing - taken["1390"],
            "left before their text": len(LEAVERS) * self.size.leavers - sum(taken[p] for p in ("1370", "1360", "1350")),
            "calamities": dict(self.done), "provider": {rule["mode"]: rule["hits"] for rule in rules},
            "attempts": dict(attempts),
        }  # fmt: skip

    def report(self, seconds: float, settled: float) -> str:
        """One line for the log."""
        return json.dumps(
            {"seconds": round(seconds), "settled after": round(settled), **self.figures()}, ensure_ascii=False
        )
