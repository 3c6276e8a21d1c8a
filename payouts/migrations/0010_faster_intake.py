"""For faster intakes: every key of quarantine is found, not only those that wait, and COPY numbers its batch."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payouts", "0009_quarantine")]

    operations = [
        migrations.RemoveIndex(model_name="quarantineplace", name="waiting_by_key"),
        migrations.AddIndex(
            model_name="quarantineplace",
            index=models.Index(
                condition=models.Q(("symbol__isnull", False)),
                fields=["symbol", "trade_id", "order_id"],
                name="quarantine_by_key",
            ),
        ),
        migrations.RunSQL(
            # A partition that is made later takes the default over, but rows come in by the table.
            "ALTER TABLE fill ALTER batch_id SET DEFAULT currval('feed_batch_id_seq');"
            "ALTER TABLE excluded_record ALTER batch_id SET DEFAULT currval('feed_batch_id_seq');",
            "ALTER TABLE fill ALTER batch_id DROP DEFAULT;"
            "ALTER TABLE excluded_record ALTER batch_id DROP DEFAULT;",
        ),
    ]
