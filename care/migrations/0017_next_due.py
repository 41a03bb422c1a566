"""The next due text and what is true of it at this moment, as one function whose statements are planned once a session.

`mourning`: the tags of a guest in mourning; `since`: from when on the number's texts are told.
"""

from django.db import migrations

# A statement inside the function sees what was committed before it began: whoever waits for the number's lock looks at
# the number's texts after the other has claimed. The number's texts are found by the number (OFFSET 0): by the brand's
# calendar they would be looked for among all that went out in a month.
_MAKE = """
CREATE FUNCTION care_next_due(
    now timestamptz, unheard timestamptz, since timestamptz, mourning text[], frozen_ms int
) RETURNS TABLE (
    id uuid, attempt smallint, sealed bytea, template varchar, variables text, reason varchar, not_before timestamptz,
    expires_at timestamptz, brand_id bigint, opens time, closes time, zone varchar, a_day smallint,
    a_month smallint, month_parts int, holds_number boolean, opted_out boolean, consents boolean, complains boolean,
    mourns boolean, called_off boolean, had date[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    due record;
BEGIN
    -- A relay that is frozen in the middle of a transaction must not keep its row from the others.
    PERFORM set_config('idle_in_transaction_session_timeout', frozen_ms::text, true);

    SELECT m.id, m.attempt, m.number, m.template, m.variables::text AS variables, m.reason, m.not_before, m.expires_at,
        m.brand_id, m.store_id, m.customer_id, m.category, m.occasion, m.phone_key, s.messages_from, s.messages_until,
        s.timezone, r.a_day, r.a_month, r.month_parts
    INTO due
    FROM care_message m JOIN staff_store s ON s.id = m.store_id LEFT JOIN care_textrules r ON r.brand_id = m.brand_id
    WHERE m.state = 'pending' AND m.next_at <= now AND NOT EXISTS (SELECT 1 FROM care_inbox i
        WHERE i.kind = 'reply' AND i.applied_at IS NULL AND i.received_at < unheard)
    ORDER BY m.next_at, m.category <> 'birthday', m.category <> 'festival' LIMIT 1 FOR UPDATE OF m SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    PERFORM pg_advisory_xact_lock(('x' || encode(substr(due.phone_key, 1, 8), 'hex'))::bit(64)::bigint);

    RETURN QUERY SELECT due.id, due.attempt, due.number, due.template, due.variables, due.reason, due.not_before,
        due.expires_at, due.brand_id, due.messages_from, due.messages_until, due.timezone, due.a_day, due.a_month,
        due.month_parts,
        t.id IS NOT NULL,
        EXISTS (SELECT 1 FROM customers_optout x WHERE x.brand_id = due.brand_id AND x.number_index = due.phone_key),
        CASE WHEN t.kind = 'contact' THEN (SELECT n.given FROM customers_consent n
            WHERE n.customer_id = due.customer_id AND n.purpose = 'sms' AND n.phone_id = t.id
            ORDER BY n.at DESC, n.given LIMIT 1) IS TRUE AND (SELECT n.given FROM customers_consent n
            WHERE n.customer_id = due.customer_id AND n.purpose = 'sms' AND n.phone_id IS NULL
            ORDER BY n.at DESC, n.given LIMIT 1) IS NOT FALSE
        ELSE (SELECT n.given FROM customers_consent n WHERE n.customer_id = due.customer_id AND n.purpose = 'sms'
            AND n.phone_id IS NULL ORDER BY n.at DESC, n.given LIMIT 1) IS TRUE END,
        EXISTS (SELECT 1 FROM feedback_complaint c WHERE c.customer_id = due.customer_id
            AND c.closed_at IS NULL AND c.withdrawn_at IS NULL),
        EXISTS (SELECT 1 FROM customers_tag g WHERE g.customer_id = due.customer_id AND g.removed_at IS NULL
            AND g.word = ANY(mourning)),
        due.category = 'campaign' AND EXISTS (SELECT 1 FROM care_campaign k WHERE k.store_id = due.store_id
            AND k.state = 'cancelled' AND 'campaign:' || k.id = due.occasion),
        ARRAY(SELECT (h.claimed_at AT TIME ZONE due.timezone)::date FROM (SELECT b.state, b.claimed_at
            FROM care_message b WHERE b.brand_id = due.brand_id AND b.phone_key = due.phone_key OFFSET 0) h
            WHERE h.state IN ('sending', 'unknown', 'accepted', 'delivered', 'undelivered', 'parked')
            AND h.claimed_at >= since)
    FROM (SELECT) one
    LEFT JOIN customers_phone t ON t.customer_id = due.customer_id AND t.number_index = due.phone_key;
END $$
"""
_DROP = "DROP FUNCTION care_next_due(timestamptz, timestamptz, timestamptz, text[], int)"


class Migration(migrations.Migration):
    dependencies = [
        ("care", "0016_voucher_of_call"),
        ("customers", "0009_preferred_channel"),
        ("feedback", "0001_complaints_and_suggestions"),
        ("staff", "0001_initial"),
    ]

    operations = [migrations.RunSQL(_MAKE, _DROP)]
