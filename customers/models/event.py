"""Who took part in an event of ours: a tasting, a members' evening, an anniversary."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer
from staff.models import Person, Store


class Participation(models.Model):
    """A guest was at an event of a store on a day. Taken back, not deleted, when it was not so."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="participations")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+", db_index=False)
    event = models.CharField(_("活动"), max_length=80)
    attended_on = models.DateField(_("参加日期"))
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    voided_at = models.DateTimeField(null=True)
    voided_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "customer", "event", "attended_on"],
                condition=models.Q(voided_at=None),
                name="one_participation",
            ),
        ]
        indexes = [
            models.Index(
                fields=["store", "attended_on"],
                include=["customer"],
                condition=models.Q(voided_at=None),
                name="participation_window",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.attended_on}"
