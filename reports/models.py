"""What came of it: one row of figures per store and business day."""

from django.db import models

from staff.models import Store


class StoreDay(models.Model):
    """The figures of one business day of one store, as the night after it counted them.

    `tiers` is the number of guests per tier code after that night; `rose` and `fell` who changed in it.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="days")
    business_date = models.DateField()
    visits = models.IntegerField()
    guests = models.IntegerField()
    revenue_fen = models.BigIntegerField()
    tiers = models.JSONField(default=dict)
    rose = models.IntegerField(default=0)
    fell = models.IntegerField(default=0)
    tasks_opened = models.IntegerField(default=0)
    messages_planned = models.IntegerField(default=0)
    messages_skipped = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "business_date"], name="one_row_a_day")]

    def __str__(self) -> str:
        return f"{self.store_id} {self.business_date}"
