"""Who took part in an event of ours."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.errors import NotHere, Refused
from customers.models import Participation
from customers.services.events import record_participation, void_participation
from tests.cast import NOON, hire

TODAY = date(2026, 6, 20)


def attend(store, guest, event="端午品鉴会", on=TODAY, actor=None, at=NOON):
    return record_participation(
        store=store, customer_id=guest.pk, event=event, attended_on=on, actor=actor, at=at
    )


def test_the_same_event_guest_and_day_is_one_row(store, regular, lapsed, manager):
    first = attend(store, regular, actor=manager)
    again = attend(store, regular, "  端午品鉴会 ")
    assert first.pk == again.pk
    assert (first.event, first.attended_on, first.recorded_at, first.recorded_by, first.voided_at) == (
        "端午品鉴会", TODAY, NOON, manager, None,
    )  # fmt: skip
    attend(store, regular, on=TODAY - timedelta(days=1))
    attend(store, regular, "会员日")
    attend(store, lapsed)
    assert Participation.objects.count() == 4


def test_taken_back_it_stays_on_file_and_may_be_said_again(store, regular, manager):
    row = attend(store, regular)
    told = {"store": store, "customer_id": regular.pk, "participation_id": row.pk}
    void_participation(**told, actor=manager, at=NOON + timedelta(hours=1))
    void_participation(**told, actor=None, at=NOON + timedelta(hours=2))
    row.refresh_from_db()
    assert (row.voided_at, row.voided_by) == (NOON + timedelta(hours=1), manager)
    assert attend(store, regular).pk != row.pk


@pytest.mark.parametrize(
    ("event", "on", "code", "field"),
    [
        (" ", TODAY, "event_missing", "event"),
        ("品鉴会", TODAY + timedelta(days=1), "event_in_future", "attended_on"),
        ("品鉴会", date(206, 6, 20), "event_too_old", "attended_on"),
    ],
)
def test_what_cannot_be_is_refused(store, regular, event, on, code, field):
    with pytest.raises(Refused) as refused:
        attend(store, regular, event, on)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert not Participation.objects.exists()


def test_before_four_in_the_morning_it_is_still_the_day_before(store, regular):
    at = NOON.replace(hour=19)  # 03:00 on 21 June in Shanghai
    assert attend(store, regular, on=TODAY, at=at).attended_on == TODAY
    with pytest.raises(Refused):
        attend(store, regular, on=TODAY + timedelta(days=1), at=at)


def test_another_stores_guest_is_not_here(store, other_store, regular):
    with pytest.raises(NotHere):
        attend(other_store, regular)
    row = attend(store, regular)
    with pytest.raises(NotHere):
        void_participation(
            store=other_store, customer_id=regular.pk, participation_id=row.pk, actor=None, at=NOON
        )
    assert Participation.objects.get().voided_at is None


@time_machine.travel(NOON, tick=False)
def test_the_guests_page_lists_and_takes_participations(store, regular, lapsed, head):
    client = Client()
    client.force_login(head)
    page, post = reverse("customer", args=[regular.pk]), reverse("customer-event", args=[regular.pk])
    answer = client.post(post, {"event": "端午品鉴会", "attended_on": "2026-06-19"}, follow=True)
    row = Participation.objects.get()
    assert (row.attended_on, row.recorded_by) == (date(2026, 6, 19), head)
    assert "端午品鉴会" in client.get(page).content.decode() and answer.status_code == 200
    for ask, sentence in (
        ({"event": "品鉴会", "attended_on": "2026-06-21"}, "在今天之后"),
        ({"event": "品鉴会", "attended_on": "昨天"}, "2026-06-20 这样"),
        ({"event": "", "attended_on": "2026-06-20"}, "是什么活动"),
    ):
        answer = client.post(post, ask)
        assert answer.status_code == 422 and sentence in answer.content.decode()
    assert Participation.objects.count() == 1
    void = reverse("customer-event-void", args=[lapsed.pk, row.pk])
    assert client.post(void).status_code == 404
    client.post(reverse("customer-event-void", args=[regular.pk, row.pk]))
    assert Participation.objects.get().voided_by == head
    assert 'value="端午品鉴会"' not in client.get(page).content.decode()
    assert f"/events/{row.pk}/void/" not in client.get(page).content.decode()


def test_hq_reads_and_does_not_write(store, regular, hq):
    attend(store, regular)
    client = Client()
    client.force_login(hq)
    page = client.get(reverse("customer", args=[regular.pk])).content.decode()
    assert "端午品鉴会" in page and "记一次活动" not in page
    answer = client.post(
        reverse("customer-event", args=[regular.pk]), {"event": "x", "attended_on": "2026-06-19"}
    )
    assert answer.status_code == 403


def test_a_waiter_has_no_such_page(store, regular):
    client = Client()
    client.force_login(hire("w2", "小王", "waiter", store))
    answer = client.post(reverse("customer-event", args=[regular.pk]), {})
    assert answer.status_code == 403
