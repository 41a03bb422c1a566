"""The cast: one brand, two restaurants, the people who work there and the guests who come."""

import os
from collections.abc import Iterator
from datetime import datetime

import pytest
from django.test import override_settings
from django.utils import translation

from common.birthdays import Birthday
from customers.models import Customer
from staff.models import Brand, Person, Role, Store
from tests.cast import NOON, hire, put_on_file


@pytest.fixture(scope="session", autouse=True)
def plain_static() -> Iterator[None]:
    """Pages without a collected manifest of assets. Once for all: a page that a browser left open asks between tests too."""
    with override_settings(
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        }
    ):
        yield


@pytest.fixture(autouse=True)
def speaks_chinese() -> None:
    """A page that was asked for in English leaves the thread in English."""
    translation.deactivate()


@pytest.fixture
def at() -> datetime:
    return NOON


@pytest.fixture
def brand(db) -> Brand:
    return Brand.objects.create(code="longjing", name="龙井火锅")


@pytest.fixture
def store(brand: Brand) -> Store:
    return Store.objects.create(brand=brand, code="S1", name="滨江店")


@pytest.fixture
def other_store(brand: Brand) -> Store:
    """Another restaurant of the same brand."""
    return Store.objects.create(brand=brand, code="S2", name="城西店")


@pytest.fixture
def rival(db) -> Store:
    """A restaurant of another brand."""
    return Store.objects.create(
        brand=Brand.objects.create(code="rival", name="别家"), code="R1", name="别家店"
    )


@pytest.fixture
def waiter(store: Store) -> Person:
    return hire("xiaozhao", "小赵", Role.WAITER, store)


@pytest.fixture
def host(store: Store) -> Person:
    return hire("xiaomei", "小梅", Role.HOST, store)


@pytest.fixture
def manager(store: Store) -> Person:
    return hire("liu", "刘经理", Role.MANAGER, store)


@pytest.fixture
def head(store: Store) -> Person:
    return hire("chen", "陈店长", Role.HEAD, store)


@pytest.fixture
def hq(store: Store) -> Person:
    return hire("boss", "总部老板", Role.HQ, store, brand_wide=True)


@pytest.fixture
def stranger(other_store: Store) -> Person:
    """Store head of the other restaurant."""
    return hire("wu", "吴店长", Role.HEAD, other_store)


@pytest.fixture
def regular(store: Store) -> Customer:
    """王建国, who comes often, with a complete profile, a lunar birthday and consent."""
    return put_on_file(
        store, "王建国", salutation="王总", sex="m", phone="13812348899", external_id="C001",
        birthday=Birthday("lunar", 1963, 8, 15), address="滨江路1号", industry="建材", position="总经理",
        married=True, consent_sms=True,
    )  # fmt: skip


@pytest.fixture
def lapsed(store: Store) -> Customer:
    """李梅, who stopped coming."""
    return put_on_file(store, "李梅", sex="f", phone="13900001122", external_id="C002", consent_sms=True)


@pytest.fixture
def newcomer(store: Store) -> Customer:
    """单晓东, on file since yesterday, nothing known but a name and a number."""
    return put_on_file(store, "单晓东", phone="13700003344", external_id="C003")


@pytest.fixture
def silent(store: Store) -> Customer:
    """赵静, who said no to messages."""
    return put_on_file(
        store, "赵静", phone="13600005566", external_id="C004", birthday=Birthday("solar", 1985, 6, 21),
        consent_sms=False,
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
