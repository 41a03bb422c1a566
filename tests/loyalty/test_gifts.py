"""Gifts: within what a role may give, beyond it after a yes from above; the stock goes down once."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from common.errors import NotHere, Refused
from loyalty.models import Gift, GiftItem
from loyalty.selectors.giving import last_gifts, month_by_person, waiting_gifts
from loyalty.services.gifts import change_loyalty_rules, decide_gift, give, loyalty_rules_of, save_item
from loyalty.worth import Limits, needs_approval
from tests.cast import NOON

pytestmark = pytest.mark.django_db


def hand(store, guest, yuan=38, **said) -> Gift:
    whole = {
        "gift_id": uuid.uuid4(), "customer_id": guest.pk, "item_id": None, "what": "凉菜一份", "cost_fen": yuan * 100,
        "reason": "等位久了", "actor": None, "role": "waiter", "at": NOON,
    }  # fmt: skip
    return give(store=store, **whole | said)


def decide(store, gift, person, role="manager", yes=True, at=NOON):
    return decide_gift(store=store, gift_id=gift.pk, yes=yes, actor=person, role=role, at=at)


def test_row_74_thirty_eight_is_given_thirty_more_waits(store, regular, waiter, manager):
    first = hand(store, regular, 38, actor=waiter)
    second = hand(store, regular, 30, actor=waiter, at=NOON + timedelta(minutes=1))
    assert (first.state, second.state) == ("given", "waiting")
    assert waiting_gifts(store) == [second]
    decide(store, second, manager)
    assert [(each.what, each.by, each.decided_by) for each in last_gifts(store)] == [
        ("凉菜一份", waiter, manager), ("凉菜一份", waiter, None),
    ]  # fmt: skip
    assert month_by_person(store, NOON.date()) == [("小赵", 2, 6_800)]


def test_the_limit_is_a_guests_and_a_visits(store, regular, lapsed, waiter):
    """Two waiters do not give twice as much; another guest, another day begin anew."""
    hand(store, regular, 38, actor=waiter)
    assert hand(store, regular, 30).state == "waiting"
    assert hand(store, lapsed, 50, actor=waiter).state == "given"
    assert hand(store, regular, 50, actor=waiter, at=NOON + timedelta(days=1)).state == "given"


def test_a_month_has_an_end_too(store, regular, waiter):
    rules = loyalty_rules_of(store)
    rules.waiter_month_fen = 8_000
    change_loyalty_rules(rules)
    assert hand(store, regular, 50, actor=waiter).state == "given"
    assert hand(store, regular, 31, actor=waiter, at=NOON + timedelta(days=1)).state == "waiting"
    assert hand(store, regular, 50, actor=waiter, at=NOON + timedelta(days=11)).state == "given"


def test_who_may_say_yes(store, other_store, regular, waiter, manager, head, stranger):
    mine = hand(store, regular, 300, actor=manager, role="manager")
    assert mine.state == "waiting"
    for person, role, code in ((manager, "manager", "gift_not_yours"), (waiter, "manager", "gift_higher")):
        with pytest.raises(Refused) as refused:
            decide(store, mine, person, role)
        assert (refused.value.code, refused.value.status) == (code, 403)
    with pytest.raises(NotHere):
        decide(other_store, mine, stranger, "head")
    assert decide(store, mine, head, "head").state == "given"
    assert decide(store, mine, head, "head").state == "given"
    with pytest.raises(Refused) as refused:
        decide(store, mine, head, "head", yes=False)
    assert refused.value.code == "gift_decided"
    assert hand(store, regular, 9_999, actor=head, role="head").state == "given"


def test_refused_it_counts_no_more(store, regular, waiter, manager):
    decide(store, hand(store, regular, 51, actor=waiter), manager, yes=False)
    assert hand(store, regular, 50, actor=waiter).state == "given"


def test_the_same_form_again_is_the_same_gift(store, regular, waiter):
    said = {"gift_id": uuid.uuid4(), "actor": waiter}
    assert hand(store, regular, **said) == hand(store, regular, **said)
    with pytest.raises(Refused) as refused:
        hand(store, regular, 39, **said)
    assert refused.value.code == "gift_differs" and Gift.objects.count() == 1


def test_what_lies_in_stock_gets_fewer_when_it_is_given(store, regular, waiter, manager):
    card = save_item(store=store, name="定制茶", cost_fen=6_000, left=1, at=NOON)
    waits = hand(store, regular, item_id=card.pk, actor=waiter)
    card.refresh_from_db()
    assert (waits.state, waits.what, waits.cost_fen, card.left) == ("waiting", "定制茶", 6_000, 1)
    decide(store, waits, manager)
    card.refresh_from_db()
    assert card.left == 0
    again = hand(store, regular, item_id=card.pk, actor=waiter)
    with pytest.raises(Refused) as refused:
        decide(store, again, manager)
    assert refused.value.code == "gift_none_left"
    again.refresh_from_db()
    assert again.state == "waiting"


@pytest.mark.django_db(transaction=True)
def test_the_last_one_is_given_once(store, regular, lapsed, newcomer, silent):
    last = save_item(store=store, name="公仔", cost_fen=1_000, left=1, at=NOON)
    begin, answers = threading.Barrier(4), []

    def press(guest) -> None:
        begin.wait()
        try:
            answers.append(hand(store, guest, item_id=last.pk, role="head").state)
        except Refused as refused:
            answers.append(refused.code)
        finally:
            connection.close()

    presses = [threading.Thread(target=press, args=[guest]) for guest in (regular, lapsed, newcomer, silent)]
    for each in presses:
        each.start()
    for each in presses:
        each.join()
    assert sorted(answers) == ["gift_none_left"] * 3 + ["given"]
    assert (GiftItem.objects.get().left, Gift.objects.count()) == (0, 1)


@pytest.mark.parametrize(
    ("said", "code"),
    [({"what": " "}, "gift_what"), ({"cost_fen": 0}, "gift_cost"), ({"reason": "x"}, "gift_reason")],
)
def test_what_is_no_gift_is_refused(store, regular, said, code):
    with pytest.raises(Refused) as refused:
        hand(store, regular, **said)
    assert refused.value.code == code and not Gift.objects.exists()


def test_another_stores_guest_and_item_are_not_here(store, other_store, regular):
    foreign = save_item(store=other_store, name="茶", cost_fen=1_000, left=None, at=NOON)
    for place, item in ((other_store, None), (store, foreign.pk)):
        with pytest.raises(NotHere):
            hand(place, regular, item_id=item)


@pytest.mark.parametrize(
    ("case", "visit", "month", "cost", "waits"),
    [
        ("the limit itself may be given", 0, 0, 5_000, False),
        ("a fen more waits", 0, 0, 5_001, True),
        ("38 were given, 30 more wait", 3_800, 3_800, 3_000, True),
        ("the month is full", 0, 99_000, 1_001, True),
        ("and just not yet", 0, 99_000, 1_000, False),
    ],
)
def test_limits(case, visit, month, cost, waits):
    assert needs_approval(Limits(5_000, 100_000), visit, month, cost) is waits, case
    assert needs_approval(Limits(None, None), visit, month, cost) is False
