"""What the labels on the doors mean: the scheme behind each axis of a store."""

from tiering.models import SchemeVersion
from tiering.rules import Scheme
from tiering.selectors.schemes import scheme_of

# An axis has a handful of adoptions and thousands of nights: from the former to the newest of the latter.
_BEHIND = """
SELECT v.*, a.axis AS behind FROM (
    SELECT DISTINCT axis FROM tiering_adoption WHERE store_id = %(store)s AND withdrawn_at IS NULL) a
CROSS JOIN LATERAL (
    SELECT version_id FROM tiering_night n WHERE n.store_id = %(store)s AND n.axis = a.axis
    ORDER BY n.business_date DESC LIMIT 1) n
JOIN tiering_schemeversion v ON v.id = n.version_id
"""


def schemes_of_labels(store_id: int) -> dict[str, Scheme]:
    """Axis → the scheme of the newest night decided on it; nothing of an axis before its first night. One query."""
    found = SchemeVersion.objects.raw(_BEHIND, {"store": store_id})
    return {getattr(version, "behind"): scheme_of(version) for version in found}  # noqa: B009
