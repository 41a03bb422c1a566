"""What a store allows its plans. A store that never said anything keeps to the defaults."""

from django.db import transaction

from care.models import CareRules
from staff.models import Store


def care_rules_of(store: Store) -> CareRules:
    """The store's rules; the defaults, not on file, where it has none."""
    return CareRules.objects.filter(store=store).first() or CareRules(store=store)


@transaction.atomic
def change_care_rules(rules: CareRules) -> None:
    """Put the store's rules on file; every change stays in their history. They hold from the next night on."""
    rules.save()
