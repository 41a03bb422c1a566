"""The long relation in the demo: agreements, texts, topics, guests called back, all through the services of the pages."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from care.models import Agreement, CallAnswer, Task
from care.relations.selectors.lists import lapsed_guests
from care.relations.services import notes
from care.relations.services.accounts import ACCOUNT_CALL, Terms, make_agreement, write_note
from care.relations.services.calls import CallSaid, complete_call, open_win_back, plan_return
from care.relations.services.opening import WIN_BACK
from crm.demo import words
from crm.demo.filling import Diary
from customers.models import Patronage
from staff.models import Role, Store

# Settled here, with what was told; every other task by whoever follows up.
TOLD = (ACCOUNT_CALL, WIN_BACK)
CALLED_BACK, CALLED_A_DAY, TALKED_WITH, ASKED_EVERY = 16, 0.3, 12, 11
# Of an organisation's agreement: the level, per cent off, days since it began, days until it ends.
AGREEMENTS = ((1, Decimal(8), 300, 45), (2, Decimal(5), 120, 245), (2, None, 95, 270))
# Stand for the others where the answers of the guests are drawn.
CAUSES = (*CallAnswer.Cause.values, CallAnswer.Cause.TASTE, CallAnswer.Cause.PRICE)
MEASURES = (CallAnswer.Measure.COUPON, CallAnswer.Measure.INVITE, CallAnswer.Measure.DISH)


class Relations:
    """Begun on the morning `since`; `work(day)` does what people did that morning."""

    def __init__(self, diary: Diary, seed: int, since: date, today: date) -> None:
        self.diary, self.seed, self.since, self.today = diary, seed, since, today

    def work(self, day: date) -> None:
        """What people did on `day`."""
        for place, store in enumerate(self.diary.staff.stores):
            dice = random.Random(f"{self.seed}:relations:{place}:{day}")
            if day == self.since:
                self._begin(place, store, day, dice)
            self._call(place, store, day, dice)
            if (day - self.since).days % ASKED_EVERY == 3:
                self._ask(place, store, day, dice)

    def _begin(self, place: int, store: Store, day: date, dice: random.Random) -> None:
        head, at = self.diary.staff.of(place, Role.HEAD), self.diary.moment(day, 9, 10)
        known = (
            Patronage.objects.filter(store=store)
            .select_related("customer")
            .order_by("-spend_total_fen", "external_id")
        )
        firms: dict[str, Patronage] = {}
        for guest in known.exclude(customer__employer=""):
            firms.setdefault(guest.customer.employer, guest)
        for (level, discount, ago, left), contact in zip(AGREEMENTS, firms.values(), strict=False):
            terms = Terms(
                contact_id=contact.customer_id, level=level, valid_from=self.today - timedelta(days=ago),
                valid_to=self.today + timedelta(days=left), call_days=90 if level == 1 else 30, renewal_days=60,
                terms=words.TERMS[level - 1], discount=discount,
            )  # fmt: skip
            agreement = make_agreement(store=store, terms=terms, actor=head, at=at, today=day)
            write_note(
                store=store, pk=agreement.pk, kind="event", on=day - timedelta(days=20), words=words.JOINT_EVENTS[level - 1],
                actor=head, at=at, today=day,
            )  # fmt: skip
        for kind, title, text in words.PIECES:
            notes.add_piece(store=store, kind=kind, title=title, words=text, actor=head, at=at)
        for n, guest in enumerate(known[:TALKED_WITH]):
            depth, topic = words.TOPICS[n % len(words.TOPICS)]
            notes.note_topic(
                store=store, customer_id=guest.customer_id, words=topic, depth=depth, actor=head, at=at
            )
        first = self.today.replace(day=1)
        met = Patronage.objects.filter(
            store=store, since__gte=first - timedelta(days=31), since__lt=first
        ).count()
        notes.set_target(store=store, month=first, number=max(20, round(met * 2, -1)))
        lapsed = [guest.customer_id for guest in lapsed_guests(store, day)]
        if lapsed:
            chosen = dice.sample(lapsed, min(len(lapsed), CALLED_BACK))
            open_win_back(store=store, customer_ids=chosen, actor=head, at=at, today=day)

    def _ask(self, place: int, store: Store, day: date, dice: random.Random) -> None:
        """Call the organisations and ask how content they are; one of them has an idea."""
        manager, at = self.diary.staff.of(place, Role.MANAGER), self.diary.moment(day, 15, 20)
        told: dict[str, Any] = {"store": store, "actor": manager, "at": at}
        for agreement in Agreement.objects.filter(store=store).order_by("employer"):
            task = plan_return(**told, customer_id=agreement.contact_id, on=day, channel="phone", to=manager)
            said = CallSaid(score=dice.choice((3, 4, 4, 5, 5)), suggestion=dice.choice(words.IDEAS))
            complete_call(**told, task_id=task.pk, said=said)

    def _call(self, place: int, store: Store, day: date, dice: random.Random) -> None:
        waiting = Task.objects.filter(store=store, code__in=TOLD, state=Task.State.OPEN, due_on__lte=day)
        for task in waiting.order_by("customer", "code", "occasion"):
            if dice.random() > CALLED_A_DAY:
                continue
            said = CallSaid(score=dice.choice((3, 4, 4, 5)))
            note = dice.choice(words.CALL_NOTES)
            if task.code == WIN_BACK:
                said, note = CallSaid(cause=dice.choice(CAUSES), measure=dice.choice(MEASURES)), ""
            complete_call(
                store=store, task_id=task.pk, actor=self.diary.staff.of(place, Role.MANAGER), note=note, said=said,
                at=self.diary.moment(day, 10, dice.randrange(60)),
            )  # fmt: skip
