"""What they mean to us: schemes a restaurant wrote down, what is in force, what was decided and why."""

import pghistory
from django.db import models

from customers.models import Customer
from staff.models import Brand, Person, Store


@pghistory.track()
class Scheme(models.Model):
    """A way of grading guests that a store has at hand, by its code; the rules are in its versions."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="schemes")
    code = models.SlugField(max_length=60)
    axis = models.SlugField(max_length=20, default="tier")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "code"], name="one_scheme_a_code")]

    def __str__(self) -> str:
        return self.code


class SchemeVersion(models.Model):
    """The rules of a scheme as once written: never changed, so that every decision stays explainable."""

    scheme = models.ForeignKey(Scheme, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scheme", "number"], name="version_once")]

    def __str__(self) -> str:
        return f"{self.scheme.code} v{self.number}"


class Adoption(models.Model):
    """From `from_date` on, this version grades this axis of the store. The latest living row for a date holds.

    One that has not begun may be withdrawn; going back is another adoption, of the version before.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="adoptions")
    axis = models.SlugField(max_length=20)
    version = models.ForeignKey(SchemeVersion, on_delete=models.PROTECT, related_name="adoptions")
    from_date = models.DateField()
    adopted_at = models.DateTimeField()
    adopted_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["store", "axis", "-from_date", "-id"], name="adoption_in_force")]

    def __str__(self) -> str:
        return f"{self.version} from {self.from_date}"


class Judgement(models.Model):
    """What a named person judged of a guest, for a rule's manual line: author, reason, from day to day."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="judgements")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="judgements")
    code = models.SlugField(max_length=40)
    reason = models.CharField(max_length=200)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "customer", "code"],
                condition=models.Q(withdrawn_at=None),
                name="one_living_judgement",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class Override(models.Model):
    """A tier that a named person gave by hand, with a reason, from day to day: it stands above the rules.

    The day after `valid_until` the rules decide again by themselves. Keeping it longer is another row.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="overrides", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="overrides")
    axis = models.SlugField(max_length=20, default="tier", db_index=False)
    tier = models.CharField(max_length=20)
    reason = models.CharField(max_length=200)
    valid_from = models.DateField()
    valid_until = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "axis", "customer"],
                condition=models.Q(withdrawn_at=None),
                name="one_living_override",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__gte=models.F("valid_from")), name="override_has_days"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tier} until {self.valid_until}: {self.reason}"


class Fading(models.Model):
    """A guest for whom the rules say lower since a night, while a scheme with days of grace lets the tier stand.

    `until` is the first night of which that is no longer so.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    axis = models.SlugField(max_length=20, default="tier", db_index=False)
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "axis", "customer"], condition=models.Q(until=None), name="one_fading"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} since {self.since}"


@pghistory.track()
class Segment(models.Model):
    """A question about the store's guests kept under a name: a rule tree, as in a scheme."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="segments")
    name = models.CharField(max_length=60)
    rule = models.JSONField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "name"], condition=models.Q(retired_at=None), name="segment_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Goal(models.Model):
    """What a store wants of the guests of one tier in a month, by a metric of `tiering.goals`.

    `target` is in hundredths: of a dish, of a visit; of a yuan, which is fen.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="goals", db_index=False)
    axis = models.SlugField(max_length=20)
    tier = models.CharField(max_length=20)
    metric = models.SlugField(max_length=20)
    target = models.PositiveIntegerField()
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "axis", "tier", "metric"], name="one_goal_a_metric"),
        ]

    def __str__(self) -> str:
        return f"{self.tier} {self.metric}: {self.target}"


class TierDecision(models.Model):
    """A night's answer for one guest, written only when it differs from the answer before. Append-only.

    `facts` are the numbers the rules used, by fact key (integers; money in fen; a pair for a ratio); `reasons`
    the lines of the scheme that held, or for an unrated guest what is missing, or the override that stood above
    them. A scheme of labels joins the codes that hold with `+`. Rows come from one statement over patronages, whose
    references hold: the database does not look them up again for every row (docs/adr/0009). `corrected`: a later
    re-run of that night, with what is known now, replaced the answer given then.
    """

    store = models.ForeignKey(
        Store, on_delete=models.CASCADE, related_name="decisions", db_index=False, db_constraint=False
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="decisions", db_index=False, db_constraint=False
    )
    axis = models.SlugField(max_length=20, default="tier", db_index=False)
    business_date = models.DateField()
    version = models.ForeignKey(
        SchemeVersion, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    tier = models.CharField(max_length=255)
    previous = models.CharField(max_length=255, blank=True)
    reasons = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    run_id = models.BigIntegerField(null=True)
    decided_at = models.DateTimeField()
    known_at = models.DateTimeField()
    corrected = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["customer", "store", "axis", "-business_date", "-id"], name="decision_as_of"
            ),
            models.Index(fields=["store", "axis", "business_date"], name="decision_of_night"),
            models.Index(
                fields=["store", "axis", "decided_at"],
                condition=models.Q(corrected=True),
                name="decision_corrected",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.previous or '–'} → {self.tier}"


class Night(models.Model):
    """A night that was decided for a store and axis: the newest one is what the labels show.

    `changed` counts the decisions written for it, by all its runs.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="nights")
    axis = models.SlugField(max_length=20, default="tier")
    business_date = models.DateField()
    version = models.ForeignKey(SchemeVersion, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    changed = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "axis", "business_date"], name="one_night_an_axis"),
        ]

    def __str__(self) -> str:
        return f"{self.business_date}: {self.changed}"


class ChainFacts(models.Model):
    """The facts of a brand's guests on one day, kept for trying schemes on: what `tiering_chain_<id>` holds.

    `question` says which facts. `marks` says of which stores, each as of what (store id to mark), and `checked` when
    a store was last found to be so (store id to seconds since 1970). Both tables are unlogged: after a crash of the
    server both are empty.
    """

    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    on = models.DateField()
    question = models.JSONField()
    marks = models.JSONField(default=dict)
    checked = models.JSONField(default=dict)
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.brand_id} {self.on}: {len(self.marks)} stores"

    @property
    def table(self) -> str:
        """The table that holds the facts."""
        return f"tiering_chain_{self.pk}"
