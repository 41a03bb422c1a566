"""Three days of darkness across birthdays: no text comes late, and every guest whose text did not leave gets one call."""

from datetime import date, datetime, timedelta

import pytest
import time_machine

from care.channels import provider_from_settings
from care.models import Message, Task
from care.relay import Relay
from care.timing import Timing
from common.birthdays import Birthday
from crm import nightly
from tests.care.stage import account, adopt, china, content, guests

pytestmark = pytest.mark.django_db
EACH_DAY = 4
DAYS = [date(2026, 6, day) for day in range(19, 25)]
DARK = DAYS[1:4]  # the birthdays of 20, 21 and 22 June


class House:
    """A store, its nights as the tick runs them, its relay, at whatever moment the story has come to."""

    def __init__(self, store, simulator, settings) -> None:
        self.env = account(simulator.url)
        settings.SMS = self.env
        self.store, self.simulator = store, simulator
        adopt(store, "recent_month_abc")
        for n, day in enumerate(DAYS):
            guests(store, EACH_DAY, born=Birthday("solar", 1980, day.month, day.day), first=1 + 100 * n)

    def tick(self, at: datetime) -> None:
        """Every night that is due, the oldest first, as often as something is due."""
        with time_machine.travel(at, tick=False):
            while due := nightly.due(at):
                for store_id, on in due:
                    nightly.run(store_id, on, at=at, by_hand=False)

    def relay(self, at: datetime) -> None:
        """What the relay does in a while: texts until none is due, and its housekeeping."""
        self.simulator.desk.clock = lambda: at
        relay = Relay(provider_from_settings(self.env), Timing(), self.env, clock=lambda: at)
        with time_machine.travel(at, tick=False):
            # Its threads begin together: a text may be claimed before those that are over are ended.
            while relay.send_one():
                pass
            relay.housekeeping()

    def texted(self) -> dict[str, str]:
        """The ledger: which number got its text when."""
        return {entry.phone: entry.at[:16] for entry in self.simulator.desk.ledger.select()}


@pytest.fixture
def house(store, simulator, settings) -> House:
    """A house that has worked until the evening of 19 June."""
    found = House(store, simulator, settings)
    for at in ("2026-06-18 05:00", "2026-06-19 05:00"):
        found.tick(china(at))
        found.relay(china(at))
    found.relay(china("2026-06-19 09:00"))
    assert found.texted() == dict.fromkeys(_numbers(DAYS[0]), "2026-06-19T09:00")
    assert Task.objects.filter(code="birthday_by_hand").count() == 0
    return found


def _numbers(day: date) -> list[str]:
    first = 1 + 100 * DAYS.index(day)
    return [f"138{first + n:08}" for n in range(EACH_DAY)]


def _calls() -> list[tuple[str, date, date]]:
    """Whom somebody has to call, from when, until when; done or not."""
    found = Task.objects.filter(code="birthday_by_hand").order_by("customer_id")
    return [(task.customer.phones.get().number, task.due_on, task.close_on) for task in found]


def _morning_after(house: House, nights: bool) -> None:
    """Light again at noon of 23 June. With `nights` only the relay had been dark."""
    if nights:
        for day in (*DARK, DAYS[4]):
            house.tick(china(f"{day} 05:00"))
    house.tick(china("2026-06-23 12:00"))
    house.relay(china("2026-06-23 12:00"))


@pytest.mark.parametrize("nights", [False, True], ids=["everything-was-dark", "only-the-relay-was-dark"])
def test_no_late_text_and_one_call_each(house, nights):
    _morning_after(house, nights)
    # Whoever has the birthday today is texted today; of the dark days nobody is.
    assert house.texted() == {
        **dict.fromkeys(_numbers(DAYS[0]), "2026-06-19T09:00"),
        **dict.fromkeys(_numbers(date(2026, 6, 23)), "2026-06-23T12:00"),
    }
    today = date(2026, 6, 23)
    assert _calls() == [(phone, today, day + timedelta(days=3)) for day in DARK for phone in _numbers(day)]
    over = Message.objects.filter(planned_on__in=DARK)
    assert {(text.state, text.reason) for text in over} == {
        ("expired", "window_missed" if nights else "window_passed")
    }
    assert over.count() == 3 * EACH_DAY


@pytest.mark.parametrize("nights", [False, True], ids=["everything-was-dark", "only-the-relay-was-dark"])
def test_once_more_changes_nothing(house, nights):
    _morning_after(house, nights)
    before, texted = content(), house.texted()
    for _ in range(2):
        _morning_after(house, nights)
        with time_machine.travel(china("2026-06-23 12:00"), tick=False):
            for day in (DAYS[0], *DARK):
                nightly.run(house.store.pk, day, at=china("2026-06-23 12:00"), by_hand=True)
        house.relay(china("2026-06-23 12:00"))
    assert (content(), house.texted()) == (before, texted)


def test_a_week_of_darkness_is_too_late_for_a_call(house):
    """A greeting by hand is welcome for three days; after that nobody calls about a birthday."""
    house.tick(china("2026-06-27 12:00"))
    house.relay(china("2026-06-27 12:00"))
    assert house.texted() == dict.fromkeys(_numbers(DAYS[0]), "2026-06-19T09:00")
    assert [phone for phone, _, _ in _calls()] == _numbers(DAYS[5])
