"""A plan of an axis beside the ladder may open tasks: switched off unless a person switches it on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("care", "0014_booking_of_answer")]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="works",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
