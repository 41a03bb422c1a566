"""What a store wants of the guests of a tier: goals."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pghistory', '0007_auto_20250421_0444'),
        ('staff', '0002_brake_of_five_percent'),
        ('tiering', '0003_decisions_unchecked'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Goal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('axis', models.SlugField(max_length=20)),
                ('tier', models.CharField(max_length=20)),
                ('metric', models.SlugField(max_length=20)),
                ('target', models.PositiveIntegerField()),
                ('set_at', models.DateTimeField()),
                ('set_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='goals', to='staff.store')),
            ],
        ),
        migrations.CreateModel(
            name='GoalEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('axis', models.SlugField(db_index=False, max_length=20)),
                ('tier', models.CharField(max_length=20)),
                ('metric', models.SlugField(db_index=False, max_length=20)),
                ('target', models.PositiveIntegerField()),
                ('set_at', models.DateTimeField()),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='tiering.goal')),
                ('set_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('store', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='staff.store')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddConstraint(
            model_name='goal',
            constraint=models.UniqueConstraint(fields=('store', 'axis', 'tier', 'metric'), name='one_goal_a_metric'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='goal',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "tiering_goalevent" ("axis", "id", "metric", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at", "set_by_id", "store_id", "target", "tier") VALUES (NEW."axis", NEW."id", NEW."metric", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."set_at", NEW."set_by_id", NEW."store_id", NEW."target", NEW."tier"); RETURN NULL;', hash='335db8bb1f59958abe28b157bb0c35a5d8a37c79', operation='INSERT', pgid='pgtrigger_insert_insert_fd305', table='tiering_goal', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='goal',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "tiering_goalevent" ("axis", "id", "metric", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at", "set_by_id", "store_id", "target", "tier") VALUES (NEW."axis", NEW."id", NEW."metric", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."set_at", NEW."set_by_id", NEW."store_id", NEW."target", NEW."tier"); RETURN NULL;', hash='ebd058805979ac4b6f9354ad9c8898cc77aa3eb9', operation='UPDATE', pgid='pgtrigger_update_update_0fd5e', table='tiering_goal', when='AFTER')),
        ),
    ]
