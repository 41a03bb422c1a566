"""What came of a gesture: the tables. `care.models` has them, too."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from customers.models import Customer, Visit
from staff.models import Store


class OutcomeDays(models.Model):
    """How many days a guest has to come back after a gesture of one trigger, where the store set another number."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    trigger = models.CharField(max_length=12)
    days = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(90)])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "trigger"], name="days_once_a_trigger")]

    def __str__(self) -> str:
        return f"{self.trigger}: {self.days}"


class Outcome(models.Model):
    """What followed one gesture: a task that was done, or a text that a provider took. Settled once the days are over.

    `code` is the plan line's, `sms_birthday` for a text, `campaign:<id>` for a campaign. `tier` is the guest's on
    `made_on`. `came_on`, `visit`, `spend_fen`: the first visit of the guest after `made_at`, until the end of
    `settled_on`, which is `days` after `made_on`; empty where there was none.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="outcomes")
    task = models.OneToOneField("care.Task", on_delete=models.CASCADE, null=True, related_name="settled")
    message = models.OneToOneField(
        "care.Message", on_delete=models.CASCADE, null=True, related_name="settled"
    )
    code = models.CharField(max_length=40)
    trigger = models.CharField(max_length=12)
    channel = models.CharField(max_length=10)
    tier = models.CharField(max_length=255, blank=True)
    made_at = models.DateTimeField()
    made_on = models.DateField()
    days = models.SmallIntegerField()
    settled_on = models.DateField()
    came_on = models.DateField(null=True)
    visit = models.ForeignKey(Visit, on_delete=models.SET_NULL, null=True, related_name="+")
    spend_fen = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(task=None, message__isnull=False)
                | models.Q(task__isnull=False, message=None),
                name="outcome_of_one_gesture",
            ),
        ]
        indexes = [
            models.Index(fields=["store", "made_on"], name="outcome_made"),
            models.Index(fields=["store", "settled_on"], name="outcome_settled"),
        ]

    def __str__(self) -> str:
        return f"{self.made_on} {self.code}: {self.came_on or '–'}"


class Baseline(models.Model):
    """The guests to compare a day's gestures with: of the same tier, in the same days, without that gesture.

    `guests` of the tier had none from `days` before to `days` after `made_on`; `came` of them came within `days`.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    code = models.CharField(max_length=40)
    tier = models.CharField(max_length=255, blank=True)
    made_on = models.DateField()
    days = models.SmallIntegerField()
    guests = models.IntegerField()
    came = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "code", "tier", "made_on", "days"], name="baseline_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.made_on} {self.code} {self.tier}: {self.came} / {self.guests}"
