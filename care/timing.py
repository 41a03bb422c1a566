"""How long the relay waits for what. Pure; every figure can be set by the environment.

The settle horizon must be longer than the provider accepts a signed request (15 minutes at Aliyun, 5 at
Tencent Cloud) plus its delay plus our time-outs: only then is a text that cannot be found certainly not on
its way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Timing:
    """`lease`: a claimed text without an outcome is in doubt. `settle`: before that, not found proves
    nothing. `ask_again`: between two questions about one text. `give_up`: unanswered so long, a person
    decides. `pause`: for a refused template or account. `pull`: an accepted text without a receipt for so long is
    asked about, every `pull_again`, until `pull_until` after it was sent. `unheard`: a reply that has been lying in
    the tray for so long holds up everything, for it may say stop.
    """

    lease: timedelta = timedelta(seconds=24)
    settle: timedelta = timedelta(minutes=30)
    ask_again: timedelta = timedelta(minutes=5)
    give_up: timedelta = timedelta(hours=24)
    pause: timedelta = timedelta(minutes=10)
    pull: timedelta = timedelta(hours=72)
    pull_again: timedelta = timedelta(hours=24)
    pull_until: timedelta = timedelta(days=7)
    unheard: timedelta = timedelta(seconds=30)


def timing_from(env: Mapping[str, str]) -> Timing:
    """Read SMS_LEASE_SECONDS, SMS_SETTLE_SECONDS, SMS_ASK_AGAIN_SECONDS, SMS_UNHEARD_SECONDS. Raises ValueError on
    nonsense.
    """
    seconds: dict[str, timedelta] = {}
    for name in ("lease", "settle", "ask_again", "unheard"):
        text = env.get(f"SMS_{name.upper()}_SECONDS", "")
        if text:
            if not text.isdecimal() or int(text) == 0:
                raise ValueError(f"SMS_{name.upper()}_SECONDS must be a number of seconds, not {text!r}")
            seconds[name] = timedelta(seconds=int(text))
    timing = Timing(**seconds)
    if timing.settle <= timing.lease:
        raise ValueError("SMS_SETTLE_SECONDS must be longer than SMS_LEASE_SECONDS")
    return timing


def rest_before_retry(wait: timedelta | None, attempt: int) -> timedelta:
    """How long a text rests that was certainly not taken: at least `wait` (a minute), doubling up to
    eightfold.
    """
    return (wait or timedelta(minutes=1)) * min(2 ** max(attempt - 1, 0), 8)
