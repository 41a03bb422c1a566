"""What they told us: complaints until they are closed, suggestions until they are judged."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.fields import EncryptedTextField
from customers.models import Customer
from staff.models import Person, Store

# What neither was closed nor taken back.
LIVING_OPEN = models.Q(closed_at__isnull=True, withdrawn_at__isnull=True)


class Severity(models.TextChoices):
    """How bad it was, where somebody said so."""

    MINOR = "minor", _("轻微")
    SERIOUS = "serious", _("严重")


class Judged(models.TextChoices):
    """What a manager thought of a suggestion."""

    WAITING = "", _("待判定")
    VALID = "valid", _("有效")
    NOT_VALID = "not_valid", _("无效")


@pghistory.track(pghistory.UpdateEvent(row=pghistory.Old), pghistory.DeleteEvent())
class Complaint(models.Model):
    """One thing a guest was not content with, in one store, from the day it was told until it is closed.

    `opened_on` is the business date. A complaint that is opened again (`reopened_at`, the last time) keeps the
    `resolution` that did not help until it is closed with another; history keeps the old row of every change.
    One that was entered by mistake is withdrawn: it stays on file and counts nowhere.
    """

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="complaints")
    text = EncryptedTextField(_("投诉内容"))
    severity = models.CharField(
        _("轻重"), max_length=8, choices=Severity, blank=True, default="", db_default=""
    )
    opened_on = models.DateField()
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    resolution = EncryptedTextField(_("处理结果"), null=True, blank=True)
    reopened_at = models.DateTimeField(null=True)
    reopened_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) | models.Q(resolution__isnull=False),
                name="closed_with_a_resolution",
            ),
        ]
        indexes = [
            models.Index(fields=["customer"], condition=LIVING_OPEN, name="complaint_open"),
            models.Index(fields=["store", "opened_on"], include=["customer"], name="complaint_window"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.opened_on:%F}"

    @property
    def is_open(self) -> bool:
        """Told, neither closed nor taken back."""
        return self.closed_at is None and self.withdrawn_at is None


class Suggestion(models.Model):
    """One thing a guest would do better, in one store; valid or not is judged once, by a manager.

    `made_on` and `judged_on` are business dates. A judgement stands: a wrong one is withdrawn with its row and
    the suggestion written down again, so that every column says for good what was known when.
    """

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="suggestions")
    text = models.CharField(_("建议内容"), max_length=400)
    made_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    judged = models.CharField(max_length=10, choices=Judged, blank=True, default="", db_default="")
    judged_on = models.DateField(null=True)
    judged_at = models.DateTimeField(null=True)
    judged_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(judged="", judged_on__isnull=True, judged_at__isnull=True)
                | models.Q(
                    judged__in=["valid", "not_valid"], judged_on__isnull=False, judged_at__isnull=False
                ),
                name="judged_with_a_date",
            ),
        ]
        indexes = [
            models.Index(
                fields=["store", "judged_on"],
                include=["customer"],
                condition=models.Q(judged="valid"),
                name="suggestion_valid",
            ),
            models.Index(
                fields=["store", "made_on"],
                condition=models.Q(judged="", withdrawn_at__isnull=True),
                name="suggestion_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.made_on:%F}"
