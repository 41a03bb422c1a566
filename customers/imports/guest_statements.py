"""The statements that bring a file of guests in: who is meant, what differs, what is written."""

STAGE = (
    ("row", "int"),
    ("external_id", "text"),
    ("phone_index", "bytea"),
    ("number", "bytea"),
    ("last_four", "text"),
    ("name", "text"),
    ("sex", "text"),
    ("birth_calendar", "text"),
    ("birth_year", "smallint"),
    ("birth_month", "smallint"),
    ("birth_day", "smallint"),
    ("birth_leap", "boolean"),
    ("address", "text"),
    ("industry", "text"),
    ("employer", "text"),
    ("position", "text"),
    ("married", "boolean"),
    ("credit", "smallint"),
    ("influence", "smallint"),
    ("distance_km", "numeric"),
    ("needs", "text"),
    ("preferred_channel", "text"),
    ("tags", "text"),
    ("is_abroad", "boolean"),
    ("owner_id", "bigint"),
    ("consent", "boolean"),
    ("introducer", "text"),
    ("introducer_index", "bytea"),
    ("introducer_row", "int"),
    ("since", "date"),
)

# Who a row speaks of: by the number in this store, else by the own number of the brand's guest.
MATCH = """
    SELECT s.row, n.customer_id AS by_number, t.customer_id AS by_phone, h.external_id AS number_here,
        coalesce(n.customer_id, t.customer_id) AS customer_id, coalesce(n.id, h.id) AS patronage_id
    FROM import_customer s
    LEFT JOIN customers_patronage n ON n.store_id = %(store)s AND n.external_id = s.external_id
    LEFT JOIN customers_phone t ON t.brand_id = %(brand)s AND t.number_index = s.phone_index AND t.kind = 'own'
    LEFT JOIN customers_patronage h ON h.store_id = %(store)s AND h.customer_id = t.customer_id
"""

DISPUTED = """
    SELECT m.row, CASE WHEN m.by_number IS NOT NULL THEN 'phone_of_other_guest' ELSE 'phone_has_other_number' END,
        m.number_here
    FROM import_match m JOIN import_customer s USING (row)
    WHERE m.by_number <> m.by_phone
        OR (m.by_number IS NULL AND m.number_here NOT IN (s.external_id, 'G-' || m.by_phone))
"""

SAME_GUEST = """
    SELECT row, first FROM (
        SELECT row, customer_id, min(row) OVER (PARTITION BY customer_id) AS first FROM import_match
        WHERE customer_id IS NOT NULL AND row <> ALL(%(bad)s)
    ) m WHERE row <> first
"""

INTRODUCERS = """
    SELECT s.row, coalesce(n.customer_id, h.customer_id) AS introducer_id, s.introducer_row
    FROM import_customer s
    LEFT JOIN customers_patronage n ON n.store_id = %(store)s AND n.external_id = s.introducer
    LEFT JOIN customers_phone t ON t.brand_id = %(brand)s AND t.number_index = s.introducer_index
        AND t.kind = 'own'
    LEFT JOIN customers_patronage h ON h.store_id = %(store)s AND h.customer_id = t.customer_id
    WHERE s.introducer IS NOT NULL
"""

# What each row wants to be, and which parts of it differ from what is on file. A guest of this store takes what
# the file says; a guest whom only other stores knew takes it where nothing was known. A blank says nothing.
PLAN = """
    WITH wanted AS (
        SELECT m.row, m.customer_id, m.patronage_id, p.id IS NULL AND c.id IS NOT NULL AS is_linked,
            CASE WHEN c.id IS NULL OR p.id IS NOT NULL THEN s.name ELSE c.name END AS name,
            {plain},
            {judged},
            CASE WHEN p.id IS NULL AND c.needs <> '[]' THEN c.needs
                ELSE coalesce(s.needs::jsonb, c.needs, '[]') END AS needs,
            s.birth_month IS NOT NULL AND (c.birth_month IS NULL OR (p.id IS NOT NULL AND (
                (s.birth_calendar, s.birth_month, s.birth_day, s.birth_leap)
                    <> (c.birth_calendar, c.birth_month, c.birth_day, c.birth_leap)
                OR s.birth_year <> coalesce(c.birth_year, 0)))) AS takes_birthday,
            p.id IS NOT NULL AND (s.external_id <> p.external_id OR s.since <> p.since
                OR s.owner_id <> coalesce(p.owner_id, 0)) AS patronage,
            s.phone_index IS NOT NULL AND o.number_index IS DISTINCT FROM s.phone_index AS phone,
            EXISTS (SELECT 1 FROM json_array_elements_text(s.tags::json) w(word) WHERE NOT EXISTS (
                SELECT 1 FROM customers_tag g WHERE g.customer_id = m.customer_id AND g.word = w.word
                    AND g.removed_at IS NULL)) AS tags,
            s.consent IS NOT NULL AND s.consent IS DISTINCT FROM (
                SELECT k.given FROM customers_consent k WHERE k.customer_id = m.customer_id AND k.purpose = 'sms'
                    AND k.phone_id IS NULL ORDER BY k.at DESC, k.given, k.id DESC LIMIT 1)
                -- An undated yes in a file does not undo a no that the guest told somebody.
                AND NOT (s.consent AND coalesce((
                    SELECT NOT k.given AND k.source <> 'import' FROM customers_consent k
                    WHERE k.customer_id = m.customer_id AND k.purpose = 'sms' AND k.phone_id IS NULL
                    ORDER BY k.at DESC, k.given, k.id DESC LIMIT 1), false)) AS consent,
            i.row IS NOT NULL AND (v.id IS NULL OR (p.id IS NOT NULL
                AND v.introducer_id IS DISTINCT FROM coalesce(i.introducer_id, im.customer_id))) AS introduction,
            c
        FROM import_match m JOIN import_customer s USING (row)
        LEFT JOIN customers_customer c ON c.id = m.customer_id
        LEFT JOIN customers_patronage p ON p.id = m.patronage_id
        LEFT JOIN customers_phone o ON o.customer_id = m.customer_id AND o.kind = 'own'
        LEFT JOIN import_introducer i ON i.row = m.row
        LEFT JOIN import_match im ON im.row = i.introducer_row AND i.introducer_id IS NULL
        LEFT JOIN customers_introduction v ON v.customer_id = m.customer_id AND v.voided_at IS NULL
        WHERE m.row <> ALL(%(bad)s)
    ), compared AS (
        SELECT w.*, w.takes_birthday OR (w.name, w.sex, w.address, w.industry, w.employer, w.position, w.married, w.credit,
                w.influence, w.distance_km, w.needs, w.preferred_channel)
            IS DISTINCT FROM ((w.c).name, (w.c).sex, (w.c).address, (w.c).industry, (w.c).employer, (w.c).position,
                (w.c).married, (w.c).credit, (w.c).influence, (w.c).distance_km, (w.c).needs,
                (w.c).preferred_channel) AS profile
        FROM wanted w
    )
    SELECT row, customer_id, name, sex, address, industry, employer, position, married, credit, influence, distance_km,
        needs, preferred_channel, takes_birthday, patronage, phone, tags, consent, introduction, profile,
        CASE WHEN customer_id IS NULL THEN 'created' WHEN is_linked THEN 'linked'
            WHEN profile OR patronage OR phone OR tags OR consent OR introduction THEN 'updated'
            ELSE 'unchanged' END AS outcome
    FROM compared
""".format(
    plain=", ".join(
        f"CASE WHEN p.id IS NULL THEN coalesce(nullif(c.{name}, ''), s.{name}) "
        f"ELSE coalesce(nullif(s.{name}, ''), c.{name}) END AS {name}"
        for name in ("sex", "address", "industry", "employer", "position", "preferred_channel")
    ),
    judged=", ".join(
        f"CASE WHEN p.id IS NULL THEN coalesce(c.{name}, s.{name}) ELSE coalesce(s.{name}, c.{name}) END AS {name}"
        for name in ("married", "credit", "influence", "distance_km")
    ),
)

# New guests are numbered as they stand in the file, however the plan's rows came to lie.
NUMBER = """
    UPDATE import_plan l SET customer_id = n.id
    FROM (SELECT row, nextval(pg_get_serial_sequence('customers_customer', 'id')) AS id
        FROM (SELECT row FROM import_plan WHERE outcome = 'created' ORDER BY row) o) n
    WHERE l.row = n.row
"""

CREATE = """
    INSERT INTO customers_customer (id, brand_id, name, salutation, sex, birth_calendar, birth_leap, address,
        industry, employer, position, married, credit, influence, distance_km, needs, preferred_channel,
        likes, name_key, search_keys, created_at,
        created_by_id, birth_year, birth_month, birth_day)
    SELECT l.customer_id, %(brand)s, l.name, '', l.sex, s.birth_calendar, s.birth_leap, l.address, l.industry,
        l.employer, l.position, l.married, l.credit, l.influence, l.distance_km, l.needs, l.preferred_channel,
        '', '', '{}', %(at)s, %(by)s, s.birth_year,
        s.birth_month, s.birth_day
    FROM import_plan l JOIN import_customer s USING (row) WHERE l.outcome = 'created' ORDER BY l.row
"""

CHANGE = """
    UPDATE customers_customer c SET name = l.name, sex = l.sex, address = l.address, industry = l.industry,
        employer = l.employer, position = l.position, married = l.married, credit = l.credit, influence = l.influence,
        distance_km = l.distance_km, needs = l.needs, preferred_channel = l.preferred_channel,
        birth_calendar = CASE WHEN l.takes_birthday THEN s.birth_calendar ELSE c.birth_calendar END,
        birth_year = CASE WHEN l.takes_birthday THEN s.birth_year ELSE c.birth_year END,
        birth_month = CASE WHEN l.takes_birthday THEN s.birth_month ELSE c.birth_month END,
        birth_day = CASE WHEN l.takes_birthday THEN s.birth_day ELSE c.birth_day END,
        birth_leap = CASE WHEN l.takes_birthday THEN s.birth_leap ELSE c.birth_leap END
    FROM import_plan l JOIN import_customer s USING (row)
    WHERE c.id = l.customer_id AND l.profile AND l.outcome <> 'created'
"""

# A guest without a number gets G-<id>; where another guest has just that, the store's id goes behind it.
PATRONISE = """
    INSERT INTO customers_patronage (customer_id, store_id, external_id, owner_id, since, usual_table, tier,
        visits_total, spend_total_fen, last_external_id)
    SELECT l.customer_id, %(store)s, coalesce(s.external_id, 'G-' || l.customer_id ||
            CASE WHEN x.id IS NULL AND f.row IS NULL THEN '' ELSE '-' || %(store)s END),
        s.owner_id, coalesce(s.since, %(today)s), '', '', 0, 0, ''
    FROM import_plan l JOIN import_customer s USING (row)
    LEFT JOIN customers_patronage x ON x.store_id = %(store)s AND x.external_id = 'G-' || l.customer_id
    LEFT JOIN import_customer f ON f.external_id = 'G-' || l.customer_id
    WHERE l.outcome IN ('created', 'linked') ORDER BY l.row
"""

REPATRONISE = """
    UPDATE customers_patronage p SET external_id = coalesce(s.external_id, p.external_id),
        owner_id = coalesce(s.owner_id, p.owner_id), since = coalesce(s.since, p.since)
    FROM import_plan l JOIN import_customer s USING (row)
    WHERE p.store_id = %(store)s AND p.customer_id = l.customer_id AND l.patronage AND l.outcome = 'updated'
"""

OLD_CONTACTS = """
    SELECT t.id FROM customers_phone t JOIN import_plan l USING (customer_id) JOIN import_customer s USING (row)
    WHERE l.phone AND t.kind = 'contact' AND t.number_index = s.phone_index
"""

CHANGE_PHONES = """
    UPDATE customers_phone t SET number = s.number, number_index = s.phone_index, last_four = s.last_four,
        added_at = %(at)s
    FROM import_plan l JOIN import_customer s USING (row)
    WHERE l.phone AND t.customer_id = l.customer_id AND t.kind = 'own'
"""

ADD_PHONES = """
    INSERT INTO customers_phone (brand_id, customer_id, kind, whose, number, number_index, last_four, added_at)
    SELECT %(brand)s, l.customer_id, 'own', '', s.number, s.phone_index, s.last_four, %(at)s
    FROM import_plan l JOIN import_customer s USING (row) WHERE l.phone AND NOT EXISTS (
        SELECT 1 FROM customers_phone t WHERE t.customer_id = l.customer_id AND t.kind = 'own') ORDER BY l.row
"""

ADD_TAGS = """
    INSERT INTO customers_tag (customer_id, word, added_at, added_by_id)
    SELECT l.customer_id, w.word, %(at)s, %(by)s
    FROM import_plan l JOIN import_customer s USING (row), json_array_elements_text(s.tags::json) w(word)
    WHERE l.tags ON CONFLICT (customer_id, word) WHERE removed_at IS NULL DO NOTHING
"""

# A number abroad that the guest did not have before.
ADD_OVERSEAS = """
    INSERT INTO customers_tag (customer_id, word, added_at, added_by_id)
    SELECT l.customer_id, %(overseas)s, %(at)s, %(by)s
    FROM import_plan l JOIN import_customer s USING (row)
    WHERE l.phone AND s.is_abroad ON CONFLICT (customer_id, word) WHERE removed_at IS NULL DO NOTHING
"""

ADD_CONSENTS = """
    INSERT INTO customers_consent (customer_id, purpose, given, at, source, wording, store_id, recorded_at,
        recorded_by_id)
    SELECT l.customer_id, 'sms', s.consent, %(at)s, 'import', 'v1', %(store)s, %(at)s, %(by)s
    FROM import_plan l JOIN import_customer s USING (row) WHERE l.consent ORDER BY l.row
"""

TAKE_BACK_INTRODUCTIONS = """
    UPDATE customers_introduction v SET voided_at = %(at)s FROM import_plan l
    WHERE v.customer_id = l.customer_id AND v.voided_at IS NULL AND l.introduction
"""

ADD_INTRODUCTIONS = """
    INSERT INTO customers_introduction (customer_id, introducer_id, recorded_at, recorded_by_id)
    SELECT l.customer_id, coalesce(i.introducer_id, il.customer_id), %(at)s, %(by)s
    FROM import_plan l JOIN import_introducer i USING (row)
    LEFT JOIN import_plan il ON il.row = i.introducer_row WHERE l.introduction ORDER BY l.row
"""
