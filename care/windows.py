"""When a text may leave: the store's hours, and the verdict on one message at one moment.

Pure: no clock, no database. Asked again at the very moment of sending, not only when the text was planned.
"""

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

    `holds_number`: the number is still the guest's. `consents`: the statement that holds says yes.
    """

    holds_number: bool
    opted_out: bool
    consents: bool


@dataclass(frozen=True)
class Verdict:
    """What to do with a due message: `send`, `wait` until `next_at`, or end in `state` for `reason`."""

    do: str
    state: str = ""
    reason: str = ""
    next_at: datetime | None = None


SEND = Verdict("send")
MISSED = Verdict("end", "expired", "window_missed")


def judge(
    now: datetime, *, not_before: datetime, expires_at: datetime, hours: Hours, standing: Standing
) -> Verdict:
    """The verdict on one message. A refusal of the guest comes before everything else; a text is never
    late.
    """
    if standing.opted_out:
        return Verdict("end", "skipped", "opted_out")
    if not standing.holds_number:
        return Verdict("end", "skipped", "number_changed")
    if not standing.consents:
        return Verdict("end", "skipped", "no_consent")
    opening = hours.next_opening(max(now, not_before))
    if opening >= expires_at:
        return MISSED
    return SEND if opening <= now else Verdict("wait", next_at=opening)
