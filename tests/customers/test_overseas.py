"""A number abroad brings the tag `overseas`: with the number, once, and no more after it was taken off."""

from datetime import timedelta

import pytest

from customers.models import Tag
from customers.origin import is_abroad
from customers.services.customers import Profile, add_contact_number, change_customer, remove_tag
from tests.cast import NOON, put_on_file
from tests.customers.importing import bring_guests, contents, done

LATER = NOON + timedelta(days=1)


def words(guest) -> list[str]:
    return sorted(tag.word for tag in guest.tags.filter(removed_at=None))


def change(store, guest, **said):
    return change_customer(
        store=store, customer_id=guest.pk, profile=Profile(**said), actor=None, at=LATER, source="desk"
    )


@pytest.mark.parametrize(
    ("phone", "abroad"),
    [("13812348899", False), ("02112345678", False), ("+85291234567", True), ("+14155550100", True)],
)
def test_a_canonical_number_abroad_begins_with_a_plus(phone, abroad):
    assert is_abroad(phone) is abroad


def test_registered_with_a_number_abroad(store, regular):
    guest = put_on_file(store, "陈港生", phone="+85291234567", tags=("老乡",))
    assert words(guest) == ["overseas", "老乡"]
    assert guest.tags.get(word="overseas").added_at == NOON
    assert words(regular) == []


def test_a_number_that_changes_to_one_abroad(store, regular, manager):
    change_customer(
        store=store, customer_id=regular.pk, profile=Profile(phone="+14155550100"), actor=manager, at=LATER,
        source="desk",
    )  # fmt: skip
    tag = regular.tags.get()
    assert (tag.word, tag.added_at, tag.added_by) == ("overseas", LATER, manager)


def test_taken_off_it_stays_off(store):
    guest = put_on_file(store, "陈港生", phone="+85291234567")
    remove_tag(customer=guest, word="overseas", actor=None, at=NOON)
    change(store, guest, position="经理")
    change(store, guest, phone="+85291234567", position="总经理")
    put_on_file(store, "陈港生", phone="+85291234567")
    assert words(guest) == [] and Tag.objects.count() == 1


def test_another_number_abroad_keeps_the_one_tag(store):
    guest = put_on_file(store, "陈港生", phone="+85291234567")
    change(store, guest, phone="+85298765432")
    assert words(guest) == ["overseas"] and Tag.objects.count() == 1


def test_a_contact_abroad_is_not_the_guest_abroad(store, regular):
    add_contact_number(customer=regular, phone="+85291234567", whose="女儿", at=NOON)
    assert words(regular) == []
    change(store, regular, phone="+85291234567")
    assert words(regular) == ["overseas"]


def test_a_file_with_numbers_abroad(store, regular, manager):
    rows = (
        "客户编号|姓名|手机|标签",
        "H1|陈港生|+852 9123 4567|老乡",
        "C001|王建国|+1 415 555 0100|",
        "N1|李四|13912340000|",
    )
    assert done(bring_guests(store, *rows, actor=manager)) == {"created": 2, "updated": 1}
    found = sorted(Tag.objects.values_list("customer__name", "word", "added_at", "added_by"))
    assert found == [
        ("王建国", "overseas", NOON, manager.pk), ("陈港生", "overseas", NOON, manager.pk),
        ("陈港生", "老乡", NOON, manager.pk),
    ]  # fmt: skip
    before = contents()
    assert done(bring_guests(store, *rows, at=LATER)) == {"unchanged": 3} and contents() == before
    remove_tag(customer=regular, word="overseas", actor=None, at=NOON)
    before = contents()
    again = (*rows[:2], "C001|王建国|+1 415 555 0100|", rows[3])
    assert done(bring_guests(store, *again, at=LATER)) == {"unchanged": 3} and contents() == before
