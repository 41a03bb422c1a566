"""How the simulator misbehaves: rules with a chance and a count, drawn from a seeded generator."""

import random
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

PROVIDERS = ("aliyun", "tencent", "http")
MODES = (
    "ok",
    "accept_then_timeout",  # accepted; the answer never comes
    "timeout_before_accept",  # not accepted; the answer never comes
    "reset_after_accept",  # accepted; the connection is reset
    "reset_before_accept",  # not accepted; the connection is reset
    "error_5xx_after_accept",  # accepted; the answer is a 503
    "error_5xx_before",  # not accepted; the answer is a 503
    "garbage_after_accept",  # accepted; the answer is 200 and no JSON
    "business_error",  # not accepted; the answer carries `code`
    "throttle",  # not accepted; the answer is the provider's code for too many calls
    "late_accept",  # the answer never comes; accepted `seconds` later
)


@dataclass
class Rule:
    """One way to misbehave. `count`: how often still (None: no end); `provider`: "" for all."""

    mode: str = "ok"
    probability: float = 1.0
    count: int | None = None
    delay_ms: int = 0
    code: str = ""
    seconds: float = 0.0
    provider: str = ""
    hits: int = 0


ORDERLY = Rule()


class Behaviour:
    """The rules in force. The first rule whose die falls decides how a send is treated."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Behave."""
        with self._lock:
            self._rules: list[Rule] = []
            self._random = random.Random(0)
            self._query_down: set[str] = set()
            self._query_lag_ms = 0
            self._per_phone_24h: int | None = None

    def set(self, wish: Mapping[str, Any]) -> None:
        """Read a wish of `POST /behave`. Raises ValueError and changes nothing if it is not
        understood.

        A rule replaces the earlier rules for the same provider, unless `add` is true. `query_down`,
        `query_lag_ms` (how long an accepted message stays invisible to queries) and `per_phone_24h`
        (the limit per number over rolling 24 hours) stay until changed or reset.
        """
        known = {field for field in Rule.__dataclass_fields__ if field != "hits"}
        extra = {"query_down", "query_lag_ms", "per_phone_24h", "seed", "add"}
        if unknown := set(wish) - known - extra:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        rule = Rule(**{key: value for key, value in wish.items() if key in known})
        _check(rule)
        with self._lock:
            if "seed" in wish:
                self._random = random.Random(int(wish["seed"]))
            if "query_down" in wish:
                sides = {rule.provider} if rule.provider else set(PROVIDERS)
                down = bool(wish["query_down"])
                self._query_down = self._query_down | sides if down else self._query_down - sides
            if "query_lag_ms" in wish:
                self._query_lag_ms = int(wish["query_lag_ms"])
            if "per_phone_24h" in wish:
                limit = wish["per_phone_24h"]
                self._per_phone_24h = None if limit is None else int(limit)
            if "mode" in wish or "delay_ms" in wish:
                if not wish.get("add"):
                    self._rules = [
                        old for old in self._rules if rule.provider and old.provider != rule.provider
                    ]
                self._rules.append(rule)

    def draw(self, provider: str) -> Rule:
        """How to treat the next send to `provider`."""
        with self._lock:
            for rule in self._rules:
                if rule.provider not in {"", provider} or rule.count == 0:
                    continue
                if self._random.random() < rule.probability:
                    rule.hits += 1
                    if rule.count is not None:
                        rule.count -= 1
                    return rule
            return ORDERLY

    def query_down(self, provider: str) -> bool:
        """Whether queries to `provider` fail."""
        return provider in self._query_down

    @property
    def query_lag_ms(self) -> int:
        """How long an accepted message stays invisible to queries."""
        return self._query_lag_ms

    @property
    def per_phone_24h(self) -> int | None:
        """How many messages a number may get in 24 hours; None without a limit."""
        return self._per_phone_24h

    def as_json(self) -> dict[str, Any]:
        """The rules in force, with how often each was applied."""
        with self._lock:
            return {
                "rules": [asdict(rule) for rule in self._rules],
                "query_down": sorted(self._query_down),
                "query_lag_ms": self._query_lag_ms,
                "per_phone_24h": self._per_phone_24h,
            }


def _check(rule: Rule) -> None:
    if rule.mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}")
    if rule.mode == "business_error" and not rule.code:
        raise ValueError("business_error needs a code")
    if rule.provider not in {"", *PROVIDERS}:
        raise ValueError(f"provider must be one of {', '.join(PROVIDERS)}")
    if not 0 <= rule.probability <= 1:
        raise ValueError("probability must be between 0 and 1")
    if rule.delay_ms < 0 or rule.seconds < 0 or (rule.count is not None and rule.count < 0):
        raise ValueError("delay_ms, seconds and count must not be negative")
