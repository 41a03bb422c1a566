"""What guests answered when they were called, what is ready to be said to them, who served them, who has read a list."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Booking, Customer, Visit
from staff.models import Brand, Person, Store


class TableAnswer(models.Model):
    """The two answers to a call before a festival: a table (when, for how many) or none, and which dishes to prepare.

    `dishes`: `[{"name": "清蒸石斑", "number": 1}]`. Belongs to the event that completed the task. What was said stands
    here; what is kept for the guest now is the `booking`.
    """

    event = models.OneToOneField(
        "care.TaskEvent", on_delete=models.CASCADE, primary_key=True, related_name="answer"
    )
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    wants_table = models.BooleanField()
    on = models.DateField(null=True)
    time = models.TimeField(null=True)
    party = models.PositiveSmallIntegerField(null=True, validators=[MinValueValidator(1)])
    dishes = models.JSONField(default=list)
    booking = models.OneToOneField(Booking, on_delete=models.SET_NULL, null=True, related_name="answer")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(wants_table=False, on=None, time=None, party=None)
                | models.Q(wants_table=True, on__isnull=False, time__isnull=False, party__gte=1),
                name="table_whole_or_none",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.party}" if self.wants_table else "–"


class Anniversary(models.Model):
    """A day of a guest's own beside the birthday: a wedding, the founding of a company. Solar; any number a guest.

    `year` is that of the first one where it is known. `words`: what it is, where `kind` does not say.
    """

    class Kind(models.TextChoices):
        WEDDING = "wedding", _("结婚纪念日")
        COMPANY = "company", _("公司成立日")
        OTHER = "other", _("其他纪念日")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="anniversaries")
    kind = models.CharField(max_length=8, choices=Kind)
    words = models.CharField(max_length=40, blank=True)
    year = models.SmallIntegerField(null=True)
    month = models.SmallIntegerField()
    day = models.SmallIntegerField()
    told_at = models.DateTimeField()
    told_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind", "month", "day", "words"], name="anniversary_once"
            ),
            models.CheckConstraint(
                condition=models.Q(month__range=(1, 12), day__range=(1, 31)), name="anniversary_has_a_day"
            ),
        ]

    def __str__(self) -> str:
        return self.words or str(self.get_kind_display())


class TradeNews(models.Model):
    """Words ready for a weekend greeting to guests of one trade (`industry`, as in the profile; empty: for everybody).

    The store's, or the whole brand's (no store); until and including `until`. The newest that is not over is taken.
    """

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", null=True)
    industry = models.CharField(max_length=60, blank=True)
    words = models.CharField(max_length=200)
    until = models.DateField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.industry}: {self.words[:20]}"


class Served(models.Model):
    """Who served a guest on one visit, as those who lead wrote it down; `note`: what was handed over where it was not the
    guest's owner.
    """

    visit = models.OneToOneField(Visit, on_delete=models.CASCADE, primary_key=True, related_name="served")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    told_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.visit_id}: {self.by_id}"


class ListRead(models.Model):
    """One person has read one list of the store: `birthdays:2026-06`, `briefing:2026-06-03`."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=30)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "name", "person"], name="list_read_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.person_id}"
