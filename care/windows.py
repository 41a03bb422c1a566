"""When a text may leave: the store's hours, and the verdict on one message at one moment.

Pure: no clock, no database. Asked again at the very moment of sending, not only when the text was planned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from common.clock import moment_of


@dataclass(frozen=True)
class Hours:
    """A store's hours for messages on its own clock: from `opens` until just before `closes`."""

    opens: time
    closes: time
    zone: str

    def on(self, day: date) -> tuple[datetime, datetime]:
        """The first moment of the window of a local day, and the first moment after it."""
        return moment_of(day, self.opens, self.zone), moment_of(day, self.closes, self.zone)

    def is_open(self, moment: datetime) -> bool:
        """Whether `moment` lies in the window of its local day."""
        return self.opens <= moment.astimezone(ZoneInfo(self.zone)).time() < self.closes

    def next_opening(self, moment: datetime) -> datetime:
        """The first moment from `moment` on at which the window is open."""
        if self.is_open(moment):
            return moment
        day = moment.astimezone(ZoneInfo(self.zone)).date()
        opening = self.on(day)[0]
        return opening if opening > moment else self.on(day + timedelta(days=1))[0]


@dataclass(frozen=True)
class Standing:
    """What is true of a message's guest and number at the moment of sending.

    `holds_number`: the number is still the guest's. `consents`: the statement that holds says yes. `complains`: a
    complaint of the guest's is open. `mourns`: the guest wears the tag of mourning. `called_off`: its campaign was.
    """

    holds_number: bool
    opted_out: bool
    consents: bool
    complains: bool = False
    mourns: bool = False
    called_off: bool = False


@dataclass(frozen=True)
class Caps:
    """How many texts one number may get from the brand: on one local day, and in 30 days with that day."""

    a_day: int = 1
    a_month: int = 4


DEFAULT_CAPS = Caps()


@dataclass(frozen=True)
class Verdict:
    """What to do with a due message: `send`, `wait` until `next_at` (for `reason`, if there is one), or end in
    `state` for `reason`.
    """

    do: str
    state: str = ""
    reason: str = ""
    next_at: datetime | None = None


SEND = Verdict("send")
MISSED = Verdict("end", "expired", "window_missed")
CAP_DAYS = 30
BUDGET_REST = timedelta(minutes=10)


def judge(
    now: datetime,
    *,
    not_before: datetime,
    expires_at: datetime,
    hours: Hours,
    standing: Standing,
    caps: Caps = DEFAULT_CAPS,
    had: Sequence[date] = (),
    parts: int = 1,
    parts_left: int | None = None,
) -> Verdict:
    """The verdict on one message. A refusal of the guest comes before everything else; a text is never late.

    `had`: the local day of every text the number got, or may have got, in the last 30 days. `parts_left`: what
    the month's budget still allows, None where there is none.
    """
    if against := _against(standing):
        return Verdict("end", "skipped", against)
    opening = hours.next_opening(max(now, not_before))
    if opening >= expires_at:
        return MISSED
    if opening > now:
        return Verdict("wait", next_at=opening)
    today = now.astimezone(ZoneInfo(hours.zone)).date()
    if capped := cap_reached(caps, had, today):
        reason, free_on = capped
        opening = hours.on(free_on)[0] if free_on else expires_at
        if opening >= expires_at:
            return Verdict("end", "skipped", reason)
        return Verdict("wait", reason=reason, next_at=opening)
    if parts_left is not None and parts > parts_left:
        return Verdict("wait", reason="budget", next_at=now + BUDGET_REST)
    return SEND


def _against(standing: Standing) -> str:
    if standing.opted_out:
        return "opted_out"
    if not standing.holds_number:
        return "number_changed"
    if not standing.consents:
        return "no_consent"
    if standing.complains:
        return "complaint_open"
    if standing.mourns:
        return "in_mourning"
    return "cancelled" if standing.called_off else ""


def cap_reached(caps: Caps, had: Sequence[date], today: date) -> tuple[str, date | None] | None:
    """Which cap keeps a number from another text today, and the first day on which none does (None: never)."""
    if caps.a_day < 1 or caps.a_month < 1:
        return "cap_day" if caps.a_day < 1 else "cap_month", None
    had = sorted(had, reverse=True)
    free_on = today
    reason = ""
    if sum(day == today for day in had) >= caps.a_day:
        reason, free_on = "cap_day", today + timedelta(days=1)
    # The oldest of the texts that fill the cap has to leave the 30 days.
    within = [day for day in had if day > today - timedelta(days=CAP_DAYS)]
    if len(within) >= caps.a_month:
        leaves = within[caps.a_month - 1] + timedelta(days=CAP_DAYS)
        if leaves > free_on:
            reason, free_on = "cap_month", leaves
    return (reason, free_on) if reason else None
