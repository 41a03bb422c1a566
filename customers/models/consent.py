"""What a guest allowed, what a number refused, who looked at a number."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.customer import Customer, Phone
from staff.models import Brand, Person, Store


class Source(models.TextChoices):
    """Where a consent or its withdrawal was given."""

    TABLET = "tablet", _("平板")
    DESK = "desk", _("前台")
    IMPORT = "import", _("导入")
    API = "api", _("接口")
    REPLY = "reply", _("短信回复")


@pghistory.track()
class Consent(models.Model):
    """One statement by a guest about marketing texts: yes or no, when, where, who wrote it down.

    Append-only. The latest statement by `at` holds; at the same moment a withdrawal beats a grant. `phone` is
    set where it is a contact person who spoke for that number.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="consents")
    phone = models.ForeignKey(Phone, on_delete=models.CASCADE, null=True, blank=True, related_name="consents")
    purpose = models.CharField(max_length=20, default="sms")
    given = models.BooleanField()
    at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=Source)
    wording = models.CharField(max_length=20, default="v1")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["customer", "purpose", "-at", "given"], name="consent_latest")]

    def __str__(self) -> str:
        return f"{self.purpose} {'yes' if self.given else 'no'} {self.at:%F}"


class OptOut(models.Model):
    """A number of the brand that answered R: no marketing text to it, whoever it belongs to."""

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    number_index = models.BinaryField(max_length=32)
    since = models.DateTimeField()
    source = models.CharField(max_length=10, choices=Source)
    words = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand", "number_index"], name="opt_out_once")]

    def __str__(self) -> str:
        return f"{self.since:%F}"


class Reveal(models.Model):
    """Somebody asked to see a whole number, and why. Append-only."""

    phone = models.ForeignKey(Phone, on_delete=models.CASCADE, related_name="reveals")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="reveals")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="reveals")
    reason = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["person", "at"], name="reveal_by_person")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.at:%F %T}"
