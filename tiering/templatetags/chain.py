"""Whether there is a chain to try a scheme on."""

from typing import Any

from django import template

from common.clock import now
from staff.access import who_may
from tiering.selectors.chain import answered_for

register = template.Library()


@register.simple_tag(takes_context=True)
def answers_for_several(context: Any) -> bool:
    """`{% answers_for_several as wide %}`: the person may try a scheme on more stores than this one."""
    principal = context.get("principal")
    if principal is None or principal.role not in who_may("scheme-chain", "GET"):
        return False
    return len(answered_for(principal.person, principal.store.brand_id, now())) > 1
