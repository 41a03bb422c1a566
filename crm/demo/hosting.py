"""Two events of the demo restaurant: a tasting that was, with its results, and a thank-you party to come.

All of it through the services that the pages call.
"""

import random
from collections.abc import Callable
from datetime import date, time, timedelta

from care.events.inviting import invite, invite_guest
from care.events.models import Event, Invitation
from care.events.services import Came, answer, save_event, save_results
from crm.demo.filling import Diary
from customers.models import Patronage
from staff.models import Person, Role, Store

# Days before today: the tasting asked for and answered, held, its results noted; the party planned and answered.
ASKED, ANSWERED, HELD, NOTED, PLANNED = 24, 21, 18, 17, 3
AHEAD = 9
OPINIONS = (
    "汤头鲜，菌子香，下次带家人来",
    "好吃，就是辣了一点",
    "摆盘好看，份量可以再大一点",
    "这道可以常点",
    "",
)


class Hosting:
    """What the first store's manager does on a day for its events."""

    def __init__(self, diary: Diary, seed: int, today: date) -> None:
        self.diary, self.today = diary, today
        self.dice = random.Random(f"{seed}:hosting")
        self.tasting: Event | None = None
        self._plan: dict[date, Callable[[date], None]] = {
            today - timedelta(days=ASKED): self._ask,
            today - timedelta(days=ANSWERED): self._hear,
            today - timedelta(days=NOTED): self._note,
            today - timedelta(days=PLANNED): self._party,
        }

    def work(self, day: date) -> None:
        """What was done on `day`."""
        if day in self._plan:
            self._plan[day](day)

    def _here(self) -> tuple[Store, Person]:
        return self.diary.staff.stores[0], self.diary.staff.of(0, Role.MANAGER)

    def _ask(self, on: date) -> None:
        store, manager = self._here()
        at = self.diary.moment(on, 15)
        said = {
            "kind": "tasting", "name": "松茸汤试菜会", "held_on": self.today - timedelta(days=HELD),
            "starts_at": time(18), "seats": 16, "budget_fen": 300_000,
        }  # fmt: skip
        self.tasting = save_event(store=store, said=said, actor=manager, at=at)
        invite(
            store=store, event_id=self.tasting.pk, segment=None, tiers=["A", "B"], most=28, channel="wechat",
            actor=manager, at=at,
        )  # fmt: skip

    def _hear(self, on: date) -> None:
        """Most say yes, more than there are seats; some do not answer."""
        if self.tasting is None:
            return
        for minute, row in enumerate(self._invited(self.tasting)):
            draw = self.dice.random()
            if draw < 0.85:
                self._answer(self.tasting, row, "accepted" if draw < 0.7 else "declined", on, minute)

    def _note(self, on: date) -> None:
        """Nearly all who had a seat came, and most had something to say."""
        if self.tasting is None:
            return
        store, manager = self._here()
        came = []
        for row in self._invited(self.tasting):
            is_here = row.answer == Invitation.Answer.ACCEPTED and self.dice.random() < 0.88
            opinion = self.dice.choice((3, 4, 4, 5, 5)) if is_here and self.dice.random() < 0.8 else None
            words = self.dice.choice(OPINIONS) if opinion else ""
            came.append(Came(row.customer_id, is_here, opinion, words, "松茸干一包" if is_here else ""))
        save_results(
            store=store, event_id=self.tasting.pk, guests=came, cost_fen=268_000, actor=manager,
            at=self.diary.moment(on, 10), over=True,
        )  # fmt: skip

    def _party(self, on: date) -> None:
        """The party is planned; the store's best guests were asked at their tables."""
        store, manager = self._here()
        at = self.diary.moment(on, 16)
        said = {
            "kind": "party", "name": "岁末VIP答谢会", "held_on": self.today + timedelta(days=AHEAD),
            "starts_at": time(17, 30), "seats": 12, "budget_fen": 620_000,
        }  # fmt: skip
        party = save_event(store=store, said=said, actor=manager, at=at)
        best = Patronage.objects.filter(store=store, tier="A").order_by("-spend_total_fen", "customer_id")[
            :18
        ]
        for guest in best:
            invite_guest(store=store, event_id=party.pk, customer_id=guest.customer_id, actor=manager, at=at)
        for minute, row in enumerate(self._invited(party)):
            if (draw := self.dice.random()) < 0.9:
                self._answer(party, row, "accepted" if draw < 0.8 else "declined", on, minute)

    def _invited(self, event: Event) -> list[Invitation]:
        return list(event.invitations.order_by("place"))

    def _answer(self, event: Event, row: Invitation, said: str, on: date, minute: int) -> None:
        store, manager = self._here()
        at = self.diary.moment(on, 17) + timedelta(minutes=minute)
        answer(store=store, event_id=event.pk, customer_id=row.customer_id, said=said, actor=manager, at=at)
