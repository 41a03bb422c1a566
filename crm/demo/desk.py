"""What people did at the desk in the last weeks: bills put right, a late visit, a profile completed, guests told of a
new dish.

All of it through the services that the pages call.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from care.services.campaign_planning import sieve
from care.services.campaigns import approve_campaign, save_campaign
from crm.demo import words
from crm.demo.filling import Diary
from crm.demo.habits import Visit
from crm.demo.hosting import Hosting
from customers.models import Customer, Phone
from customers.models import Visit as VisitRow
from customers.services.customers import Profile, change_customer, reveal_phone
from customers.services.visits import Recorded, VisitInput, record_visit, release_visit, void_visit
from staff.models import Person, Role, Store

VOIDED_A_STORE = 3
CORRECTED_A_STORE = 2
LOOKED_UP, COMPLETED = (4, 11), (3, 9, 17)  # days before today
TOLD, DRAFTED = 22, 1
_NEWS: dict[str, Any] = {
    "segment": None, "channel": "sms", "call_fallback": False, "window_days": 2, "held_out": 25,
}  # fmt: skip


class Desk:
    """Planned once for the days of the full nights; `work(day)` does what people did that morning."""

    def __init__(self, diary: Diary, seed: int, visits: Sequence[Visit], since: date, today: date) -> None:
        self.diary = diary
        self.dice = random.Random(f"{seed}:desk")
        self._plan: dict[date, list[Callable[[date], object]]] = defaultdict(list)
        for place in range(len(diary.staff.stores)):
            mine = [v for v in visits if v.store == place]
            recent = [v for v in mine if since <= diary.day(v.day) <= today - timedelta(days=3)]
            chosen = self.dice.sample(recent, min(len(recent), VOIDED_A_STORE + CORRECTED_A_STORE))
            for number, visit in enumerate(chosen):
                act = self._void if number < VOIDED_A_STORE else self._correct
                self._at(diary.day(visit.day) + timedelta(days=self.dice.randrange(1, 3)), act, visit)
            self._late(mine, place, today)
        for days in LOOKED_UP:
            self._plan[today - timedelta(days=days)].append(self._look_up)
        for days in COMPLETED:
            self._plan[today - timedelta(days=days)].append(self._complete)

        self.hosting = Hosting(diary, seed, today)
        self._plan[today - timedelta(days=TOLD)].append(self._tell)
        self._plan[today - timedelta(days=DRAFTED)].append(self._draft)

    def work(self, day: date) -> None:
        for act in self._plan.pop(day, ()):
            act(day)
        self.hosting.work(day)

    def _at(self, day: date, act: Callable[[Visit, date], object], visit: Visit) -> None:
        self._plan[day].append(lambda on: act(visit, on))

    def _late(self, visits: Sequence[Visit], place: int, today: date) -> None:
        """One forgotten visit came in and was nodded through days ago; another waits for a nod today."""
        known = [v for v in visits if self.diary.day(v.day) < today - timedelta(days=40)]
        if len(known) >= 2:
            nodded, waiting = self.dice.sample(known, 2)
            self._at(today - timedelta(days=6), self._nodded, nodded)
            self._at(today - timedelta(days=1 + place), self._forgotten, waiting)

    def _here(self, place: int) -> tuple[Store, Person]:
        return self.diary.staff.stores[place], self.diary.staff.of(place, Role.MANAGER)

    def _void(self, visit: Visit, on: date) -> None:
        store, manager = self._here(visit.store)
        reason = self.dice.choice(words.VOID_REASONS)
        void_visit(
            store=store, visit_id=visit.id, reason=reason, actor=manager, at=self.diary.moment(on, 9, 20)
        )

    def _correct(self, visit: Visit, on: date) -> None:
        """The same bill again with the right amount; the wrong row stays and points to it."""
        store, manager = self._here(visit.store)
        at = self.diary.moment(on, 9, 40)
        void_visit(store=store, visit_id=visit.id, reason="金额录错", actor=manager, at=at)
        right = self._record(
            visit, visit.amount_fen + 10_000 * self.dice.choice((-1, 1, 2, 3)), visit.bill, on, 0
        )
        VisitRow.objects.filter(pk=visit.id).update(replaced_by=right.visit_id)

    def _record(self, visit: Visit, amount_fen: int, bill: str, on: date, days_before: int) -> Recorded:
        store, manager = self._here(visit.store)
        forgotten = self.diary.moment(on - timedelta(days=days_before), 19, 30)
        said = VisitInput(
            visited_at=forgotten if days_before else visit.at,
            amount_fen=max(amount_fen, 5_000),
            customer_id=visit.guest,
            external_id=bill,
            party_size=visit.party,
            table=visit.table,
            occasion=visit.occasion,
            channel=visit.channel,
        )
        at, visit_id = self.diary.moment(on, 9, 45), UUID(int=self.dice.getrandbits(128), version=4)
        return record_visit(store=store, visit_id=visit_id, visit=said, entry="tablet", actor=manager, at=at)

    def _forgotten(self, visit: Visit, on: date) -> Recorded:
        days = self.dice.randrange(9, 16)
        bill = f"{visit.bill[:4]}{on - timedelta(days=days):%y%m%d}-补{self.dice.randrange(10, 99)}"
        return self._record(visit, visit.amount_fen, bill, on, days)

    def _nodded(self, visit: Visit, on: date) -> None:
        (store, manager), recorded = self._here(visit.store), self._forgotten(visit, on)
        release_visit(store=store, visit_id=recorded.visit_id, actor=manager, at=self.diary.moment(on, 11, 5))

    def _look_up(self, day: date) -> None:
        """Each manager had to see two whole numbers, and said why."""
        for place in range(len(self.diary.staff.stores)):
            store, manager = self._here(place)
            numbers = Phone.objects.filter(customer__patronages__store=store, customer__patronages__tier="B")
            for number in numbers.order_by("id")[:2]:
                reveal_phone(
                    store=store,
                    customer_id=number.customer_id,
                    phone_id=number.pk,
                    reason=self.dice.choice(words.LOOK_UP_REASONS),
                    actor=manager,
                    at=self.diary.moment(day, 15, self.dice.randrange(60)),
                )

    def _complete(self, day: date) -> None:
        """Each manager learnt where two guests work, and wrote it down."""
        for place in range(len(self.diary.staff.stores)):
            store, manager = self._here(place)
            unknown = Customer.objects.filter(patronages__store=store, patronages__tier__in="AB", industry="")
            for customer in unknown.order_by("id")[:2]:
                trade, positions = self.dice.choice(words.TRADES)
                change_customer(
                    store=store, customer_id=customer.pk, actor=manager, source="desk",
                    profile=Profile(industry=trade, position=self.dice.choice(positions)),
                    at=self.diary.moment(day, 16, self.dice.randrange(60)),
                )  # fmt: skip

    def _tell(self, on: date) -> None:
        """The manager drafts a campaign, the head approves it the same day, for two days later; some are held out."""
        store, manager = self._here(0)
        day = on + timedelta(days=2)
        said = {
            "kind": "new_dish",
            "name": "松茸汤上市",
            "what": "松茸汤",
            "detail": "本周请您先来免费试吃，席位给您留着",
        }
        campaign = save_campaign(
            store=store, said={**_NEWS, **said, "tiers": ["A", "B"], "send_on": day}, actor=manager,
            at=self.diary.moment(on, 15),
        )  # fmt: skip
        at = self.diary.moment(on, 17)
        approve_campaign(
            store=store, campaign_id=campaign.pk, number=sieve(campaign, store, on=on).told,
            actor=self.diary.staff.of(0, Role.HEAD), at=at,
        )  # fmt: skip

    def _draft(self, on: date) -> None:
        """Another one waits for the head's approval."""
        store, manager = self._here(0)
        said = {
            "kind": "event",
            "name": "老客品鉴会",
            "what": "老客品鉴会",
            "detail": "周六晚六点，主厨为您上六道新菜",
        }
        save_campaign(
            store=store, said={**_NEWS, **said, "tiers": ["A"], "held_out": 10, "send_on": on + timedelta(days=4)},
            actor=manager, at=self.diary.moment(on, 16),
        )  # fmt: skip
