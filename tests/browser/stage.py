"""A restaurant as it stands on some evening, for the pages to show: guests, visits, a night, tasks, texts, a file."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from care.models import Message, Task
from common.birthdays import Birthday
from common.clock import moment_of, now
from crm import nightly
from customers.imports.jobs import run_import, start_import
from customers.models import Customer
from customers.services.customers import add_contact_number, set_introducer
from customers.services.visits import VisitInput, record_visit
from ops.models import Job, Run
from staff.models import Brand, Person, Role, Store
from tests.cast import hire, put_on_file
from tiering.services.schemes import adopt_preset

FILE = "客户编号,姓名,手机,生日\nX1,郑国强,13511112222,1980-03-05\nX2,,13511113333,\nX3,冯丽,12,\n"


@dataclass
class Stage:
    """Who and what is there. `regular` comes often and must not be served peanuts; `lapsed` stopped coming."""

    store: Store
    people: dict[str, Person]
    regular: Customer
    lapsed: Customer
    newcomer: Customer
    job: Job
    at: datetime


def set_stage() -> Stage:
    """Play a few weeks of a small restaurant up to yesterday's night."""
    at = now()
    brand = Brand.objects.create(code="longjing", name="龙井火锅")
    store = Store.objects.create(brand=brand, code="S1", name="滨江店")
    Store.objects.create(brand=brand, code="S2", name="城西店")
    people = {
        role: hire(role, name, role, store, brand_wide=role == Role.HQ)
        for role, name in zip(Role.values, ("小赵", "小梅", "刘经理", "陈店长", "总部老板"), strict=True)
    }
    today = store.business_day(at)
    regular = put_on_file(
        store, "王建国", at - timedelta(days=200), salutation="王总", sex="m", phone="13812348899", external_id="C001",
        birthday=Birthday("solar", 1963, today.month, today.day), address="滨江路1号", industry="建材", position="总经理",
        married=True, allergies="花生", taboos="不吃香菜", likes="毛肚、鸭血", usual_table="A6", tags=("商务宴请",),
        owner=people["manager"], consent_sms=True, note="喜欢安静的位子。",
    )  # fmt: skip
    lapsed = put_on_file(
        store, "李梅", at - timedelta(days=150), sex="f", phone="13900001122", external_id="C002"
    )
    newcomer = put_on_file(store, "单晓东", at - timedelta(days=20), phone="13700003344", external_id="C003")
    add_contact_number(customer=regular, phone="13900008888", whose="秘书 小周", at=at)
    set_introducer(store=store, customer=newcomer, introducer_id=regular.pk, actor=people["host"], at=at)
    for days in range(1, 80, 5):
        _dine(store, regular, at - timedelta(days=days), 128_000, people["waiter"])
    for days in range(60, 110, 6):
        _dine(store, lapsed, at - timedelta(days=days), 60_000, people["waiter"])
    _dine(store, newcomer, at - timedelta(days=12), 45_000, people["waiter"], recorded=at)
    adopt_preset(
        store=store,
        code="recent_month_abc",
        from_date=today - timedelta(days=90),
        actor=people["head"],
        at=at,
    )
    for days in (60, 30, 2, 1):
        nightly.run(store.pk, today - timedelta(days=days), at=at, by_hand=True)
    _yesterday_held(store, today - timedelta(days=3), at)
    _texts(store, regular, at)
    Task.objects.filter(customer=regular).order_by("pk").update(due_on=today)
    job = start_import(
        store=store, kind="customers", filename="客户.csv", payload=FILE.encode(), dry_run=True,
        actor=people["head"], at=at,
    )  # fmt: skip
    run_import(job.pk, at)
    return Stage(store, people, regular, lapsed, newcomer, Job.objects.get(pk=job.pk), at)


def _dine(
    store: Store, guest: Customer, when: datetime, fen: int, by: Person, recorded: datetime | None = None
) -> None:
    record_visit(
        store=store, visit_id=uuid.uuid4(), entry="tablet", actor=by, at=recorded or when,
        visit=VisitInput(visited_at=when, amount_fen=fen, customer_id=guest.pk, party_size=4, table="A6", occasion="friends"),
    )  # fmt: skip


def _yesterday_held(store: Store, on: object, at: datetime) -> None:
    run = Run.objects.create(
        store_id=store.pk, business_date=on, created_at=at, state="held", token=1, started_at=at
    )
    run.steps.create(
        token=1, position=1, name="retier", started_at=at, finished_at=at,
        counts={"guests": 100, "changed": 60, "rose": 5, "fell": 55, "graded": 100, "unexplained": 12, "limit_percent": 5},
    )  # fmt: skip


def _texts(store: Store, guest: Customer, at: datetime) -> None:
    day = store.business_day(at)
    for n, (state, reason) in enumerate(
        [
            ("pending", ""),
            ("delivered", ""),
            ("skipped", "no_consent"),
            ("failed", "refused"),
            ("parked", "unverified"),
        ]
    ):
        Message.objects.create(
            brand=store.brand, store=store, customer=guest, category="festival", occasion=f"festival:mid_autumn:{2010 + n}",
            number="13812348899", last_four="8899", template="festival", state=state, reason=reason, planned_on=day,
            not_before=moment_of(day, store.messages_from, store.timezone), next_at=at, expires_at=at + timedelta(days=1),
            created_at=at - timedelta(hours=n),
        )  # fmt: skip
