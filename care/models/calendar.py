"""What was edited in the calendar of festivals: those of the house, those switched off, days that were corrected."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from staff.models import Brand, Person, Store


@pghistory.track()
class OwnFestival(models.Model):
    """A festival of the house: of the whole brand (no store) or of one store; in both calendars each year, or once.

    `month`, `day` for those that return, `once_on` for one that does not. `solemn`: no cheerful text goes out that day.
    """

    class Kind(models.TextChoices):
        SOLAR = "solar", _("每年，公历")
        LUNAR = "lunar", _("每年，农历")
        ONCE = "once", _("只有一次")

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", null=True)
    name = models.CharField(max_length=10)
    en = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=5, choices=Kind)
    month = models.SmallIntegerField(null=True)
    day = models.SmallIntegerField(null=True)
    once_on = models.DateField(null=True)
    solemn = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "store", "name"],
                condition=models.Q(removed_at=None),
                nulls_distinct=False,
                name="own_festival_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="once", once_on__isnull=False, month=None, day=None)
                | models.Q(kind__in=["solar", "lunar"], once_on=None, month__isnull=False, day__isnull=False),
                name="own_festival_has_a_day",
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class FestivalChange(models.Model):
    """An edit of one festival, for the brand (no store) or one store.

    Without a `year`: whether it is switched off. With one: the day on which it is that year instead.
    """

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", null=True)
    code = models.CharField(max_length=30)
    year = models.SmallIntegerField(null=True)
    off = models.BooleanField(default=False)
    on = models.DateField(null=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "store", "code", "year"], nulls_distinct=False, name="festival_change_once"
            ),
            models.CheckConstraint(
                condition=models.Q(year=None, on=None)
                | models.Q(year__isnull=False, on__isnull=False, off=False),
                name="festival_off_or_moved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.year or ''} {self.on or self.off}"
