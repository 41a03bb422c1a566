"""Dishes a store launches, and withdraws."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.errors import NotHere, Refused
from customers.models import Dish
from customers.models.dish import NEW_DISH_DAYS
from customers.services.dishes import launch_dish, withdraw_dish
from tests.cast import NOON

TODAY = date(2026, 6, 20)


def launch(store, name="松茸汤", on=TODAY, actor=None):
    return launch_dish(store=store, name=name, launched_on=on, actor=actor, at=NOON)


def test_a_dish_is_new_for_sixty_days(store):
    assert NEW_DISH_DAYS == 60
    dish = launch(store)
    days = {-1: 0, 0: 60, 1: 59, 59: 1, 60: 0, 400: 0}
    assert {n: dish.days_new(TODAY + timedelta(days=n)) for n in days} == days


def test_one_name_is_one_dish_of_a_store(store, other_store, manager):
    dish = launch(store, " 松茸  汤 ", actor=manager)
    assert (dish.name, dish.recorded_at, dish.recorded_by) == ("松茸 汤", NOON, manager)
    with pytest.raises(Refused) as refused:
        launch(store, "松茸 汤")
    assert (refused.value.code, refused.value.status, refused.value.field) == ("dish_on_list", 409, "name")
    assert Dish.objects.count() == 1
    launch(other_store, "松茸 汤")
    assert Dish.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "on", "code"),
    [
        (" ", TODAY, "dish_missing"),
        ("汤", date(1989, 12, 31), "launch_out_of_range"),
        ("汤", TODAY + timedelta(days=367), "launch_out_of_range"),
    ],
)
def test_what_cannot_be_is_refused(store, name, on, code):
    with pytest.raises(Refused) as refused:
        launch(store, name, on)
    assert refused.value.code == code and not Dish.objects.exists()


def test_withdrawn_it_stays_on_file_and_the_name_is_free(store, other_store, manager):
    dish = launch(store)
    with pytest.raises(NotHere):
        withdraw_dish(store=other_store, dish_id=dish.pk, actor=None, at=NOON)
    withdraw_dish(store=store, dish_id=dish.pk, actor=manager, at=NOON)
    withdraw_dish(store=store, dish_id=dish.pk, actor=None, at=NOON + timedelta(days=1))
    dish.refresh_from_db()
    assert (dish.withdrawn_at, dish.withdrawn_by) == (NOON, manager)
    assert launch(store).pk != dish.pk


@time_machine.travel(NOON, tick=False)
def test_the_page(store, manager, head, host):
    client = Client()
    client.force_login(manager)
    page = reverse("dishes")
    assert "还没有记过新菜" in client.get(page).content.decode()
    client.post(page, {"name": "松茸汤", "launched_on": "2026-06-10"}, follow=True)
    launch(store, "老菜", date(2026, 1, 1))
    launch(store, "秋蟹", date(2026, 9, 1))
    shown = client.get(page).content.decode()
    assert shown.index("秋蟹") < shown.index("松茸汤") < shown.index("老菜")
    assert "新菜，还有 50 天" in shown and "还没上市" in shown and "已过新菜期" in shown
    for ask, sentence in (
        ({"name": "松茸汤", "launched_on": "2026-06-10"}, "已经在新菜单上"),
        ({"name": "", "launched_on": "2026-06-10"}, "请填菜名"),
        ({"name": "汤", "launched_on": "x"}, "2026-06-20 这样"),
    ):
        answer = client.post(page, ask)
        assert answer.status_code == 422 and sentence in answer.content.decode()
    dish = Dish.objects.get(name="松茸汤")
    assert dish.recorded_by == manager
    client.post(reverse("dish-withdraw", args=[dish.pk]))
    assert Dish.objects.get(name="松茸汤").withdrawn_by == manager
    assert "新菜，还有" not in client.get(page).content.decode()
    client.force_login(head)
    assert page in client.get(reverse("settings")).content.decode()
    client.force_login(host)
    assert client.get(page).status_code == 403
