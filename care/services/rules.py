"""What a brand allows its texts: caps, price, budget. A brand that never said anything keeps to the defaults."""

from datetime import datetime

from django.db import transaction

from care.models import Message, TextRules


def rules_of(brand_id: int) -> TextRules:
    """The brand's rules; the defaults, not on file, where it has none."""
    return TextRules.objects.filter(brand_id=brand_id).first() or TextRules(brand_id=brand_id)


@transaction.atomic
def change_rules(rules: TextRules, *, at: datetime) -> None:
    """Put the brand's rules on file. What waited for a cap or the budget is looked at again at once. May run twice."""
    rules.save()
    held = Message.objects.filter(
        brand_id=rules.brand_id, state=Message.State.PENDING, reason__in=Message.HELD, next_at__gt=at
    )
    held.update(next_at=at)
