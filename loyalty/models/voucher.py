"""Vouchers: the kinds a store has, each one promised to a guest, and what was redeemed."""

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Visit
from loyalty.worth import AMOUNT, ITEM, ONE_FOR_ONE, PERCENT, shown_code
from staff.models import Person, Store

ONCE = "once"


@pghistory.track(pghistory.UpdateEvent(row=pghistory.Old), pghistory.DeleteEvent())
class VoucherKind(models.Model):
    """A kind of voucher of a store: what it gives, from which bill on, for how long.

    `worth`: fen off (amount), percent off (percent: 10 is 九折), 0 for a dish (`item`) or one for one. `transferable`:
    somebody else may use it. `once`: a person gets it once in a lifetime, and only with an own number. What was
    promised is kept: once one is issued only `name` and `valid_days` change.
    """

    class Gives(models.TextChoices):
        AMOUNT = AMOUNT, _("减金额")
        PERCENT = PERCENT, _("打折")
        ITEM = ITEM, _("送一份")
        ONE_FOR_ONE = ONE_FOR_ONE, _("买一送一")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="voucher_kinds", db_index=False)
    name = models.CharField(_("券名"), max_length=40)
    gives = models.CharField(_("给什么"), max_length=12, choices=Gives)
    worth = models.PositiveIntegerField(default=0)
    item = models.CharField(_("送什么"), max_length=40, blank=True)
    min_bill_fen = models.PositiveIntegerField(default=0)
    valid_days = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(730)]
    )
    transferable = models.BooleanField(default=False)
    once = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "name"], condition=models.Q(retired_at=None), name="one_living_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(gives=AMOUNT, worth__gte=1)
                | models.Q(gives=PERCENT, worth__range=(1, 100))
                | models.Q(gives__in=[ITEM, ONE_FOR_ONE], worth=0),
                name="kind_gives_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Voucher(models.Model):
    """One voucher in the hands of one guest. Issuing for the same occasion again adds none, by the unique key.

    `occasion`: what it is for, `birthday:2026`, `absence:2026-05-01`, `issue:端午`, `once`. `number`: 0 is the guest's
    own, 1, 2 … are those handed to the guest for friends. `valid_until`: the last business date on which it counts.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.ForeignKey(VoucherKind, on_delete=models.PROTECT, related_name="vouchers")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="vouchers", db_index=False)
    occasion = models.CharField(max_length=60)
    number = models.PositiveSmallIntegerField(default=0, db_default=0)
    code = models.CharField(max_length=10, unique=True)
    issued_on = models.DateField()
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    valid_until = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind", "occasion", "number"], name="voucher_once_an_occasion"
            ),
        ]

    def __str__(self) -> str:
        return self.shown

    @property
    def shown(self) -> str:
        """The code as people read it."""
        return shown_code(self.code)

    @property
    def is_for_friend(self) -> bool:
        """Whether it was handed to the guest for somebody else."""
        return self.number > 0


class Redemption(models.Model):
    """One voucher used on one bill, on business date `on`. Never changed: a mistake is taken back, the row stays.

    `customer` is who used it: the holder, or who got it from the holder. `is_new`: this brought the person on file.
    `saved_fen`: what the bill lost; empty where the voucher gave a dish. `visit`: the bill, once it is logged; `ticked`: its
    coupon flag was set by this.
    """

    voucher = models.ForeignKey(Voucher, on_delete=models.CASCADE, related_name="redemptions", db_index=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="redemptions")
    is_new = models.BooleanField(default=False)
    bill_number = models.CharField(max_length=64, blank=True)
    visit = models.ForeignKey(Visit, on_delete=models.SET_NULL, null=True, related_name="+")
    ticked = models.BooleanField(default=False, db_default=False)
    bill_fen = models.PositiveIntegerField()
    saved_fen = models.PositiveIntegerField(null=True)
    on = models.DateField()
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    voided_at = models.DateTimeField(null=True)
    voided_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    void_reason = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["voucher"], condition=models.Q(voided_at=None), name="redeemed_once"
            ),
        ]
        indexes = [models.Index(fields=["store", "-at"], name="redemption_of_store")]

    def __str__(self) -> str:
        return f"{self.voucher_id} {self.on}"
