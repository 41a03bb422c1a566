"""Who has arrived: the guest at the table, who was told, who waits on which tables; what the guest likes to have."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.booking import Booking
from customers.models.customer import Customer
from staff.models import Person, Store


class Arrival(models.Model):
    """A guest was seated at a table on a business day; `left_at` once the visit was logged or the guest gone.

    `despite`: the booking of another guest that stood at this table when the guest was seated all the same.
    `owner` is whom it was told to: the guest's owner at that moment; nobody's guest is told to those who lead.
    `acknowledged_*`: who said first to have seen it.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="arrivals", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="arrivals")
    booking = models.ForeignKey(Booking, on_delete=models.SET_NULL, null=True, related_name="+")
    despite = models.ForeignKey(Booking, on_delete=models.SET_NULL, null=True, related_name="+")
    on = models.DateField()
    table_no = models.CharField(_("台号"), max_length=20)
    party = models.PositiveSmallIntegerField(null=True)
    seated_at = models.DateTimeField()
    seated_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    owner = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "on", "customer"], condition=Q(left_at=None), name="seated_once"
            ),
        ]
        indexes = [models.Index(fields=["store", "on"], name="arrival_of_day")]

    def __str__(self) -> str:
        return f"{self.table_no} {self.customer_id}"


class TableDuty(models.Model):
    """The tables one person waits on, on one business day: `["5", "6"]`, numbers as on the tables."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    on = models.DateField()
    tables = models.JSONField(default=list)
    chosen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "on", "person"], name="duty_once_a_day")]

    def __str__(self) -> str:
        return f"{self.person_id}: {'、'.join(self.tables)}"


class PersonalMenu(models.Model):
    """The dishes a guest likes to have in this store, to be taken over whole: `[{"name": "毛肚", "number": 2}]`."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="menus")
    dishes = models.JSONField()
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "customer"], name="one_menu_a_guest")]

    def __str__(self) -> str:
        return f"{self.customer_id}: {len(self.dishes)}"
