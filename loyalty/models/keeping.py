"""What is kept for one guest, and the treatments that guests were given."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from loyalty.worth import is_low, percent_of
from staff.models import Person, Store


@pghistory.track(pghistory.UpdateEvent(row=pghistory.Old), pghistory.DeleteEvent())
class KeptItem(models.Model):
    """What a store always keeps for one guest: 2 bottles of a wine. At `alert_at` or fewer it is on the list to buy.

    History keeps the old row of every change: who took how many, who put more there.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="kept")
    what = models.CharField(_("常备什么"), max_length=60)
    left = models.PositiveSmallIntegerField(default=0)
    alert_at = models.PositiveSmallIntegerField(default=1)
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "customer", "what"],
                condition=models.Q(removed_at=None),
                name="kept_once_a_guest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.left}"

    @property
    def is_low(self) -> bool:
        """Whether more has to be bought."""
        return is_low(self.left, self.alert_at)


class TreatmentUse(models.Model):
    """A treatment that a guest was given on one visit: once a visit, and one only of those among which is chosen.

    `code` is the plan line's; `slot` what may be given once: the line itself, or the group to choose from. `sitting`
    counts the guest's visits of business date `on` that were over by then: dinner is another visit than lunch.
    `percent_off` with `bill_fen`: what the bill was, where it was told.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="treatments", db_index=False
    )
    code = models.CharField(max_length=40)
    slot = models.CharField(max_length=40)
    zh = models.CharField(max_length=120)
    en = models.CharField(max_length=160)
    percent_off = models.PositiveSmallIntegerField(default=0)
    bill_fen = models.PositiveIntegerField(null=True)
    on = models.DateField()
    sitting = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    voided_at = models.DateTimeField(null=True)
    voided_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "store", "slot", "on", "sitting"],
                condition=models.Q(voided_at=None),
                name="treated_once_a_visit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.zh} {self.on}"

    @property
    def pays_fen(self) -> int | None:
        """What is left of the bill to pay; None where no bill was told."""
        return None if self.bill_fen is None else self.bill_fen - percent_of(self.percent_off, self.bill_fen)
