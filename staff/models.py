"""Who works here: brands, stores, people, what each may do where, and the keys of machines."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pghistory
from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.clock import business_date


class Role(models.TextChoices):
    """What a person is in a store. HQ owners hold theirs for a whole brand."""

    WAITER = "waiter", _("服务员")
    HOST = "host", _("迎宾")
    MANAGER = "manager", _("经理")
    HEAD = "head", _("店长")
    HQ = "hq", _("总部")


class Brand(models.Model):
    """A name over the door. Guests, phones and consents belong to it."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Store(models.Model):
    """One restaurant: its zone, its day, its hours for messages, its brake for the night."""

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="stores")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    timezone = models.CharField(max_length=40, default="Asia/Shanghai")
    day_ends_at = models.TimeField(default=time(4, 0))
    night_at = models.TimeField(default=time(4, 30))
    messages_from = models.TimeField(default=time(9, 0))
    messages_until = models.TimeField(default=time(19, 30))
    brake_percent = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    opened_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    def zone(self) -> ZoneInfo:
        """The store's time zone; raises where the name is none."""
        return ZoneInfo(self.timezone)

    def business_day(self, at: datetime) -> date:
        """The business date that `at` belongs to here."""
        return business_date(at, self.timezone, self.day_ends_at)


class Person(AbstractUser):
    """Somebody who signs in. `name` is how colleagues say it; `language` is what pages speak."""

    name = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=10, default="zh-hans")

    def __str__(self) -> str:
        return self.name or self.username


@pghistory.track()
class Membership(models.Model):
    """A person's role in one store, or (store empty) in every store of the brand, between two dates."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="memberships")
    store = models.ForeignKey(
        Store, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "store", "role"], condition=models.Q(until=None), name="one_open_membership"
            ),
            models.CheckConstraint(
                condition=models.Q(store__isnull=False) | models.Q(role=Role.HQ), name="only_hq_is_brand_wide"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.role}"


class ApiToken(models.Model):
    """A machine's key to one store (a POS, a tablet): only the hash is kept."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=60)
    key_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    created_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} …{self.hint}"
