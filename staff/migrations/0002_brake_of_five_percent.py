"""The brake leaves the calendar's moves out of its count: five per cent of the rest is the limit."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models


def to_five(apps, schema_editor):
    apps.get_model("staff", "Store").objects.filter(brake_percent=30).update(brake_percent=5)


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name=name,
            name="brake_percent",
            field=models.PositiveSmallIntegerField(
                default=5, validators=[MinValueValidator(1), MaxValueValidator(100)]
            ),
        )
        for name in ("store", "storeevent")
    ] + [migrations.RunPython(to_five, migrations.RunPython.noop)]
