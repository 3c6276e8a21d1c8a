"""The one index by which a broker's fills are found: by broker, trader, trade and order."""

from django.db import migrations

# Not trees: of a million fills one tree is 36 MB and makes writing the fills two fifths slower, and one would
# not do. This sums up blocks of 16 pages in 5 MB, and costs the feed nothing that can be measured: what was
# written last is summed up later, by autovacuum, and read as it is until then. A look-up reads the blocks that
# can hold what it wants, and one of a hundred others in vain. Times are in an index of their own.
FILLS_OF_A_BROKER = """
CREATE INDEX fill_as_it_is_looked_for ON fill USING brin (
    broker_code int4_bloom_ops (n_distinct_per_range = 256),
    trader int8_bloom_ops (n_distinct_per_range = 450),
    trade_id int8_bloom_ops (n_distinct_per_range = 900),
    order_id text_bloom_ops (n_distinct_per_range = 900)
) WITH (pages_per_range = 16, autosummarize = on);
"""


class Migration(migrations.Migration):
    dependencies = [("payouts", "0011_archive")]

    operations = [
        migrations.RunSQL(FILLS_OF_A_BROKER, "DROP INDEX fill_as_it_is_looked_for;"),
    ]
