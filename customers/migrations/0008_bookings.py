"""Tables, bookings, the waiting list, arrivals, who waits where, personal menus; what a guest needs of the room."""

import django.contrib.postgres.constraints
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0007_employer'),
        ('staff', '0002_brake_of_five_percent'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Arrival',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.DateField()),
                ('table_no', models.CharField(max_length=20, verbose_name='台号')),
                ('party', models.PositiveSmallIntegerField(null=True)),
                ('seated_at', models.DateTimeField()),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('left_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Booking',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.DateField(verbose_name='哪一天')),
                ('arrives', models.TimeField(verbose_name='几点')),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('party', models.PositiveSmallIntegerField(verbose_name='几位')),
                ('state', models.CharField(choices=[('provisional', '待确认'), ('confirmed', '已确认'), ('seated', '已入座'), ('cancelled', '已取消'), ('lapsed', '到期释放')], max_length=12)),
                ('lapses_on', models.DateField(null=True)),
                ('needs', models.JSONField(default=list)),
                ('allergies', models.BinaryField(null=True, verbose_name='同来客人的过敏')),
                ('dishes', models.JSONField(default=list)),
                ('note', models.CharField(blank=True, max_length=400, verbose_name='备注')),
                ('source', models.CharField(choices=[('desk', '前台'), ('phone', '电话'), ('visit', '拜望'), ('wechat', '微信')], default='desk', max_length=8)),
                ('made_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BookingRules',
            fields=[
                ('store', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='booking_rules', serialize=False, to='staff.store')),
                ('priority_tiers', models.CharField(blank=True, default='VIP A PREMIUM GOLD SILVER', max_length=200)),
                ('held_days', models.PositiveSmallIntegerField(default=4)),
                ('sitting_minutes', models.PositiveSmallIntegerField(default=120)),
            ],
        ),
        migrations.CreateModel(
            name='DiningTable',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=20, verbose_name='台号')),
                ('room', models.CharField(blank=True, max_length=40, verbose_name='包间或区域')),
                ('seats', models.PositiveSmallIntegerField(verbose_name='座位')),
                ('accessible', models.BooleanField(default=False, verbose_name='轮椅方便')),
                ('removed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='PersonalMenu',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('dishes', models.JSONField()),
                ('changed_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='TableDuty',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.DateField()),
                ('tables', models.JSONField(default=list)),
                ('chosen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Waiting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('called', models.CharField(max_length=40, verbose_name='怎么称呼')),
                ('party', models.PositiveSmallIntegerField(verbose_name='几位')),
                ('on', models.DateField()),
                ('joined_at', models.DateTimeField()),
                ('called_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, choices=[('seated', '已入座'), ('left', '走了')], max_length=6)),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='customer',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='customer',
            name='update_update',
        ),
        migrations.AddField(
            model_name='customer',
            name='needs',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name='customerevent',
            name='needs',
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='customer',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "customers_customerevent" ("address", "allergies", "birth_calendar", "birth_day", "birth_leap", "birth_month", "birth_year", "brand_id", "created_at", "created_by_id", "credit", "distance_km", "employer", "id", "industry", "influence", "likes", "married", "name", "needs", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "salutation", "sex", "taboos") VALUES (NEW."address", NEW."allergies", NEW."birth_calendar", NEW."birth_day", NEW."birth_leap", NEW."birth_month", NEW."birth_year", NEW."brand_id", NEW."created_at", NEW."created_by_id", NEW."credit", NEW."distance_km", NEW."employer", NEW."id", NEW."industry", NEW."influence", NEW."likes", NEW."married", NEW."name", NEW."needs", NEW."note", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."position", NEW."salutation", NEW."sex", NEW."taboos"); RETURN NULL;', hash='e37e2b51e75bfa25f3985f4cefa6a07918b26a8d', operation='INSERT', pgid='pgtrigger_insert_insert_a36e0', table='customers_customer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='customer',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."address" IS DISTINCT FROM (NEW."address") OR OLD."allergies" IS DISTINCT FROM (NEW."allergies") OR OLD."birth_calendar" IS DISTINCT FROM (NEW."birth_calendar") OR OLD."birth_day" IS DISTINCT FROM (NEW."birth_day") OR OLD."birth_leap" IS DISTINCT FROM (NEW."birth_leap") OR OLD."birth_month" IS DISTINCT FROM (NEW."birth_month") OR OLD."birth_year" IS DISTINCT FROM (NEW."birth_year") OR OLD."brand_id" IS DISTINCT FROM (NEW."brand_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."credit" IS DISTINCT FROM (NEW."credit") OR OLD."distance_km" IS DISTINCT FROM (NEW."distance_km") OR OLD."employer" IS DISTINCT FROM (NEW."employer") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."industry" IS DISTINCT FROM (NEW."industry") OR OLD."influence" IS DISTINCT FROM (NEW."influence") OR OLD."likes" IS DISTINCT FROM (NEW."likes") OR OLD."married" IS DISTINCT FROM (NEW."married") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."needs" IS DISTINCT FROM (NEW."needs") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."position" IS DISTINCT FROM (NEW."position") OR OLD."salutation" IS DISTINCT FROM (NEW."salutation") OR OLD."sex" IS DISTINCT FROM (NEW."sex") OR OLD."taboos" IS DISTINCT FROM (NEW."taboos"))', func='INSERT INTO "customers_customerevent" ("address", "allergies", "birth_calendar", "birth_day", "birth_leap", "birth_month", "birth_year", "brand_id", "created_at", "created_by_id", "credit", "distance_km", "employer", "id", "industry", "influence", "likes", "married", "name", "needs", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "salutation", "sex", "taboos") VALUES (NEW."address", NEW."allergies", NEW."birth_calendar", NEW."birth_day", NEW."birth_leap", NEW."birth_month", NEW."birth_year", NEW."brand_id", NEW."created_at", NEW."created_by_id", NEW."credit", NEW."distance_km", NEW."employer", NEW."id", NEW."industry", NEW."influence", NEW."likes", NEW."married", NEW."name", NEW."needs", NEW."note", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."position", NEW."salutation", NEW."sex", NEW."taboos"); RETURN NULL;', hash='19044a985282af2fb6ae3f291e40fce0e5e37d54', operation='UPDATE', pgid='pgtrigger_update_update_ca86d', table='customers_customer', when='AFTER')),
        ),
        migrations.AddField(
            model_name='arrival',
            name='acknowledged_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='arrival',
            name='customer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='arrivals', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='arrival',
            name='owner',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='arrival',
            name='seated_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='arrival',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='arrivals', to='staff.store'),
        ),
        migrations.AddField(
            model_name='booking',
            name='customer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='bookings', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='booking',
            name='made_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='booking',
            name='settled_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='booking',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='bookings', to='staff.store'),
        ),
        migrations.AddField(
            model_name='arrival',
            name='booking',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='customers.booking'),
        ),
        migrations.AddField(
            model_name='diningtable',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tables', to='staff.store'),
        ),
        migrations.AddField(
            model_name='booking',
            name='table',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='bookings', to='customers.diningtable'),
        ),
        migrations.AddField(
            model_name='personalmenu',
            name='changed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='personalmenu',
            name='customer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='menus', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='personalmenu',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='staff.store'),
        ),
        migrations.AddField(
            model_name='tableduty',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='tableduty',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='staff.store'),
        ),
        migrations.AddField(
            model_name='waiting',
            name='customer',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='waits', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='waiting',
            name='joined_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='waiting',
            name='store',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='staff.store'),
        ),
        migrations.AddIndex(
            model_name='arrival',
            index=models.Index(fields=['store', 'on'], name='arrival_of_day'),
        ),
        migrations.AddConstraint(
            model_name='arrival',
            constraint=models.UniqueConstraint(condition=models.Q(('left_at', None)), fields=('store', 'on', 'customer'), name='seated_once'),
        ),
        migrations.AddConstraint(
            model_name='diningtable',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('store', 'number'), name='one_table_a_number'),
        ),
        migrations.AddConstraint(
            model_name='diningtable',
            constraint=models.CheckConstraint(condition=models.Q(('seats__gte', 1)), name='table_has_seats'),
        ),
        migrations.AddIndex(
            model_name='booking',
            index=models.Index(fields=['store', 'on'], name='booking_of_day'),
        ),
        migrations.AddConstraint(
            model_name='booking',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('provisional', 'confirmed', 'seated'))), fields=('store', 'customer', 'starts_at'), name='one_booking_a_time'),
        ),
        migrations.AddConstraint(
            model_name='booking',
            constraint=models.CheckConstraint(condition=models.Q(('party__gte', 1)), name='booking_has_guests'),
        ),
        migrations.AddConstraint(
            model_name='booking',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='booking_takes_time'),
        ),
        migrations.AddConstraint(
            model_name='booking',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'provisional'), _negated=True), ('lapses_on__isnull', False), _connector='OR'), name='provisional_lapses'),
        ),
        migrations.AddConstraint(
            model_name='booking',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('state__in', ('provisional', 'confirmed', 'seated')), ('table__isnull', False)), expressions=[(models.Func(models.F('table_id'), models.F('table_id'), models.Value('[]'), function='int8range'), '&&'), (models.Func(models.F('starts_at'), models.F('ends_at'), function='tstzrange'), '&&')], name='table_taken_once'),
        ),
        migrations.AddConstraint(
            model_name='personalmenu',
            constraint=models.UniqueConstraint(fields=('store', 'customer'), name='one_menu_a_guest'),
        ),
        migrations.AddConstraint(
            model_name='tableduty',
            constraint=models.UniqueConstraint(fields=('store', 'on', 'person'), name='duty_once_a_day'),
        ),
        migrations.AddConstraint(
            model_name='waiting',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None), ('customer__isnull', False)), fields=('store', 'on', 'customer'), name='guest_waits_once'),
        ),
        migrations.AddConstraint(
            model_name='waiting',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None), ('customer', None)), fields=('store', 'on', 'called'), name='name_waits_once'),
        ),
        migrations.AddConstraint(
            model_name='waiting',
            constraint=models.CheckConstraint(condition=models.Q(('party__gte', 1)), name='waiting_has_guests'),
        ),
    ]
