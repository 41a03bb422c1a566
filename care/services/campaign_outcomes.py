"""The night's step that settles what campaigns earned: the same days for who was told and who was held out."""

from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from care.models import Campaign
from care.outcomes import CORRECTED_FOR
from care.services.outcomes import CAME
from staff.models import Store

_SETTLE = """
UPDATE care_campaignguest g SET came_on = n.business_date, spend_fen = n.amount_fen
FROM (SELECT c.id, came.business_date, came.amount_fen FROM (
        SELECT w.id, w.customer_id, k.began_at AS made_at, k.results_on AS settled_on FROM care_campaign k
        JOIN care_campaignguest w ON w.campaign_id = k.id AND w.arm <> 'blocked'
        WHERE k.store_id = %(store)s AND k.results_on <= %(on)s
            AND (k.state = 'planned' OR (k.state = 'over' AND k.results_on >= %(correctable)s))) c {came}) n
WHERE g.id = n.id AND (g.came_on, g.spend_fen) IS DISTINCT FROM (n.business_date, n.amount_fen)
""".format(came=CAME.format(of="c"))


@transaction.atomic
def settle_campaigns(*, store: Store, on: date, today: date) -> dict[str, int]:
    """Settle the campaigns whose days are over by the end of business date `on`; look again at those settled in the last
    30 days. Counts, where there are any: `campaigns` that are over now. May run twice.
    """
    params: dict[str, Any] = {
        "store": store.pk,
        "on": on,
        "correctable": today - timedelta(days=CORRECTED_FOR),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, params)
    over = Campaign.objects.filter(store=store, state=Campaign.State.PLANNED, results_on__lte=on)
    number = over.update(state=Campaign.State.OVER)
    return {"campaigns": number} if number else {}
