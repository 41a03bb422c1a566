"""What guests told the demo restaurant, and what became of it, through the services that the pages call."""

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from common.clock import last_full_months
from crm.demo import words
from crm.demo.filling import Diary
from crm.demo.habits import Visit
from feedback.models import Complaint, Suggestion
from feedback.services import close_complaint, judge_suggestion, open_complaint, record_suggestion
from staff.models import Role

# Days before today between which a store's complaints were told; the first one has been settled.
COMPLAINED = ((12, 24), (4, 7), (1, 2))
JUDGED_LAST_MONTH, WAITING, WAITING_SINCE = 5, (3, 2), (1, 10)


class Voices:
    """Planned once; `speak_until(at)` writes down what was said, closed and judged by then and is not yet."""

    def __init__(self, diary: Diary, seed: int, visits: Sequence[Visit], today: date) -> None:
        self.diary = diary
        self.dice = random.Random(f"{seed}:voices")
        self.plan: list[tuple[datetime, int, Callable[[datetime], object]]] = []
        complaints, suggestions = iter(words.COMPLAINTS), iter(words.SUGGESTIONS)
        first, last = last_full_months(today - timedelta(days=1), 1)
        for place in range(len(diary.staff.stores)):
            dined = [v for v in visits if v.store == place and v.entry == "tablet"]
            for turn, (least, most) in enumerate(COMPLAINED):
                days = today - timedelta(days=most), today - timedelta(days=least)
                for visit in self._some(dined, *days, 1):
                    self._complain(visit, *next(complaints), settled=turn == 0)
            for visit in self._some(dined, first, last - timedelta(days=4), JUDGED_LAST_MONTH):
                self._suggest(visit, *next(suggestions), judged=True)
            days = today - timedelta(days=WAITING_SINCE[1]), today - timedelta(days=WAITING_SINCE[0])
            for visit in self._some(dined, *days, WAITING[place % 2]):
                self._suggest(visit, *next(suggestions), judged=False)
        self.plan.sort(key=lambda each: each[:2], reverse=True)

    def speak_until(self, at: datetime) -> None:
        while self.plan and self.plan[-1][0] <= at:
            when, _, act = self.plan.pop()
            act(when)

    def _some(self, dined: Sequence[Visit], first: date, last: date, number: int) -> list[Visit]:
        """Some of the visits between two days, by different guests."""
        between = {v.guest: v for v in dined if first <= self.diary.day(v.day) <= last}
        return self.dice.sample(list(between.values()), min(len(between), number))

    def _at(self, when: datetime, act: Callable[[datetime], object]) -> None:
        self.plan.append((when, len(self.plan), act))

    def _told_at(self, visit: Visit) -> datetime:
        """Before they left; and never before the visit itself was known."""
        return max(visit.at + timedelta(minutes=55), visit.recorded_at) + timedelta(minutes=5)

    def _next_day(self, visit: Visit, days: int) -> datetime:
        morning = self.diary.day(visit.day) + timedelta(days=days)
        return self.diary.moment(morning, 11, self.dice.randrange(60))

    def _complain(self, visit: Visit, text: str, severity: str, resolution: str, settled: bool) -> None:
        store, staff = self.diary.staff.stores[visit.store], self.diary.staff
        told: list[Complaint] = []
        self._at(
            self._told_at(visit),
            lambda at: told.append(
                open_complaint(
                    store=store, customer_id=visit.guest, text=text, severity=severity, at=at,
                    actor=self.dice.choice(staff.waiters(visit.store)), on=self.diary.day(visit.day),
                )
            ),
        )  # fmt: skip
        if settled:
            self._at(
                self._next_day(visit, 1),
                lambda at: close_complaint(
                    store=store, complaint_id=told[0].pk, resolution=resolution, at=at,
                    actor=staff.of(visit.store, Role.HEAD),
                ),
            )  # fmt: skip

    def _suggest(self, visit: Visit, text: str, valid: bool, judged: bool) -> None:
        store, staff = self.diary.staff.stores[visit.store], self.diary.staff
        told: list[Suggestion] = []
        self._at(
            self._told_at(visit),
            lambda at: told.append(
                record_suggestion(
                    store=store, customer_id=visit.guest, text=text, at=at,
                    actor=self.dice.choice(staff.waiters(visit.store)), on=self.diary.day(visit.day),
                )
            ),
        )  # fmt: skip
        if judged:
            self._at(
                self._next_day(visit, self.dice.randrange(1, 4)),
                lambda at: judge_suggestion(
                    store=store, suggestion_id=told[0].pk, valid=valid, at=at,
                    actor=staff.of(visit.store, Role.MANAGER),
                ),
            )  # fmt: skip
