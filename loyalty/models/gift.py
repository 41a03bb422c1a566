"""Gifts: what was given to whom, what lies in stock, how much each role may give by itself."""

import uuid

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty.worth import Limits
from staff.models import Person, Role, Store


@pghistory.track()
class LoyaltyRules(models.Model):
    """What a store's people may give away by themselves; a store without a row keeps to the defaults.

    `*_visit_fen`: to one guest on one business date; `*_month_fen`: one person in a calendar month. Hosts give as
    waiters do; the head has no limit. `early_days` before its launch a dish is shown to the guests who try it first.
    `visit_hours`: a visit that began so long ago is over, what is given then belongs to the next.
    """

    store = models.OneToOneField(
        Store, on_delete=models.CASCADE, primary_key=True, related_name="loyalty_rules"
    )
    waiter_visit_fen = models.PositiveIntegerField(default=5_000)
    waiter_month_fen = models.PositiveIntegerField(default=100_000)
    manager_visit_fen = models.PositiveIntegerField(default=20_000)
    manager_month_fen = models.PositiveIntegerField(default=300_000)
    early_days = models.PositiveSmallIntegerField(
        default=7, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    visit_hours = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )

    def __str__(self) -> str:
        return f"{self.waiter_visit_fen} / {self.manager_visit_fen}"

    def limits(self, role: str) -> Limits:
        """What a role may give by itself."""
        if role in (Role.WAITER, Role.HOST):
            return Limits(self.waiter_visit_fen, self.waiter_month_fen)
        if role == Role.MANAGER:
            return Limits(self.manager_visit_fen, self.manager_month_fen)
        return Limits(None, None)


@pghistory.track(pghistory.UpdateEvent(row=pghistory.Old), pghistory.DeleteEvent())
class GiftItem(models.Model):
    """A thing the house gives away, with what one costs and how many are left; `left` empty: not counted (a dish)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="gift_items", db_index=False)
    name = models.CharField(_("礼品"), max_length=40)
    cost_fen = models.PositiveIntegerField()
    left = models.PositiveIntegerField(null=True)
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "name"], condition=models.Q(retired_at=None), name="one_living_item"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Gift(models.Model):
    """One thing given to one guest: who gave it, what it cost, why. The id comes with the form: sent twice is once.

    WAITING: beyond what the giver's `role` may give, until somebody above says yes (then it is given) or no. `on` is
    the business date on which it was asked for. `item`: what it came from, where it lies in stock.
    """

    class State(models.TextChoices):
        GIVEN = "given", _("已送出")
        WAITING = "waiting", _("等批准")
        REFUSED = "refused", _("没有批准")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="gifts")
    item = models.ForeignKey(GiftItem, on_delete=models.PROTECT, null=True, related_name="+")
    what = models.CharField(max_length=40)
    cost_fen = models.PositiveIntegerField()
    reason = models.CharField(max_length=100)
    on = models.DateField()
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    role = models.CharField(max_length=10, choices=Role)
    state = models.CharField(max_length=8, choices=State)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        indexes = [
            models.Index(fields=["store", "-at"], name="gift_of_store"),
            models.Index(fields=["store"], condition=models.Q(state="waiting"), name="gift_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.on}"
