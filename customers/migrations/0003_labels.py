"""The tiers of the axes beside the main one, on the door."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_storage")]

    operations = [
        migrations.AddField(
            model_name="patronage",
            name="labels",
            field=models.JSONField(default=dict, db_default=models.Value({}, models.JSONField())),
        ),
    ]
