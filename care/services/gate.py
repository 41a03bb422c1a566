"""The one gate: who may be told something, and for which reason whoever may not. One statement for a whole store.

Whoever plans (a birthday, a festival, a campaign) puts what is written to the outbox behind it. Claiming asks again.
"""

# The statement that holds: the latest; at the same moment a withdrawal beats a grant.
LATEST = """(SELECT n.given FROM customers_consent n WHERE n.customer_id = {customer} AND n.purpose = 'sms'
        AND n.phone_id {phone} ORDER BY n.at DESC, n.given LIMIT 1)"""
OWN = LATEST.format(customer="p.customer_id", phone="IS NULL")
TOLD = LATEST.format(customer="p.customer_id", phone="= t.id")

# The tags of a guest in mourning, and what makes a complaint an open one: neither gets a cheerful text.
MOURNING = ("in_mourning", "守孝")
COMPLAINT_OPEN = "c.closed_at IS NULL AND c.withdrawn_at IS NULL"

# By text only who said yes: the guest, or where the guest has no number the person of the contact number. By hand
# everybody with a number who did not say no.
NO_YES = "phone_id IS NULL OR (has_own AND consent IS NOT TRUE) OR consent IS FALSE"
SAID_NO = "phone_id IS NULL OR consent IS FALSE"

# `guest`: who is greeted, with the own number, else the first contact number that consented. `known`: whether
# a text may go out, as far as the guest decides. `judged`: all reasons against it; of several guests on one
# number (`doubled`) the first by id keeps the number's place.
GATE = """
{before} guest AS MATERIALIZED (
    SELECT p.customer_id, c.salutation, o.occasion, o.festival, {own} AS consent,
        own.id IS NOT NULL AS has_own, coalesce(own.id, told.id) AS phone_id,
        coalesce(own.number_index, told.number_index) AS number_index,
        coalesce(own.number, told.number) AS number, coalesce(own.last_four, told.last_four) AS last_four,
        own.id IS NOT NULL OR EXISTS (SELECT 1 FROM customers_phone t WHERE t.customer_id = p.customer_id OFFSET 0)
            AS has_phone
    FROM customers_patronage p
    JOIN customers_customer c ON c.id = p.customer_id AND c.brand_id = %(brand)s
    {occasions}
    LEFT JOIN customers_phone own ON own.customer_id = p.customer_id AND own.kind = 'own'
    LEFT JOIN LATERAL (SELECT t.* FROM customers_phone t
        WHERE own.id IS NULL AND t.customer_id = p.customer_id AND t.kind = 'contact' AND {told}
        ORDER BY t.id LIMIT 1) told ON true
    WHERE p.store_id = %(store)s AND {tier} AND NOT EXISTS (SELECT 1 FROM care_message m
        WHERE m.brand_id = %(brand)s AND m.customer_id = p.customer_id AND m.category = %(category)s
        AND m.occasion = o.occasion OFFSET 0)
), known AS MATERIALIZED (
    SELECT guest.*, CASE
        WHEN NOT has_phone THEN 'no_phone'
        WHEN {refuses} THEN 'no_consent'
        WHEN EXISTS (SELECT 1 FROM customers_optout x WHERE x.brand_id = %(brand)s
            AND x.number_index = guest.number_index OFFSET 0) THEN 'opted_out'
        WHEN customer_id IN (SELECT c.customer_id FROM feedback_complaint c WHERE {open}) THEN 'complaint_open'
        WHEN customer_id IN (SELECT g.customer_id FROM customers_tag g WHERE g.word = ANY(%(mourning)s)
            AND g.removed_at IS NULL) THEN 'in_mourning'
        ELSE '' END AS against,
        CASE WHEN salutation ~ %(safe)s THEN salutation ELSE %(member)s END AS called
    FROM guest
), doubled AS MATERIALIZED (
    SELECT number_index, occasion, min(customer_id) AS keeper FROM known WHERE against = ''
    GROUP BY number_index, occasion HAVING count(*) > 1
), wished AS MATERIALIZED ({wished}), judged AS MATERIALIZED (
    SELECT known.*, CASE
        WHEN against <> '' THEN against
        WHEN %(solemn)s THEN 'solemn_day'
        WHEN %(category)s <> 'birthday' AND (customer_id IN (SELECT m.customer_id FROM wished m)
            OR number_index IN (SELECT m.phone_key FROM wished m WHERE m.phone_key IS NOT NULL)) THEN 'one_a_day'
        WHEN ((number_index, occasion) IN (SELECT d.number_index, d.occasion FROM doubled d)
                AND (customer_id, occasion) NOT IN (SELECT d.keeper, d.occasion FROM doubled d))
            OR EXISTS (SELECT 1 FROM care_message m WHERE m.brand_id = %(brand)s
                AND m.phone_key = known.number_index AND m.occasion = known.occasion OFFSET 0) THEN 'shared_phone'
        WHEN %(late)s THEN 'window_passed'
        WHEN %(silent)s THEN 'no_provider'
        ELSE '' END AS reason
    FROM known
)"""
# The words without their variables, and each variable as often as it stands in them.
LENGTH = "(%(fixed)s + char_length(called) * %(names)s + char_length(festival) * %(festivals)s)"
NOBODY = "SELECT NULL::bigint AS customer_id, NULL::bytea AS phone_key WHERE false"
