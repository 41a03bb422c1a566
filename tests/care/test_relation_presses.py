"""What two people press at the same moment in the long relation is once."""

import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection

from care.models import Agreement, AskedAgain, CallAnswer, Piece, StepTarget, Task, TaskEvent, Topic
from care.relations.services import accounts, notes
from care.relations.services.calls import CallSaid, complete_call, open_win_back, plan_return
from common.errors import Refused
from customers.models import Patronage
from feedback.models import Suggestion
from feedback.services import close_complaint, open_complaint
from tests.cast import NOON, put_on_file

TODAY = NOON.date()
TOGETHER = 6


def press(verb: Callable[[], object]) -> None:
    """Six presses that wait for one another; a refusal is an answer, anything else fails the test."""
    gate, wrong = threading.Barrier(TOGETHER), []

    def one() -> None:
        try:
            gate.wait(timeout=20)
            verb()
        except Refused:
            pass
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    presses = [threading.Thread(target=one) for _ in range(TOGETHER)]
    for each in presses:
        each.start()
    for each in presses:
        each.join(timeout=20)
    assert wrong == []


@pytest.mark.django_db(transaction=True)
def test_pressed_by_two_at_once_is_once(store, head):
    guest = put_on_file(store, "张宏", phone="13811110001", employer="宏达公司")
    told = {"store": store, "actor": head, "at": NOON}
    terms = accounts.Terms(guest.pk, 1, TODAY, TODAY + timedelta(days=300), 90, 60)
    press(lambda: accounts.make_agreement(**told, terms=terms, today=TODAY))
    press(lambda: plan_return(**told, customer_id=guest.pk, on=TODAY, channel="phone", to=head))
    task = Task.objects.get(code="return_plan")
    press(lambda: complete_call(**told, task_id=task.pk, said=CallSaid(score=5, suggestion="换大杯子")))
    press(lambda: notes.note_topic(**told, customer_id=guest.pk, words="旅行", depth=1))
    press(lambda: notes.add_piece(**told, kind="food", title="菌菇", words="煮二十分钟"))
    press(lambda: notes.set_target(store=store, month=date(2026, 6, 1), number=400))
    Patronage.objects.filter(customer=guest).update(last_visit_on=TODAY - timedelta(days=90))
    press(lambda: open_win_back(**told, customer_ids=[guest.pk], today=TODAY))
    complaint = open_complaint(**told, customer_id=guest.pk, text="慢")
    close_complaint(**told, complaint_id=complaint.pk, resolution="道歉")
    later = told | {"at": NOON + timedelta(hours=1)}
    press(lambda: notes.answer_again(**later, complaint_id=complaint.pk, content=False, words="还是慢"))
    counts = {
        model.__name__: model.objects.count()
        for model in (Agreement, TaskEvent, CallAnswer, Suggestion, Topic, Piece, StepTarget, AskedAgain)
    }
    assert set(counts.values()) == {1}, counts
    assert Task.objects.count() == 2
    complaint.refresh_from_db()
    assert complaint.is_open
