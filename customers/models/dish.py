"""What the kitchen brought out."""

from datetime import date, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from staff.models import Person, Store

NEW_DISH_DAYS = 60


class Dish(models.Model):
    """A dish the store launched on a day. It is new for sixty days; withdrawn, it stays on file."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(_("菜名"), max_length=60)
    launched_on = models.DateField(_("上市日期"))
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "name"], condition=models.Q(withdrawn_at=None), name="one_living_dish"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def days_new(self, on: date) -> int:
        """For how many days, `on` included, the dish is still new: 60 on the day of its launch, 0 before and after."""
        left = (self.launched_on + timedelta(days=NEW_DISH_DAYS) - on).days
        return left if 0 < left <= NEW_DISH_DAYS else 0
