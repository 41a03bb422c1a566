"""The texts: what a brand allows, the outbox, each call to a provider, what came back."""

import uuid

import pghistory
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from care.models.campaign import DUE_ORDER
from common.fields import EncryptedTextField
from customers.models import Customer
from staff.models import Brand, Person, Store


@pghistory.track()
class TextRules(models.Model):
    """What a brand allows its texts: how many one number may get, what they cost, how many a month may be.

    A brand without a row keeps to the defaults. `a_day`, `a_month`: texts for one number on one local day, and in
    30 days. `thousand_parts_fen`: what 1,000 parts cost. `month_parts`: so many parts a calendar month, empty: no
    end.
    """

    brand = models.OneToOneField(Brand, on_delete=models.CASCADE, primary_key=True, related_name="text_rules")
    a_day = models.PositiveSmallIntegerField(default=1, validators=[MaxValueValidator(5)])
    a_month = models.PositiveSmallIntegerField(default=4, validators=[MaxValueValidator(30)])
    thousand_parts_fen = models.PositiveIntegerField(default=4500, validators=[MaxValueValidator(1_000_000)])
    month_parts = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])

    def __str__(self) -> str:
        return f"{self.a_day} / {self.a_month}"


class Message(models.Model):
    """One text owed to one guest for one occasion of one year: what became of it, and why.

    `id` is our id at the provider. `phone_key` repeats the number's keyed index while this row holds the
    number's place for the occasion; it is empty on rows that were born skipped, so that a second guest on
    the same number gets a visible row and no second text. `parts`: what it is billed as. A text ACCEPTED with a
    `final_at` is one that nobody reported on any more.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("待发送")
        SENDING = "sending", _("发送中")
        UNKNOWN = "unknown", _("待核实")
        ACCEPTED = "accepted", _("已提交")
        DELIVERED = "delivered", _("已送达")
        UNDELIVERED = "undelivered", _("未送达")
        FAILED = "failed", _("被拒绝")
        SKIPPED = "skipped", _("未发送")
        EXPIRED = "expired", _("已过期")
        PARKED = "parked", _("待人工")

    FINAL = ("delivered", "undelivered", "failed", "skipped", "expired")
    # What a provider was given, or may have been: these count for the number's caps and the month's budget.
    HANDED = ("sending", "unknown", "accepted", "delivered", "undelivered", "parked")
    # Why a text waits although it is due; it still says so when its window is over.
    HELD = ("cap_day", "cap_month", "budget")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="messages", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="messages", db_index=False)
    category = models.CharField(max_length=12)
    occasion = models.CharField(max_length=60)
    phone_key = models.BinaryField(max_length=32, null=True)
    number = EncryptedTextField(null=True)
    last_four = models.CharField(max_length=4, blank=True, db_default="")
    template = models.CharField(max_length=40)
    variables = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State, default=State.PENDING)
    reason = models.CharField(max_length=40, blank=True, db_default="")
    attempt = models.SmallIntegerField(default=0, db_default=0)
    parts = models.SmallIntegerField(default=1, db_default=1)
    planned_on = models.DateField()
    not_before = models.DateTimeField()
    next_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=60, blank=True, db_default="")
    asked_at = models.DateTimeField(null=True)
    asked = models.SmallIntegerField(default=0, db_default=0)
    provider = models.CharField(max_length=12, blank=True, db_default="")
    provider_message_id = models.CharField(max_length=64, blank=True, db_default="")
    created_at = models.DateTimeField()
    final_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["brand", "customer", "category", "occasion"], name="one_text_a_guest"
            ),
            models.UniqueConstraint(
                fields=["brand", "phone_key", "occasion"],
                condition=models.Q(phone_key__isnull=False),
                name="one_text_a_number",
            ),
        ]
        indexes = [
            # On one number a birthday comes first, then a festival, then the rest: in this order they are taken.
            models.Index(*DUE_ORDER, condition=models.Q(state="pending"), name="message_due"),
            models.Index(
                fields=["claimed_at"],
                condition=models.Q(state__in=["sending", "unknown"]),
                name="message_in_doubt",
            ),
            models.Index(
                fields=["claimed_at"],
                condition=models.Q(state="accepted", final_at__isnull=True),
                name="message_unreported",
            ),
            models.Index(
                fields=["brand", "claimed_at"],
                condition=models.Q(
                    state__in=["sending", "unknown", "accepted", "delivered", "undelivered", "parked"]
                ),
                include=["parts"],
                name="message_handed",
            ),
            models.Index(
                fields=["store", "-created_at", "-id"],
                include=["state", "reason", "parts"],
                name="message_of_store",
            ),
            models.Index(fields=["customer", "-created_at"], name="message_of_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.occasion} {self.state}"


class Attempt(models.Model):
    """One call to the provider, as it went. Append-only."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attempts")
    number = models.SmallIntegerField()
    started_at = models.DateTimeField()
    outcome = models.CharField(max_length=10)
    code = models.CharField(max_length=60, blank=True)
    http = models.SmallIntegerField(null=True)
    took_ms = models.IntegerField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.number}: {self.outcome} {self.code}"


class Inbox(models.Model):
    """A receipt or a reply as the provider pushed it, applied afterwards: receiving must never fail."""

    kind = models.CharField(max_length=8)
    provider = models.CharField(max_length=12)
    dedupe_key = models.CharField(max_length=120, unique=True)
    raw = models.JSONField()
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=models.Q(applied_at=None), name="inbox_waiting"),
            models.Index(
                fields=["received_at"],
                condition=models.Q(applied_at=None, kind="reply"),
                name="inbox_reply_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider}"


class GuestReply(models.Model):
    """What a guest answered to a text and a person has to read: it did not simply say "stop".

    `stopped`: it may have meant stop, so the number gets nothing until somebody has read it. `store` is that of the
    brand's last text to the number; `customer` is who that text was for. `outcome` is what the reader made of it.
    """

    class Outcome(models.TextChoices):
        READ = "read", _("看过了")
        STOP = "stop", _("确认退订")
        LIFTED = "lifted", _("不是退订，已恢复")

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="replies", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="replies", null=True)
    number = EncryptedTextField()
    number_index = models.BinaryField(max_length=32)
    words = EncryptedTextField()
    stopped = models.BooleanField()
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    read_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True, db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["store", "-at"], name="reply_of_store"),
            models.Index(fields=["store"], condition=models.Q(read_at=None), name="reply_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T}"
