"""A call to win a guest back brings the voucher that was chosen on it: once, at once, and it says where it came from."""

import threading
from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from care.models import CallAnswer, Task, TaskEvent
from care.relations.services.calls import CallSaid, complete_call, open_win_back
from common.errors import NotHere, Refused
from customers.models import Phone
from loyalty.models import Voucher
from loyalty.services.kinds import retire_kind, save_kind
from staff.access import issue_token
from tests.care.stage import LONG_AGO, china, content, guests
from tests.cast import hire

AT = china("2026-06-01 10:00")
TODAY = AT.date()


def kind(store, name="20元券", **more):
    said = {
        "name": name, "gives": "amount", "worth": 2_000, "item": "", "min_bill_fen": 0, "valid_days": 30,
        "transferable": False, "once": False,
    }  # fmt: skip
    return save_kind(store=store, said=said | more, actor=None, at=LONG_AGO)


def call(store, head, first=1) -> Task:
    (guest,) = guests(store, 1, first=first, last_visit_on=date(2026, 3, 1))
    open_win_back(store=store, customer_ids=[guest.pk], actor=head, at=AT, today=TODAY)
    return Task.objects.get(customer=guest)


def told(of=None, **more) -> CallSaid:
    return CallSaid(cause="price", measure="coupon", kind_id=of.pk if of else None, **more)


def complete(store, task, said, actor, at=AT, may_give=True) -> Task:
    return complete_call(store=store, task_id=task.pk, actor=actor, at=at, said=said, may_give=may_give)


@pytest.mark.django_db
def test_row_52_the_voucher_is_given_on_the_call_once(store, head):
    task, of = call(store, head), kind(store)
    complete(store, task, told(of), head)
    voucher = Voucher.objects.get()
    assert (voucher.customer_id, voucher.kind, voucher.occasion) == (
        task.customer_id,
        of,
        f"win_back:{task.pk}",
    )
    assert (voucher.issued_by, voucher.issued_on, voucher.valid_until) == (
        head,
        TODAY,
        TODAY + timedelta(days=30),
    )
    answer = CallAnswer.objects.get()
    assert (answer.cause, answer.measure, answer.voucher) == ("price", "coupon", voucher)
    before = content(Task, TaskEvent, CallAnswer, Voucher)
    complete(store, task, told(kind(store, "别的券")), head, AT + timedelta(hours=1))
    assert content(Task, TaskEvent, CallAnswer, Voucher) == before


@pytest.mark.django_db(transaction=True)
def test_pressed_by_six_at_once_it_is_one(store, head):
    task, of = call(store, head), kind(store)
    begin, wrong = threading.Barrier(6), []

    def press() -> None:
        try:
            begin.wait(timeout=20)
            complete(store, task, told(of), head)
        except BaseException as error:
            wrong.append(error)
        finally:
            connection.close()

    presses = [threading.Thread(target=press) for _ in range(6)]
    for each in presses:
        each.start()
    for each in presses:
        each.join(timeout=20)
    assert wrong == []
    assert Voucher.objects.count() == CallAnswer.objects.count() == TaskEvent.objects.count() == 1


@pytest.mark.django_db
def test_without_any_kind_the_measure_is_recorded_as_before(store, other_store, head):
    kind(other_store)
    gone = kind(store, "旧券")
    retire_kind(store=store, kind_id=gone.pk, at=LONG_AGO)
    complete(store, call(store, head), told(), head)
    answer = CallAnswer.objects.get()
    assert (answer.measure, answer.voucher) == ("coupon", None) and not Voucher.objects.exists()


def refused(store, task, said, actor, **more) -> Refused:
    before = content(Task, TaskEvent, CallAnswer, Voucher)
    with pytest.raises(Refused) as error:
        complete(store, task, said, actor, **more)
    assert content(Task, TaskEvent, CallAnswer, Voucher) == before
    return error.value


@pytest.mark.django_db
def test_what_cannot_be_given_settles_nothing(store, other_store, head, waiter):
    task, of = call(store, head), kind(store)
    once, foreign = kind(store, "新客券", once=True), kind(other_store)
    gone = kind(store, "旧券")
    retire_kind(store=store, kind_id=gone.pk, at=LONG_AGO)
    assert refused(store, task, told(), head).code == "win_back_kind"
    other = CallSaid(cause="price", measure="dish", kind_id=of.pk)
    assert refused(store, task, other, head).code == "win_back_no_coupon"
    denied = refused(store, task, told(of), waiter, may_give=False)
    assert (denied.code, denied.status) == ("win_back_not_yours", 403)
    assert refused(store, task, told(gone), head).status == 409
    assert isinstance(refused(store, task, told(foreign), head), NotHere)
    Phone.objects.filter(customer=task.customer_id).delete()
    no_number = refused(store, task, told(once), head)
    assert (no_number.code, no_number.status) == ("voucher_once", 409)
    # Who may not give still writes down what was agreed.
    complete(store, task, told(), waiter, may_give=False)
    assert CallAnswer.objects.get().voucher is None


@pytest.mark.django_db
def test_a_kind_that_a_person_gets_once_is_not_given_again(store, head):
    task, once = call(store, head), kind(store, "新客券", once=True)
    complete(store, task, told(once), head)
    assert (
        Voucher.objects.get().occasion == "once" and CallAnswer.objects.get().voucher == Voucher.objects.get()
    )
    again = Task.objects.create(
        store=store, customer_id=task.customer_id, code="win_back", occasion="win_back:2026-04-01", channel="phone",
        zh="挽回", en="Win back", role="manager", due_on=TODAY, close_on=TODAY, opened_on=TODAY, opened_at=AT,
    )  # fmt: skip
    assert refused(store, again, told(once), head).code == "voucher_once"


def press(person, task, **more):
    client = Client()
    client.force_login(person)
    form = {"act": "done", "cause": "price", "measure": "coupon", **more}
    return client.post(reverse("task-act", args=[task.pk]), form, follow=True).content.decode()


def row_of(person, task, **more):
    """The same press with htmx: the row comes back."""
    client = Client()
    client.force_login(person)
    form = {"act": "done", "cause": "price", "measure": "coupon", **more}
    return client.post(reverse("task-act", args=[task.pk]), form, headers={"HX-Request": "true"})


@pytest.mark.django_db
def test_on_the_page(store, head, waiter):
    """No kind: a sentence says so. With one: it is asked for, given, its code is told, the guest's page has it."""
    task, client = call(store, head), Client()
    with time_machine.travel(AT, tick=False):
        client.force_login(head)
        board = reverse("tasks") + "?who=all"
        assert "本店还没有券，“送券”只记下来" in client.get(board).content.decode()
        of = kind(store)
        page = client.get(board).content.decode()
        assert f'<option value="{of.pk}">20元券</option>' in page and "本店还没有券" not in page
        assert "请选送哪一种券。" in press(head, task) and not Voucher.objects.exists()
        denied = row_of(waiter, task, kind=of.pk)
        assert denied.status_code == 422 and "您的岗位不能发券" in denied.content.decode()
        assert "发券由领位、经理或店长来做" in denied.content.decode() and not Voucher.objects.exists()
        assert row_of(head, task, kind="x").status_code == 422 and not Voucher.objects.exists()
        done = press(head, task, kind=of.pk)
        voucher = Voucher.objects.get()
        assert f"券已发给客人：20元券，券码 {voucher.shown}。" in done
        shown = client.get(reverse("customer-loyalty", args=[task.customer_id])).content.decode()
        assert voucher.shown in shown and "挽回电话" in shown
        history = client.get(reverse("customer-care", args=[task.customer_id])).content.decode()
        assert f"价格 → 送券（20元券 {voucher.shown}）" in history
        other = call(store, head, first=50)
        assert row_of(waiter, other).status_code == 200 and Voucher.objects.count() == 1


@pytest.mark.django_db
def test_with_htmx_the_row_tells_the_code(store, head):
    task, of = call(store, head), kind(store)
    with time_machine.travel(AT, tick=False):
        row = row_of(head, task, kind=of.pk)
    assert f"<code>{Voucher.objects.get().shown}</code>" in row.content.decode()


@pytest.mark.django_db
def test_through_the_api(store, head):
    """A machine may give, as it may by the door of vouchers; headquarters may not, and writes the measure down."""
    task, of = call(store, head), kind(store)
    _, key = issue_token(store=store, name="POS", actor=None, at=AT)
    machine = Client(headers={"authorization": f"Bearer {key}"})
    path, told = f"/api/v1/tasks/{task.pk}/complete/", {"cause": "price", "measure": "coupon"}
    boss = Client()
    boss.force_login(hire("boss", "总部", "hq", store))
    with time_machine.travel(AT, tick=False):
        asked = machine.post(path, told, content_type="application/json")
        assert asked.status_code == 400 and "kind" in asked.json()["fields"]
        for nonsense in ("x", -1, 2**70, [1]):
            wrong = machine.post(path, told | {"voucher_kind": nonsense}, content_type="application/json")
            assert wrong.status_code == 400 and "voucher_kind" in wrong.json()["fields"]
        denied = boss.post(path, told | {"voucher_kind": of.pk}, content_type="application/json")
        assert denied.status_code == 403 and not Voucher.objects.exists()
        for _twice in range(2):
            done = machine.post(path, told | {"voucher_kind": of.pk}, content_type="application/json")
            assert done.status_code == 200
        assert Voucher.objects.get().occasion == f"win_back:{task.pk}"
