"""Whether a redemption set the coupon flag of its bill: taken back, it takes that back, too."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("loyalty", "0001_vouchers_and_gifts"),
    ]

    operations = [
        migrations.AddField(
            model_name="redemption", name="ticked", field=models.BooleanField(db_default=False, default=False)
        ),
    ]
