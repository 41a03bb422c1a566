"""Guests in numbers, nights that pass, texts that are planned: shared by the stories of this room."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from care.models import Message, Task
from care.services.occasions import queue_occasions
from care.services.opening import open_tasks
from care.simulator import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SDK_APP_ID, SIGN_NAME
from common.birthdays import Birthday
from common.keys import blind_index
from customers.models import Consent, Customer, Patronage, Phone
from staff.models import Store
from tiering.services.schemes import adopt_preset

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
CHINA = ZoneInfo("Asia/Shanghai")


def adopt(store: Store, scheme: str) -> None:
    adopt_preset(store=store, code=scheme, from_date=date(2020, 1, 1), actor=None, at=LONG_AGO)


def guests(
    store: Store,
    number: int,
    tier: str = "",
    *,
    born: Birthday | None = None,
    consents: bool = True,
    last_visit_on: date | None = None,
    first: int = 1,
) -> list[Customer]:
    """Guests with own numbers 138000xxxxx from `first` on, graded `tier`."""
    people = Customer.objects.bulk_create(
        Customer(
            brand_id=store.brand_id,
            name=f"客人{n}",
            created_at=LONG_AGO,
            birth_calendar=born.calendar if born else "",
            birth_month=born.month if born else None,
            birth_day=born.day if born else None,
            birth_leap=born.leap if born else False,
        )
        for n in range(first, first + number)
    )
    Patronage.objects.bulk_create(
        Patronage(
            customer=person, store=store, external_id=f"N{first + n:05}", since=LONG_AGO.date(), tier=tier,
            last_visit_on=last_visit_on,
        )
        for n, person in enumerate(people)
    )  # fmt: skip
    phones = [f"138{first + n:08}" for n in range(number)]
    Phone.objects.bulk_create(
        Phone(
            brand_id=store.brand_id, customer=person, number=phone, number_index=blind_index("phone", phone),
            last_four=phone[-4:], added_at=LONG_AGO,
        )
        for person, phone in zip(people, phones, strict=True)
    )  # fmt: skip
    if consents:
        Consent.objects.bulk_create(
            Consent(customer=person, given=True, at=LONG_AGO, source="desk", recorded_at=LONG_AGO)
            for person in people
        )
    return people


def grade(customer: Customer, store: Store, tier: str, **more: object) -> None:
    """Put a tier (and whatever else) on the door, as the night's apply step would."""
    Patronage.objects.filter(customer=customer, store=store).update(tier=tier, **more)


def morning(day: date) -> datetime:
    """04:30 in Shanghai: when the night of the day before runs."""
    return datetime.combine(day, time(4, 30), tzinfo=CHINA).astimezone(UTC)


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


def night(store: Store, on: str | date, *, today: date | None = None) -> dict[str, int]:
    """The care step of the night of business date `on`, run the morning after."""
    on = date.fromisoformat(on) if isinstance(on, str) else on
    following = on + timedelta(days=1)
    return open_tasks(store=store, on=on, at=morning(today or following), today=today or following)


def nights(store: Store, first: str, last: str) -> None:
    """Every night from the first to the last, in order."""
    on = date.fromisoformat(first)
    while on <= date.fromisoformat(last):
        night(store, on)
        on += timedelta(days=1)


def plan_texts(store: Store, on: str, at: datetime | None = None) -> dict[str, int]:
    """The texts step of the night of business date `on`, for the day after it: whom it counted, without the price."""
    counts = plan_texts_priced(store, on, at)
    return {name: number for name, number in counts.items() if name not in ("parts", "cost_fen")}


def plan_texts_priced(store: Store, on: str, at: datetime | None = None) -> dict[str, int]:
    """The same with the parts of what is planned and their cost in fen."""
    day = date.fromisoformat(on)
    return queue_occasions(store=store, on=day, at=at or morning(day + timedelta(days=1)))


def content(*models: type) -> dict[str, Sequence[dict[str, object]]]:
    """Every row of these tables (tasks and messages unless said), to see that nothing changed."""
    return {m.__name__: list(m.objects.order_by("pk").values()) for m in models or (Task, Message)}


def account(url: str, **more: str) -> dict[str, str]:
    """The settings of the demonstration's account at a simulated provider."""
    return {
        "SMS_PROVIDER": "aliyun",
        "SMS_PROVIDER_URL": url,
        "SMS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "SMS_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
        "SMS_SDK_APP_ID": SDK_APP_ID,
        "SMS_SIGN_NAME": SIGN_NAME,
        **more,
    }


def due_text(
    customer: Customer,
    store: Store,
    *,
    occasion: str = "birthday:solar:06-20:2026",
    opens: datetime | None = None,
    closes: datetime | None = None,
    **more: object,
) -> Message:
    """A planned text to the guest's own number, for the store's hours of 20 June 2026 unless said."""
    phone = customer.phones.order_by("-kind").first()
    opens, closes = opens or china("2026-06-20 09:00"), closes or china("2026-06-20 19:30")
    said = {
        "brand_id": store.brand_id, "store": store, "customer": customer, "category": occasion.split(":")[0],
        "occasion": occasion, "phone_key": phone.number_index, "number": phone.number,
        "last_four": phone.last_four, "template": "birthday", "variables": {"name": "会员"},
        "planned_on": opens.astimezone(CHINA).date(),
        "not_before": opens, "next_at": opens, "expires_at": closes, "created_at": LONG_AGO,
    }  # fmt: skip
    return Message.objects.create(**(said | more))
