"""What goes wrong in any restaurant: a bill on the wrong guest, a wrong amount, a visit remembered two weeks late."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from uuid import UUID

from crm.demo import words
from crm.demo.filling import Diary
from crm.demo.habits import Visit
from customers.models import Phone
from customers.models import Visit as VisitRow
from customers.services.customers import reveal_phone
from customers.services.visits import Recorded, VisitInput, record_visit, release_visit, void_visit
from staff.models import Role

VOIDED_A_STORE = 3
CORRECTED_A_STORE = 2
REASONS = ("回访", "确认预订", "客人要求回电")


class Mishaps:
    """Planned once for the days of the full nights; `on(day)` does what people did that morning, by the services."""

    def __init__(self, diary: Diary, seed: int, visits: Sequence[Visit], since: date, today: date) -> None:
        self.diary = diary
        self.dice = random.Random(f"{seed}:mishaps")
        self._plan: dict[date, list[Callable[[date], None]]] = defaultdict(list)
        for place in range(len(diary.staff.stores)):
            mine = [v for v in visits if v.store == place]
            recent = [v for v in mine if since <= diary.day(v.day) <= today - timedelta(days=3)]
            chosen = self.dice.sample(recent, min(len(recent), VOIDED_A_STORE + CORRECTED_A_STORE))
            for number, visit in enumerate(chosen):
                act = self._void if number < VOIDED_A_STORE else self._correct
                self._at(diary.day(visit.day) + timedelta(days=self.dice.randrange(1, 3)), act, visit)
            self._late(mine, place, today)

    def on(self, day: date) -> None:
        for act in self._plan.pop(day, ()):
            act(day)

    def _at(self, day: date, act: Callable[[Visit, date], None], visit: Visit) -> None:
        self._plan[day].append(lambda on: act(visit, on))

    def _late(self, visits: Sequence[Visit], place: int, today: date) -> None:
        """One forgotten visit came in and was nodded through days ago; another waits for a nod today."""
        known = [v for v in visits if self.diary.day(v.day) < today - timedelta(days=40)]
        if len(known) < 2:
            return
        nodded, waiting = self.dice.sample(known, 2)
        self._at(today - timedelta(days=6), self._nodded, nodded)
        self._at(today - timedelta(days=1 - place), self._forgotten, waiting)

    def _void(self, visit: Visit, on: date) -> None:
        store = self.diary.staff.stores[visit.store]
        manager = self.diary.staff.of(visit.store, Role.MANAGER)
        void_visit(
            store=store, visit_id=visit.id, reason=self.dice.choice(words.VOID_REASONS), actor=manager,
            at=self.diary.moment(on, 9, 20),
        )  # fmt: skip

    def _correct(self, visit: Visit, on: date) -> None:
        """The same bill again with the right amount; the wrong row stays and points to it."""
        store = self.diary.staff.stores[visit.store]
        manager = self.diary.staff.of(visit.store, Role.MANAGER)
        at = self.diary.moment(on, 9, 40)
        void_visit(store=store, visit_id=visit.id, reason="金额录错", actor=manager, at=at)
        right = self._record(visit, visit.amount_fen + 10_000 * self.dice.choice((-1, 1, 2, 3)), visit.bill, on, 0)
        VisitRow.objects.filter(pk=visit.id).update(replaced_by=right.visit_id)

    def _record(self, visit: Visit, amount_fen: int, bill: str, on: date, days_before: int) -> Recorded:
        return record_visit(
            store=self.diary.staff.stores[visit.store],
            visit_id=UUID(int=self.dice.getrandbits(128), version=4),
            visit=VisitInput(
                visited_at=self.diary.moment(on, 19, 30) - timedelta(days=days_before) if days_before else visit.at,
                amount_fen=max(amount_fen, 5_000), customer_id=visit.guest, external_id=bill, party_size=visit.party,
                table=visit.table, occasion=visit.occasion, channel=visit.channel,
            ),
            entry="tablet",
            actor=self.diary.staff.of(visit.store, Role.MANAGER),
            at=self.diary.moment(on, 9, 45),
        )  # fmt: skip

    def _forgotten(self, visit: Visit, on: date) -> Recorded:
        days = self.dice.randrange(9, 16)
        bill = f"{visit.bill[:4]}{on - timedelta(days=days):%y%m%d}-补{self.dice.randrange(10, 99)}"
        return self._record(visit, visit.amount_fen, bill, on, days)

    def _nodded(self, visit: Visit, on: date) -> None:
        store, recorded = self.diary.staff.stores[visit.store], self._forgotten(visit, on)
        manager = self.diary.staff.of(visit.store, Role.MANAGER)
        release_visit(store=store, visit_id=recorded.visit_id, actor=manager, at=self.diary.moment(on, 11, 5))

    def look_up_numbers(self, day: date) -> None:
        """Each manager had to see two whole numbers, and said why."""
        for place, store in enumerate(self.diary.staff.stores):
            numbers = Phone.objects.filter(customer__patronages__store=store, customer__patronages__tier="B")
            for number in numbers.order_by("id")[place * 2 : place * 2 + 2]:
                reveal_phone(
                    store=store, customer_id=number.customer_id, phone_id=number.pk, reason=self.dice.choice(REASONS),
                    actor=self.diary.staff.of(place, Role.MANAGER), at=self.diary.moment(day, 15, self.dice.randrange(60)),
                )  # fmt: skip
