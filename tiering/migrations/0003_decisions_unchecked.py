"""The references of a decision are not looked up again for every row a night writes."""

import django.db.models.deletion
from django.db import migrations, models


def loose(to, on_delete, related_name):
    return models.ForeignKey(
        db_constraint=False, db_index=False, on_delete=on_delete, related_name=related_name, to=to
    )


class Migration(migrations.Migration):
    dependencies = [("tiering", "0002_by_hand_and_grace")]

    operations = [
        migrations.AlterField("tierdecision", "store", loose("staff.store", django.db.models.deletion.CASCADE, "decisions")),
        migrations.AlterField(
            "tierdecision", "customer", loose("customers.customer", django.db.models.deletion.CASCADE, "decisions")
        ),
        migrations.AlterField(
            "tierdecision", "version", loose("tiering.schemeversion", django.db.models.deletion.PROTECT, "+")
        ),
    ]
