"""The table a guest asked for on a call stands in the book of bookings; what was answered before is copied there."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import migrations, models


def copy_answers(apps, schema_editor):
    Booking = apps.get_model("customers", "Booking")
    answers = apps.get_model("care", "TableAnswer").objects.filter(wants_table=True, booking=None)
    for answer in answers.select_related("event__task", "store").order_by("pk"):
        event = answer.event
        starts_at = datetime.combine(answer.on, answer.time, tzinfo=ZoneInfo(answer.store.timezone))
        one = {"store": answer.store, "customer_id": event.task.customer_id, "starts_at": starts_at}
        if Booking.objects.filter(**one).exists():
            continue
        source = event.task.channel if event.task.channel in ("phone", "visit", "wechat") else "desk"
        answer.booking = Booking.objects.create(
            **one, on=answer.on, arrives=answer.time, ends_at=starts_at + timedelta(hours=2), party=answer.party,
            state="confirmed", dishes=answer.dishes, note=event.note, source=source, made_at=event.at,
            made_by_id=event.by_id,
        )
        answer.save(update_fields=["booking"])


class Migration(migrations.Migration):

    dependencies = [
        ("care", "0013_relations"),
        ("customers", "0008_bookings"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="tableanswer", name="table_wanted"),
        migrations.AddField(
            model_name="tableanswer",
            name="booking",
            field=models.OneToOneField(
                null=True, on_delete=models.deletion.SET_NULL, related_name="answer", to="customers.booking"
            ),
        ),
        migrations.RunPython(copy_answers, migrations.RunPython.noop),
    ]
