"""Guests whose birthday is today, in groups whose numbers are known beforehand."""

from datetime import date, datetime, timedelta

from django.db import transaction

from care.models import TextRules
from care.playbook import birthday_events
from common.clock import now
from common.festivals import is_solemn
from common.keys import blind_index
from customers.models import Consent, Customer, Patronage, Phone
from customers.services.customers import add_tag, opt_out_number
from staff.models import Brand, Store
from tiering.services.schemes import adopt_preset

PREFIXES = {
    "steady": "1380", "closing": "1390", "left_reply": "1370", "left_consent": "1360", "left_complaint": "1350",
    "never": "1340", "mourning": "1330", "pair": "1320", "unwilling": "1310",
}  # fmt: skip
DAY = timedelta(days=1)


def phones(group: str, number: int) -> list[str]:
    """The numbers of a group."""
    return [f"{PREFIXES[group]}{n:07}" for n in range(number)]


def zone_for(at: datetime) -> str:
    """A zone whose clock shows about noon at `at`, so that no midnight comes in between; on a day without greetings one
    where it is still the day before, or the day after already.
    """
    ahead = 12 - at.hour
    if is_solemn(at.date()):
        ahead = -12 if at.hour < 11 else 14
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@transaction.atomic
def fill(groups: dict[str, int], zone: str) -> None:
    """Three stores in `zone`: one that is open all day, one whose hours will be cut, one of a brand with strict caps."""
    at = now()
    day = at.astimezone(Store(timezone=zone).zone()).date()
    # Where a second text to a number is caught by nothing but what is being tested.
    loose = Brand.objects.create(code="loose", name="宽松火锅")
    TextRules.objects.create(brand=loose, a_day=5, a_month=30)
    strict = Brand.objects.create(code="strict", name="严格火锅")
    stores = {
        code: Store.objects.create(
            brand=brand,
            code=code,
            name=code,
            timezone=zone,
            messages_from="00:00",
            messages_until="23:59:59",
            day_ends_at="00:00",
            night_at="00:05",
        )
        for code, brand in (("open", loose), ("closing", loose), ("strict", strict))
    }
    for store in stores.values():
        adopt_preset(
            store=store, code="recent_month_abc", from_date=day - 99 * DAY, actor=None, at=at - 99 * DAY
        )
    for group, number in groups.items():
        store = stores[{"closing": "closing", "pair": "strict"}.get(group, "open")]
        numbers = phones(group, number)
        people = _put_on_file(store, numbers, day, at, consent=group != "unwilling")
        if group == "pair":
            _put_on_file(store, numbers, day, at, kind="contact", calendar="lunar")
        for person, phone in zip(people, numbers, strict=True):
            if group == "never":
                opt_out_number(brand=store.brand, phone=phone, words="R", source="reply", at=at)
            if group == "mourning":
                add_tag(customer=person, word="in_mourning", actor=None, at=at)


def _put_on_file(
    store: Store, numbers: list[str], day: date, at: datetime, *, consent: bool = True, kind: str = "own",
    calendar: str = "solar",
) -> list[Customer]:  # fmt: skip
    """Guests with these numbers whose birthday, in that calendar, is `day`."""
    born = next(event.birthday for event in birthday_events(day) if event.birthday.calendar == calendar)
    people = Customer.objects.bulk_create(
        Customer(
            brand_id=store.brand_id, name=f"客{number}", created_at=at, birth_calendar=born.calendar,
            birth_month=born.month, birth_day=born.day, birth_leap=born.leap,
        )
        for number in numbers
    )  # fmt: skip
    Patronage.objects.bulk_create(
        Patronage(customer=person, store=store, external_id=f"{kind}{number}", since=day)
        for person, number in zip(people, numbers, strict=True)
    )
    told = Phone.objects.bulk_create(
        Phone(
            brand_id=store.brand_id, customer=person, kind=kind, number=number, number_index=blind_index("phone", number),
            last_four=number[-4:], added_at=at,
        )
        for person, number in zip(people, numbers, strict=True)
    )  # fmt: skip
    if consent:
        Consent.objects.bulk_create(
            Consent(
                customer=person, phone=phone if kind == "contact" else None, given=True, at=at - DAY, source="desk",
                recorded_at=at,
            )
            for person, phone in zip(people, told, strict=True)
        )  # fmt: skip
    return people
