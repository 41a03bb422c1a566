"""What the staff and the SMS provider did with what the nights left them: the rows that the services write.

One draw a task and day, from the task itself: the story does not depend on what came before.
"""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values

from crm.demo import words
from crm.demo.copying import copy_in
from crm.demo.filling import Diary
from crm.demo.relations import TOLD
from customers.models.consent import Source
from customers.services.customers import opt_out_number

# On a day on which a task is due: done, not reached, postponed, declined, taken by a colleague.
HABITS = {
    "phone": (0.50, 0.17, 0.05, 0.012, 0.02),
    "visit": (0.38, 0.06, 0.10, 0.01, 0.02),
    "gift": (0.60, 0.02, 0.05, 0.005, 0.02),
    "wechat": (0.65, 0.04, 0.02, 0.01, 0.02),
    "card": (0.70, 0.0, 0.0, 0.0, 0.0),
    "event": (0.06, 0.04, 0.80, 0.005, 0.0),  # a dinner is put on a day that suits both
}
_NOTES = {"phone": words.CALL_NOTES, "visit": words.VISIT_CALL_NOTES, "gift": words.GIFT_NOTES}
NEVER_TOUCHED = 0.12
UNDELIVERED, REFUSED, TRIED_TWICE, REPLIES = 0.030, 0.006, 0.015, 0.012
_OPEN = """
SELECT id, customer_id, code, occasion, channel, role, assignee_id, due_on, close_on FROM care_task
WHERE store_id = %s AND state = 'open' AND due_on <= %s AND code <> ALL(%s) ORDER BY customer_id, code, occasion
"""
_SETTLE = """
UPDATE care_task t SET state = v.state, settled_at = v.settled_at, settled_by_id = v.by,
    assignee_id = v.assignee, due_on = v.due_on
FROM (VALUES %s) v(id, state, settled_at, by, assignee, due_on) WHERE t.id = v.id
"""
_SETTLE_ROW = "(%s, %s, %s::timestamptz, %s::bigint, %s::bigint, %s::date)"
_SENDABLE = """
SELECT m.id, m.customer_id, m.occasion, m.not_before, m.expires_at FROM care_message m
WHERE m.state = 'pending' AND m.expires_at <= %s ORDER BY m.not_before, m.customer_id, m.occasion
"""
_SENT = """
UPDATE care_message m SET state = v.state, reason = v.reason, attempt = v.attempt, claimed_at = v.claimed_at,
    claimed_by = 'relay:1:send-0', provider = 'aliyun', provider_message_id = v.number, final_at = v.final_at
FROM (VALUES %s) v(id, state, reason, attempt, claimed_at, number, final_at) WHERE m.id = v.id
"""
_SENT_ROW = "(%s::uuid, %s, %s, %s::smallint, %s::timestamptz, %s, %s::timestamptz)"


class FollowUp:
    """The working days after the nights, up to the moment at which the demo begins."""

    def __init__(self, diary: Diary, seed: int, until: datetime) -> None:
        self.diary, self.seed, self.until = diary, seed, until

    def work(self, day: date) -> None:
        """What people did on `day` with the tasks that were due."""
        events: list[tuple[Any, ...]] = []
        for place, store in enumerate(self.diary.staff.stores):
            with connection.cursor() as cursor:
                cursor.execute(_OPEN, [store.pk, day, list(TOLD)])
                tasks = cursor.fetchall()
                settled = [row for task in tasks for row in self._work_on(place, day, task, events)]
                if settled:
                    execute_values(cursor, _SETTLE, settled, _SETTLE_ROW, page_size=2000)
        events.sort(key=lambda event: (event[4], event[0]))
        copy_in("care_taskevent", ("task_id", "outcome", "note", "next_on", "at", "by_id"), events)

    def _work_on(
        self, place: int, day: date, task: Sequence[Any], events: list[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        task_id, customer, code, occasion, channel, role, assignee, due_on, close_on = task
        name = f"{self.seed}:{customer}:{code}:{occasion}"
        if random.Random(name).random() < NEVER_TOUCHED:
            return []
        dice = random.Random(f"{name}:{day}")
        by = assignee or self.diary.staff.of(place, role).pk
        at = self.diary.moment(day, 10) + timedelta(seconds=dice.randrange(10 * 3600))
        draw, shares = dice.random(), HABITS.get(channel, HABITS["phone"])
        chosen = next((n for n in range(5) if draw < sum(shares[: n + 1])), None)
        if at > self.until or chosen is None:
            return []
        note = dice.choice(_NOTES.get(channel, words.CALL_NOTES)) if dice.random() < 0.6 else ""
        if chosen == 0:
            events.append((task_id, "done", note, None, at, by))
            return [(task_id, "done", at, by, assignee, due_on)]
        if chosen == 1:
            next_on = min(day + timedelta(days=1), close_on)
            events.append((task_id, "not_reached", dice.choice(words.CALL_BACK_NOTES), next_on, at, by))
            return [(task_id, "open", None, None, assignee, max(due_on, next_on))]
        if chosen == 2:
            next_on = day + timedelta(days=dice.randrange(*((7, 60) if channel == "event" else (2, 8))))
            if next_on > close_on:
                return []
            events.append((task_id, "postponed", note, next_on, at, by))
            return [(task_id, "open", None, None, assignee, next_on)]
        if chosen == 3:
            events.append((task_id, "declined", dice.choice(words.DECLINE_NOTES), None, at, by))
            return [(task_id, "declined", at, by, assignee, due_on)]
        helper = dice.choice(self.diary.staff.waiters(place)).pk
        if assignee is not None:
            return []
        events.append((task_id, "claimed", "", None, at, helper))
        return [(task_id, "open", None, None, helper, due_on)]

    def texts(self) -> None:
        """What became of the texts whose hours are over: nearly all arrived; a few replies say stop.

        Texts of today whose hours are not over yet stay in the outbox, for the relay.
        """
        with connection.cursor() as cursor:
            cursor.execute(_SENDABLE, [self.until])
            sent, attempts, replies = [], [], []
            turns: dict[datetime, int] = {}
            for message, customer, occasion, opens, closes in cursor.fetchall():
                dice = random.Random(f"{self.seed}:{customer}:{occasion}")
                turn = turns[opens] = turns.get(opens, 0) + 1
                at = min(
                    opens + timedelta(milliseconds=400 * turn + dice.randrange(300)),
                    closes - timedelta(hours=1),
                )
                draw, number = dice.random(), f"{dice.randrange(10**17, 10**18)}^0"
                tries = 1
                if draw > 1 - TRIED_TWICE:
                    attempts.append((message, 1, at, "retry", "Throttling.User", 400, dice.randrange(20, 90)))
                    at, tries = at + timedelta(minutes=1), 2
                if draw < REFUSED:
                    code, state, reason, number, final = (
                        "isv.BLACK_KEY_CONTROL_LIMIT",
                        "failed",
                        "refused",
                        "",
                        at,
                    )
                else:
                    code, state, reason = "OK", "delivered", ""
                    final = at + timedelta(seconds=dice.randrange(2, 40))
                    if draw < REFUSED + UNDELIVERED:
                        state, reason, final = "undelivered", "undelivered", final + timedelta(hours=1)
                    elif draw < REFUSED + UNDELIVERED + REPLIES:
                        replies.append(
                            (
                                customer,
                                final + timedelta(minutes=dice.randrange(1, 60)),
                                dice.choice(("R", "r", "退订", "TD")),
                            )
                        )
                outcome = "refused" if state == "failed" else "accepted"
                http = 400 if state == "failed" else 200
                attempts.append((message, tries, at, outcome, code, http, dice.randrange(45, 380)))
                sent.append((message, state, reason, tries, at, number, final))
            if sent:
                execute_values(cursor, _SENT, sent, _SENT_ROW, page_size=2000)
        copy_in(
            "care_attempt",
            ("message_id", "number", "started_at", "outcome", "code", "http", "took_ms"),
            attempts,
        )
        for customer, at, said in replies:
            self._stop(customer, at, said)

    def _stop(self, customer: int, at: datetime, said: str) -> None:
        guest = self.diary.guests[customer - 1]
        numbers = [guest.phone] if guest.phone else [number for number, *_ in guest.contacts]
        if numbers and at <= self.until:
            opt_out_number(
                brand=self.diary.staff.brand, phone=numbers[0], words=said, source=Source.REPLY, at=at
            )
