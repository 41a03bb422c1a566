"""Vouchers: what they give, into whose hands they go, and that each is used once."""

import threading
from datetime import date, timedelta

import pytest
from django.db import connection

from common.errors import NotHere, Refused
from customers.models import Customer, Introduction, Patronage
from loyalty.models import Redemption, Voucher, VoucherKind
from loyalty.selectors.vouchers import kinds_listed, new_guests_brought, usable_vouchers_of
from loyalty.services.issuing import issue, issue_by_hand, issue_to_group
from loyalty.services.kinds import retire_kind, save_kind
from loyalty.services.redeeming import Bill, find_voucher, redeem, take_back
from loyalty.worth import ALPHABET, saved_fen
from tests.care.stage import grade, guests
from tests.cast import NOON, put_on_file
from tiering.models import Segment

TODAY = NOON.date()


def kind(store, name="满200减30", **said) -> VoucherKind:
    whole = {
        "name": name, "gives": "amount", "worth": 3_000, "item": "", "min_bill_fen": 20_000, "valid_days": 30,
        "transferable": False, "once": False,
    }  # fmt: skip
    return save_kind(store=store, said=whole | said, actor=None, at=NOON)


def use(store, voucher, fen=50_000, **said):
    said = {"actor": None, "at": NOON, "source": "desk", "bill": Bill(fen)} | said
    return redeem(store=store, code=voucher.shown, **said)


def one(store, guest, of) -> Voucher:
    issue(store=store, kind=of, guests=[(guest.pk, "x")], on=TODAY, at=NOON)
    return Voucher.objects.get(customer=guest, kind=of, number=0)


def promotion(store, of, tiers=("B",), own=1, friends=3, name="端午促销") -> int:
    return issue_to_group(
        store=store, kind_id=of.pk, name=name, tiers=list(tiers), segment=None, own=own, friends=friends,
        actor=None, at=NOON,
    )  # fmt: skip


@pytest.mark.django_db
def test_row_43_thirty_off_two_hundred(store, regular):
    """A bill of ¥199 is refused, one of ¥200 is taken."""
    voucher = one(store, regular, kind(store))
    with pytest.raises(Refused) as refused:
        use(store, voucher, 19_900)
    assert refused.value.code == "voucher_bill_too_small" and "满 ¥200 才能用，这一单是 ¥199" in str(
        refused.value
    )
    assert not Redemption.objects.exists()
    used = use(store, voucher, 20_000)
    assert (used.saved_fen, used.bill_fen, used.customer, used.on) == (3_000, 20_000, regular, TODAY)


@pytest.mark.django_db
def test_row_37_one_own_and_three_for_friends(store):
    """Every B guest has 4 codes; a friend who uses one is on file as brought by the B guest."""
    eight = guests(store, 8, "B") + guests(store, 5, "C", first=100)
    of = kind(store, transferable=True)
    assert promotion(store, of) == 8 * 4
    assert promotion(store, of) == 0
    codes = Voucher.objects.values_list("code", flat=True)
    assert len(set(codes)) == 32 and all(set(code) <= set(ALPHABET) and len(code) == 10 for code in codes)
    held = Voucher.objects.filter(customer=eight[0]).order_by("number")
    assert [each.number for each in held] == [0, 1, 2, 3]
    used = use(store, held[1], phone="13811112222", name="小李")
    friend = Customer.objects.get(pk=used.customer_id)
    assert friend.name == "小李" and friend.introduced_by.get().introducer == eight[0]
    assert Patronage.objects.filter(customer=friend, store=store).exists()


@pytest.mark.django_db
def test_row_72_two_of_three_used_by_new_phones(store, regular, lapsed):
    """The B guest has brought two more; a third voucher used by somebody known brings nobody."""
    grade(regular, store, "B")
    assert promotion(store, kind(store, transferable=True), own=0) == 3
    first, second, third = Voucher.objects.order_by("number")
    use(store, first, phone="13811112222")
    use(store, second, phone="13811113333")
    assert new_guests_brought(store, regular.pk) == 2
    assert Introduction.objects.filter(introducer=regular, voided_at=None).count() == 2
    used = use(store, third, phone="13900001122")
    assert used.customer == lapsed and not used.is_new
    assert new_guests_brought(store, regular.pk) == 2
    assert Introduction.objects.count() == 2
    [listed] = kinds_listed(store)
    assert (listed.issued, listed.used, listed.saved_fen, listed.new_guests) == (3, 3, 9_000, 2)


@pytest.mark.django_db
def test_a_friends_voucher_is_for_a_friend(store, regular):
    grade(regular, store, "B")
    promotion(store, kind(store, transferable=True))
    own, friends, *_rest = Voucher.objects.order_by("number")
    for said, code in (({}, "voucher_friend_phone"), ({"phone": "13812348899"}, "voucher_not_for_holder")):
        with pytest.raises(Refused) as refused:
            use(store, friends, **said)
        assert refused.value.code == code
    assert use(store, own, phone="13812348899").customer == regular
    assert Redemption.objects.count() == 1 and Customer.objects.count() == 1


@pytest.mark.django_db
def test_what_cannot_be_handed_on_registers_nobody(store, regular):
    voucher = one(store, regular, kind(store))
    with pytest.raises(Refused) as refused:
        use(store, voucher, phone="13811112222")
    assert refused.value.code == "voucher_not_transferable"
    assert Customer.objects.count() == 1 and not Redemption.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_people_use_one_code_at_the_same_moment(store, regular):
    voucher = one(store, regular, kind(store))
    begin, answers = threading.Barrier(4), []

    def press(till: int) -> None:
        begin.wait()
        try:
            answers.append(use(store, voucher, bill=Bill(50_000, f"B{till}")).bill_number)
        except Refused as refused:
            answers.append(refused.code)
        finally:
            connection.close()

    presses = [threading.Thread(target=press, args=[till]) for till in range(4)]
    for each in presses:
        each.start()
    for each in presses:
        each.join()
    assert sorted(answers).count("voucher_used") == 3 and Redemption.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_nights_at_one_moment_issue_once(store):
    people, of = guests(store, 50, "B"), kind(store)
    begin, numbers = threading.Barrier(3), []

    def run(turn: int) -> None:
        begin.wait()
        each = [(guest.pk, "x") for guest in people]
        numbers.append(issue(store=store, kind=of, guests=each[:: -1 if turn else 1], on=TODAY, at=NOON))
        connection.close()

    runs = [threading.Thread(target=run, args=[turn]) for turn in range(3)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert sum(numbers) == 50 and Voucher.objects.count() == 50


@pytest.mark.django_db
def test_the_same_bill_again_is_the_same_use(store, regular):
    voucher = one(store, regular, kind(store))
    first = use(store, voucher, bill=Bill(50_000, "B7"))
    assert use(store, voucher, bill=Bill(50_000, "B7")) == first
    for bill in (Bill(50_000, "B8"), Bill(40_000, "B7"), Bill(50_000)):
        with pytest.raises(Refused) as refused:
            use(store, voucher, bill=bill)
        assert (refused.value.code, refused.value.status) == ("voucher_used", 409)
    assert Redemption.objects.count() == 1


@pytest.mark.django_db
def test_it_counts_until_its_last_day(store, regular):
    voucher = one(store, regular, kind(store))
    assert voucher.valid_until == date(2026, 7, 20)
    with pytest.raises(Refused) as refused:
        use(store, voucher, at=NOON + timedelta(days=31))
    assert refused.value.code == "voucher_expired"
    # Two in the morning still belongs to the last day.
    assert use(store, voucher, at=NOON + timedelta(days=30, hours=14)).on == date(2026, 7, 20)


@pytest.mark.django_db
def test_a_mistake_is_taken_back_and_the_voucher_is_good_again(store, other_store, regular, manager):
    voucher = one(store, regular, kind(store))
    used = use(store, voucher)
    with pytest.raises(NotHere):
        take_back(store=other_store, redemption_id=used.pk, reason="点错了", actor=manager, at=NOON)
    with pytest.raises(Refused):
        take_back(store=store, redemption_id=used.pk, reason=" ", actor=manager, at=NOON)
    for _ in range(2):
        take_back(store=store, redemption_id=used.pk, reason="点错了", actor=manager, at=NOON)
    assert usable_vouchers_of(store, regular.pk, TODAY) == [voucher]
    use(store, voucher)
    assert list(Redemption.objects.order_by("pk").values_list("void_reason", flat=True)) == ["点错了", ""]


@pytest.mark.django_db
def test_another_stores_code_is_not_known(store, other_store, regular):
    voucher = one(store, regular, kind(store))
    assert find_voucher(store, f" {voucher.shown.lower()} ") == voucher
    with pytest.raises(Refused) as refused:
        use(other_store, voucher)
    assert refused.value.code == "voucher_unknown"
    with pytest.raises(NotHere):
        issue(store=other_store, kind=voucher.kind, guests=[(regular.pk, "y")], on=TODAY, at=NOON)


@pytest.mark.django_db
def test_once_a_person_and_only_with_a_number(store, regular):
    welcome = kind(store, "新客券", once=True)
    nameless = put_on_file(store, "无号客人")
    for occasion in ("new_guest", "hand:2026-06-20"):
        issue(
            store=store,
            kind=welcome,
            guests=[(regular.pk, occasion), (nameless.pk, occasion)],
            on=TODAY,
            at=NOON,
        )
    assert [(each.customer, each.occasion) for each in Voucher.objects.all()] == [(regular, "once")]


@pytest.mark.django_db
def test_by_hand_one_a_day(store, other_store, regular):
    of = kind(store)
    said = {"store": store, "kind_id": of.pk, "customer_id": regular.pk, "actor": None}
    assert [issue_by_hand(**said, at=NOON), issue_by_hand(**said, at=NOON)] == [1, 0]
    assert issue_by_hand(**said, at=NOON + timedelta(days=1)) == 1
    with pytest.raises(NotHere):
        issue_by_hand(**said | {"store": other_store}, at=NOON)


@pytest.mark.django_db
def test_a_segment_gets_them_too(store, head):
    people = guests(store, 3, "C", last_visit_on=TODAY)
    segment = Segment.objects.create(
        store=store, name="全部", rule={"otherwise": True}, made_at=NOON, made_by=head
    )
    said = {
        "name": "回馈",
        "tiers": [],
        "segment": segment,
        "own": 1,
        "friends": 0,
        "actor": head,
        "at": NOON,
    }
    assert issue_to_group(store=store, kind_id=kind(store).pk, **said) == len(people)


@pytest.mark.django_db
def test_what_was_promised_is_kept(store, regular):
    of = kind(store)
    said = {
        "name": "满200减30", "gives": "amount", "worth": 5_000, "item": "", "min_bill_fen": 20_000, "valid_days": 60,
        "transferable": False, "once": False,
    }  # fmt: skip
    save_kind(store=store, said=said, actor=None, at=NOON, kind_id=of.pk)
    one(store, regular, of)
    with pytest.raises(Refused) as refused:
        save_kind(store=store, said=said | {"worth": 1_000}, actor=None, at=NOON, kind_id=of.pk)
    assert (refused.value.code, refused.value.status) == ("kind_promised", 409)
    save_kind(store=store, said=said | {"name": "夏日券"}, actor=None, at=NOON, kind_id=of.pk)
    of.refresh_from_db()
    assert (of.name, of.worth) == ("夏日券", 5_000)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"name": "  "}, "kind_name"),
        ({"worth": 0}, "kind_worth_amount"),
        ({"gives": "percent", "worth": 101}, "kind_worth_percent"),
        ({"gives": "item", "item": " "}, "kind_item"),
        ({"worth": 30_000}, "kind_less_than_bill"),
        ({"once": True, "transferable": True}, "kind_once_for_friends"),
        ({"valid_days": 0}, "kind_valid_days"),
    ],
)
def test_what_is_no_voucher_is_refused(store, said, code):
    with pytest.raises(Refused) as refused:
        kind(store, **said)
    assert refused.value.code == code and not VoucherKind.objects.exists()


@pytest.mark.django_db
def test_retired_it_is_issued_no_more_and_still_good(store, regular, lapsed):
    of = kind(store)
    voucher = one(store, regular, of)
    for _ in range(2):
        retire_kind(store=store, kind_id=of.pk, at=NOON)
    of.refresh_from_db()
    with pytest.raises(Refused) as refused:
        issue(store=store, kind=of, guests=[(lapsed.pk, "x")], on=TODAY, at=NOON)
    assert refused.value.code == "kind_retired"
    assert use(store, voucher).saved_fen == 3_000
    kind(store)


@pytest.mark.parametrize(
    ("case", "gives", "worth", "bill_fen", "saved"),
    [
        ("thirty off", "amount", 3_000, 20_000, 3_000),
        ("never more than the bill", "amount", 3_000, 2_500, 2_500),
        ("九折 of ¥500", "percent", 10, 50_000, 5_000),
        ("half a fen goes up", "percent", 10, 5, 1),
        ("a free meal", "percent", 100, 12_345, 12_345),
        ("a dish has no price here", "item", 0, 50_000, None),
        ("one for one neither", "one_for_one", 0, 50_000, None),
    ],
)
def test_what_a_voucher_takes_off(case, gives, worth, bill_fen, saved):
    assert saved_fen(gives, worth, bill_fen) == saved, case
