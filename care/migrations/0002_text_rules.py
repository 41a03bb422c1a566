import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models



class Migration(migrations.Migration):

    dependencies = [
        ('care', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
        ('staff', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='TextRules',
            fields=[
                ('brand', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='text_rules', serialize=False, to='staff.brand')),
                ('a_day', models.PositiveSmallIntegerField(default=1, validators=[django.core.validators.MaxValueValidator(5)])),
                ('a_month', models.PositiveSmallIntegerField(default=4, validators=[django.core.validators.MaxValueValidator(30)])),
                ('thousand_parts_fen', models.PositiveIntegerField(default=4500, validators=[django.core.validators.MaxValueValidator(1000000)])),
                ('month_parts', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
            ],
        ),
        migrations.CreateModel(
            name='TextRulesEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('a_day', models.PositiveSmallIntegerField(default=1, validators=[django.core.validators.MaxValueValidator(5)])),
                ('a_month', models.PositiveSmallIntegerField(default=4, validators=[django.core.validators.MaxValueValidator(30)])),
                ('thousand_parts_fen', models.PositiveIntegerField(default=4500, validators=[django.core.validators.MaxValueValidator(1000000)])),
                ('month_parts', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='textrules',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "care_textrulesevent" ("a_day", "a_month", "brand_id", "month_parts", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "thousand_parts_fen") VALUES (NEW."a_day", NEW."a_month", NEW."brand_id", NEW."month_parts", _pgh_attach_context(), NOW(), \'insert\', NEW."brand_id", NEW."thousand_parts_fen"); RETURN NULL;', hash='a2dfb6e56bc972eb3ac44ff3ceb2287b1ce26a76', operation='INSERT', pgid='pgtrigger_insert_insert_43bbe', table='care_textrules', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='textrules',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "care_textrulesevent" ("a_day", "a_month", "brand_id", "month_parts", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "thousand_parts_fen") VALUES (NEW."a_day", NEW."a_month", NEW."brand_id", NEW."month_parts", _pgh_attach_context(), NOW(), \'update\', NEW."brand_id", NEW."thousand_parts_fen"); RETURN NULL;', hash='400650615e66791843cd7a456dc98c8d761c91b6', operation='UPDATE', pgid='pgtrigger_update_update_067b8', table='care_textrules', when='AFTER')),
        ),
        migrations.AddField(
            model_name='textrulesevent',
            name='brand',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', serialize=False, to='staff.brand'),
        ),
        migrations.AddField(
            model_name='textrulesevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='textrulesevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='care.textrules'),
        ),
    ]
