"""The relay: the one process that sends. Threads that claim, send and settle; one that asks about doubts, one
about texts that nobody reported on; one round of housekeeping with the sign of life.

Everything it knows is in PostgreSQL: any number of relays may run, any of them may be killed at any moment,
and Redis plays no part.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import Error as DatabaseError
from django.db import connection

from care.channels.base import Answer, Outcome, Provider
from care.services import doubts, inbox, outbox
from care.texts import approved_texts
from care.timing import Timing
from common.clock import now as clock
from ops.models import Heartbeat

log = logging.getLogger(__name__)
NAME = "relay"
IDLE_SECONDS = 1.0
ROUND_SECONDS = 2.0
PULL_SECONDS = 60.0
EXPIRE_EVERY = 15
AFTER_AN_ERROR = 2.0
SETTLE_TRIES = 5
SLEPT = Answer(Outcome.RETRY, code="Local.Slept")


class Relay:
    """Runs until `stop` is called. `provider` None: nothing is sent, the tray is applied, what is over is
    ended.
    """

    def __init__(
        self,
        provider: Provider | None,
        timing: Timing,
        env: Mapping[str, str],
        *,
        threads: int = 4,
        clock: Callable[[], datetime] = clock,
    ) -> None:
        self.provider = provider
        self.timing = timing
        self.env = dict(env)
        self.clock = clock
        self.name = f"{socket.gethostname()[:30]}:{os.getpid()}"
        self._stopping = threading.Event()
        loops: list[tuple[str, Callable[[], float]]] = []
        if provider is not None:
            loops += [(f"send-{n}", self._send_turn) for n in range(threads)]
            loops += [("doubts", self._doubt_turn), ("pull", self._pull_turn)]
        self._threads = [
            threading.Thread(target=self._loop, args=(turn,), name=name, daemon=True) for name, turn in loops
        ]

    def run(self) -> None:
        """Work until told to stop; returns when every thread has finished the text in its hands."""
        for thread in self._threads:
            thread.start()
        rounds = 0

        def turn() -> float:
            nonlocal rounds
            self.housekeeping(expire=rounds % EXPIRE_EVERY == 0)
            rounds += 1
            return ROUND_SECONDS

        self._loop(turn)
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Finish what is in hand and end."""
        self._stopping.set()

    def _loop(self, turn: Callable[[], float]) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    rest = turn()
                except DatabaseError as error:
                    # Restarted, or the connection was cut: what was in hand is in doubt, not lost.
                    log.warning("the database: %s", str(error).strip().splitlines()[:1])
                    connection.close()
                    rest = AFTER_AN_ERROR
                except Exception:
                    log.exception("the relay stumbled")
                    rest = AFTER_AN_ERROR
                if rest:
                    self._stopping.wait(rest)
        finally:
            connection.close()

    def _send_turn(self) -> float:
        return 0.0 if self.send_one() else IDLE_SECONDS

    def _doubt_turn(self) -> float:
        return 0.0 if self.ask_some() else IDLE_SECONDS

    def _pull_turn(self) -> float:
        return 0.0 if self.pull_some() else PULL_SECONDS

    def send_one(self) -> bool:
        """Claim and send (or dispose of) one due text; False where nothing is due."""
        assert self.provider is not None
        by = f"{self.name}:{threading.current_thread().name}"
        sign = self.env.get("SMS_SIGN_NAME", "")
        claim = outbox.claim_next(
            now=self.clock(),
            by=by,
            provider=self.provider.name,
            sign=sign,
            unheard=self.timing.unheard,
            approved=approved_texts(self.env),
        )
        if isinstance(claim, outbox.Claim):
            # Frozen since the claim: its window may be over, and others may be asking about it already.
            slept = self.clock() - claim.at > self.timing.lease
            answer = SLEPT if slept else outbox.send(claim, self.provider, self.env)
            self._settle(claim, answer)
        return claim is not None

    def _settle(self, claim: outbox.Claim, answer: outbox.Answer) -> None:
        """Write the outcome; a database that is just restarting gets some tries, for the fence makes them
        safe.
        """
        for tries_left in reversed(range(SETTLE_TRIES)):
            try:
                outbox.settle(claim, answer, now=self.clock(), timing=self.timing)
                return
            except DatabaseError:
                connection.close()
                if not tries_left:
                    raise
                time.sleep(0.5)

    def ask_some(self) -> bool:
        """Ask about the texts in doubt whose turn it is; False where none was."""
        assert self.provider is not None
        taken = doubts.take_doubts(now=self.clock(), timing=self.timing)
        for doubt in taken:
            if self._stopping.is_set():
                break
            finding = doubts.ask(doubt, self.provider, now=self.clock())
            state = doubts.resolve(doubt, finding, now=self.clock(), timing=self.timing)
            log.info("text %s in doubt: %s → %s", doubt.message_id, finding.found.value, state)
        return bool(taken)

    def pull_some(self) -> bool:
        """Ask about texts that were taken days ago and never reported on; False where there were none."""
        assert self.provider is not None
        taken = doubts.take_unreported(now=self.clock(), timing=self.timing)
        for doubt in taken:
            if self._stopping.is_set():
                break
            finding = doubts.ask(doubt, self.provider, now=self.clock())
            doubts.settle_unreported(doubt, finding, now=self.clock(), timing=self.timing)
        return bool(taken)

    def housekeeping(self, *, expire: bool = True) -> None:
        """One round: a sign of life, the tray, the leases, and (now and then) the windows that are over."""
        at = self.clock()
        Heartbeat.objects.update_or_create(name=NAME, defaults={"beat_at": at})
        if applied := inbox.apply_inbox(now=at):
            log.info("tray: %s", applied)
        if over := doubts.end_leases(now=at, timing=self.timing):
            log.warning("%d texts in doubt: their sender did not come back", over)
        if expire and (missed := outbox.expire_missed(now=at)):
            log.warning("%d texts missed their window; people will call", missed)
