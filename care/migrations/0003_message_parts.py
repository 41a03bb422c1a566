from django.db import migrations, models



class Migration(migrations.Migration):

    dependencies = [
        ('care', '0002_text_rules'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='message',
            name='message_due',
        ),
        migrations.RemoveIndex(
            model_name='message',
            name='message_of_store',
        ),
        migrations.AddField(
            model_name='message',
            name='parts',
            field=models.SmallIntegerField(db_default=1, default=1),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['next_at', 'category'], name='message_due'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('final_at__isnull', True), ('state', 'accepted')), fields=['claimed_at'], name='message_unreported'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('state__in', ['sending', 'unknown', 'accepted', 'delivered', 'undelivered', 'parked'])), fields=['brand', 'claimed_at'], include=('parts',), name='message_handed'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['store', '-created_at', '-id'], include=('state', 'reason', 'parts'), name='message_of_store'),
        ),
    ]
