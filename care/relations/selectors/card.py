"""What a card shows of the long relation: the next topic of a call, the price of an organisation, what to ask again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from care.models import CallAnswer, Task, Topic
from care.playbook import CONTACTS
from care.relations.rules import Subject, next_topic
from care.relations.selectors.accounts import Price, price_of
from care.relations.selectors.lists import complaints_of, still_to_ask
from care.relations.services.opening import WIN_BACK
from customers.models import Customer
from feedback.models import Complaint
from loyalty.models import Voucher
from loyalty.selectors.vouchers import kind_choices
from staff.models import Store


def put_topics(store: Store, tasks: Sequence[Task]) -> None:
    """Put on every open call, visit and message the topic to suggest, as `topic` (None: nothing). One query."""
    calls = [each for each in tasks if each.state == Task.State.OPEN and each.channel in CONTACTS]
    topics: dict[int, list[Topic]] = {}
    found = Topic.objects.filter(store=store, customer__in={each.customer_id for each in calls})
    for topic in found.order_by("noted_at", "pk") if calls else ():
        topics.setdefault(topic.customer_id, []).append(topic)
    for each in calls:
        each.topic = next_of(topics.get(each.customer_id, []))  # type: ignore[attr-defined]


def put_kinds(store: Store, tasks: Sequence[Task]) -> None:
    """Put on every open call to win back the vouchers there are to give, as `kinds`: (id, name). One query, or none."""
    calls = [each for each in tasks if each.state == Task.State.OPEN and each.code == WIN_BACK]
    kinds = kind_choices(store) if calls else []
    for each in calls:
        each.kinds = kinds  # type: ignore[attr-defined]


def voucher_of(task_id: int) -> Voucher | None:
    """The voucher that was given on a call, with its kind."""
    found = CallAnswer.objects.filter(event__task=task_id).exclude(voucher=None)
    told = found.select_related("voucher__kind").first()
    return told.voucher if told else None


def next_of(topics: Sequence[Topic]) -> Topic | None:
    """The topic to suggest; `topics` as they were noted."""
    number = next_topic([Subject(n, each.depth, each.used_at is not None) for n, each in enumerate(topics)])
    return None if number is None else topics[number]


def topics_of(store: Store, customer_id: int) -> list[Topic]:
    """A guest's topics as they were noted, with who noted them."""
    found = Topic.objects.filter(store=store, customer_id=customer_id)
    return list(found.select_related("noted_by", "used_by").order_by("noted_at", "pk"))


@dataclass(frozen=True)
class FloorCard:
    """What the floor is told of a guest's long relation: `open` are the complaints that wait, the oldest first."""

    price: Price | None
    open: list[Complaint]
    to_ask: list[Complaint]


def floor_card(store: Store, customer: Customer, today: date) -> FloorCard:
    """The price of the guest's organisation, the open complaints, the closed ones to ask about: at most three queries."""
    complaints = list(complaints_of(store, [customer.pk]))
    waiting = [each for each in complaints if each.closed_at is None]
    return FloorCard(
        price_of(store, customer, today),
        sorted(waiting, key=lambda each: (each.opened_on, each.opened_at, each.pk)),
        still_to_ask(store, complaints, today),
    )
