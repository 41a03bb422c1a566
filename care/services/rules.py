"""What a brand allows its texts: caps, price, budget. A brand that never said anything keeps to the defaults."""

from datetime import datetime

from django.db import transaction

from care.models import Message, TextRules
from staff.models import Brand


def rules_of(brand: Brand) -> TextRules:
    """The brand's rules; the defaults, not on file, where it has none."""
    return TextRules.objects.filter(brand=brand).first() or TextRules(brand=brand)


@transaction.atomic
def change_rules(rules: TextRules, *, at: datetime) -> None:
    """Put the brand's rules on file. What waited for a cap or the budget is looked at again at once. May run twice."""
    rules.save()
    held = Message.objects.filter(
        brand=rules.brand, state=Message.State.PENDING, reason__in=Message.HELD, next_at__gt=at
    )
    held.update(next_at=at)
