"""Where the facts of a whole brand are kept while a scheme is tried on. Without log: they can be counted again."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial"), ("tiering", "0004_goals")]

    operations = [
        migrations.CreateModel(
            name="ChainFacts",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on", models.DateField()),
                ("question", models.JSONField()),
                ("marks", models.JSONField(default=dict)),
                ("checked", models.JSONField(default=dict)),
                ("asked_at", models.DateTimeField()),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="staff.brand"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            "ALTER TABLE tiering_chainfacts SET UNLOGGED", "ALTER TABLE tiering_chainfacts SET LOGGED"
        ),
    ]
