"""Fills, the keys that make each count once, what was set aside, and the three totals."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Digits(models.DecimalField):  # type: ignore[type-arg]  # it takes none when it runs
    """A number of the feed: 20 digits before the point and 18 after it."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"max_digits": 38, "decimal_places": 18} | options)  # type: ignore[arg-type]


class Product(models.DecimalField):  # type: ignore[type-arg]  # it takes none when it runs
    """A product or sum of numbers of the feed: 36 digits after the point and room for sums before it."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"max_digits": 96, "decimal_places": 36} | options)  # type: ignore[arg-type]


class Market(models.TextChoices):
    SPOT = "spot", _("spot")
    FUTURES = "futures", _("futures")


class Batch(models.Model):
    """One batch of records, booked all or nothing, and where its records went."""

    source = models.CharField(max_length=300)
    received_at = models.DateTimeField()
    received = models.PositiveIntegerField()
    accepted = models.PositiveIntegerField()
    duplicate = models.PositiveIntegerField()
    excluded = models.PositiveIntegerField()
    quarantined = models.PositiveIntegerField()
    #: When the latest fill that it brought was executed; batches from before this was kept have none.
    latest_executed_at = models.DateTimeField(null=True)
    #: Its records came earlier, and left quarantine with this batch.
    is_replay = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = "feed_batch"
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        indexes = [models.Index(fields=["latest_executed_at"], name="feed_batch_by_latest")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    received=models.F("accepted")
                    + models.F("duplicate")
                    + models.F("excluded")
                    + models.F("quarantined")
                ),
                name="every_received_record_is_in_one_place",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source} at {self.received_at:%Y-%m-%d %H:%M:%S} UTC"


class RecordFields(models.Model):
    """What a fill and an excluded record have in common: the table of the feed contract."""

    executed_at = models.DateTimeField()
    # Not a foreign key: a million fills would each look the broker up, and brokers are never deleted.
    broker_code = models.PositiveIntegerField()
    trader = models.BigIntegerField()
    symbol = models.TextField()
    market_type = models.TextField()
    trade_id = models.BigIntegerField()
    order_id = models.TextField()
    client_id = models.TextField(null=True)  # noqa: DJ001 - null and "" are two values here
    side = models.TextField()
    is_maker = models.BooleanField()
    price = Digits()
    quantity = Digits()
    fee = Digits()
    fee_symbol = models.TextField()
    fee_rate = Digits()
    affiliate_rate = Digits()
    batch_id = models.BigIntegerField()

    class Meta:
        abstract = True


class Fill(RecordFields):
    """An accepted fill. Partitioned by month of execution, append-only; made by SQL in the migration."""

    id = models.BigAutoField(primary_key=True)
    market = models.TextField(choices=Market)

    class Meta:
        db_table = "fill"
        verbose_name = _("fill")
        verbose_name_plural = _("fills")

    def __str__(self) -> str:
        return f"{self.symbol} {self.trade_id} {self.order_id}"


class FillKey(models.Model):
    """A natural key that is taken for ever, and the content that it was taken with."""

    pk = models.CompositePrimaryKey("symbol", "trade_id", "order_id")
    symbol = models.TextField(db_collation="C")
    trade_id = models.BigIntegerField()
    order_id = models.TextField(db_collation="C")
    content = models.BinaryField()

    class Meta:
        db_table = "fill_key"

    def __str__(self) -> str:
        return f"{self.symbol} {self.trade_id} {self.order_id}"


class ExcludedRecord(RecordFields):
    """A record that is known not to count, with the reason."""

    id = models.BigAutoField(primary_key=True)
    reason = models.TextField()
    system_order_type = models.TextField(null=True)  # noqa: DJ001 - null and "" are two values here

    class Meta:
        db_table = "excluded_record"
        verbose_name = _("excluded record")
        verbose_name_plural = _("excluded records")

    def __str__(self) -> str:
        return f"{self.symbol} {self.trade_id} {self.order_id}: {self.reason}"


class QuarantinedRecord(models.Model):
    """A record that waits for a person: its bytes as they came, and why."""

    reason = models.TextField()
    detail = models.TextField(blank=True)
    format = models.TextField()
    header = models.BinaryField()
    raw = models.BinaryField()
    raw_length = models.BigIntegerField()
    digest = models.BinaryField()
    #: The first eight bytes of the digest: rule 0 looks for them first.
    digest_mark = models.BigIntegerField(db_index=True)
    batch_id = models.BigIntegerField()

    class Meta:
        db_table = "quarantined_record"
        verbose_name = _("quarantined record")
        verbose_name_plural = _("quarantined records")
        constraints = [
            models.UniqueConstraint(fields=["digest", "format"], name="same_bytes_are_quarantined_once")
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.reason}"


class FillVoid(models.Model):
    """An accepted fill that staff took out: its key stays taken, its place becomes excluded `voided`.

    The totals are without it from the same moment. What it was worth is kept beside, so that corrections
    need not look for the fill.
    """

    fill_id = models.BigIntegerField(unique=True)
    executed_at = models.DateTimeField()
    broker_code = models.PositiveIntegerField()
    trader = models.BigIntegerField()
    symbol = models.TextField(db_collation="C")
    market = models.TextField(choices=Market)
    fee_rate = Digits()
    affiliate_rate = Digits()
    volume = Product()
    #: As charged; a maker rebate is below zero.
    fee = Digits()
    #: The batch that had brought the fill.
    batch_id = models.BigIntegerField()
    #: The act of two people that took it out.
    proposal = models.ForeignKey("payouts.Proposal", on_delete=models.PROTECT, related_name="voids")
    voided_at = models.DateTimeField()

    class Meta:
        db_table = "fill_void"
        verbose_name = _("voided fill")
        verbose_name_plural = _("voided fills")
        indexes = [models.Index(fields=["broker_code", "executed_at"], name="voids_of_a_broker")]

    def __str__(self) -> str:
        return f"fill {self.fill_id}, voided"


class FeedPush(models.Model):
    """An answer to a push that bore an Idempotency-Key: the same key and body get the same answer again."""

    #: Which service token sent it. Not a foreign key: the engine knows no tokens.
    sender = models.BigIntegerField()
    key = models.CharField(max_length=200)
    body_sha256 = models.BinaryField()
    answer = models.TextField()
    answered_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "feed_push"
        verbose_name = _("push")
        verbose_name_plural = _("pushes")
        constraints = [
            models.UniqueConstraint(fields=["sender", "key"], name="a_key_of_a_sender_is_used_once"),
            models.CheckConstraint(condition=~models.Q(key=""), name="a_push_is_kept_under_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.sender}: {self.key}"


class FeedTally(models.Model):
    """Where records are, counted as they come and move. In slots, so that intakes do not wait for each other;
    the sum of a place's slots counts, a single slot may be below zero."""

    pk = models.CompositePrimaryKey("slot", "place", "reason")
    slot = models.SmallIntegerField()
    place = models.TextField()
    reason = models.TextField()
    records = models.BigIntegerField()

    class Meta:
        db_table = "feed_tally"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(place__in=["accepted", "duplicate", "excluded", "quarantined"]),
                name="feed_tally_counts_the_four_places",
            )
        ]

    def __str__(self) -> str:
        return f"{self.place} {self.reason}: {self.records}"


class Totals(models.Model):
    """What every total counts: fills, their volume and the fees that traders paid."""

    fills = models.BigIntegerField()
    volume = Product()
    fees = Product()

    class Meta:
        abstract = True


class TotalByRate(Totals):
    """Per month and broker, trader, market, fee rate and affiliate rate: what a line is made of."""

    pk = models.CompositePrimaryKey("month", "broker_code", "trader", "market", "fee_rate", "affiliate_rate")
    month = models.DateField()
    broker_code = models.PositiveIntegerField()
    trader = models.BigIntegerField()
    market = models.TextField(choices=Market)
    fee_rate = Digits()
    affiliate_rate = Digits()

    class Meta:
        db_table = "total_by_rate"

    def __str__(self) -> str:
        return f"{self.month} {self.broker_code} {self.trader} {self.market}"


class TotalByHour(Totals):
    """Per hour, broker, symbol and market: what charts are made of."""

    pk = models.CompositePrimaryKey("broker_code", "hour", "symbol", "market")
    hour = models.DateTimeField()
    broker_code = models.PositiveIntegerField()
    symbol = models.TextField(db_collation="C")
    market = models.TextField(choices=Market)

    class Meta:
        db_table = "total_by_hour"

    def __str__(self) -> str:
        return f"{self.hour} {self.broker_code} {self.symbol}"


class TotalByDay(Totals):
    """Per day, broker and trader: who is active, and how much."""

    pk = models.CompositePrimaryKey("broker_code", "day", "trader")
    day = models.DateField()
    broker_code = models.PositiveIntegerField()
    trader = models.BigIntegerField()

    class Meta:
        db_table = "total_by_day"

    def __str__(self) -> str:
        return f"{self.day} {self.broker_code} {self.trader}"


class TotalByMonth(Totals):
    """Per month, broker and market: what open pages ask for each second. In slots, like the tally."""

    pk = models.CompositePrimaryKey("month", "broker_code", "market", "slot")
    month = models.DateField()
    broker_code = models.PositiveIntegerField()
    market = models.TextField(choices=Market)
    slot = models.SmallIntegerField()
    #: When the latest fill of the slot was executed.
    latest_executed_at = models.DateTimeField()

    class Meta:
        db_table = "total_by_month"

    def __str__(self) -> str:
        return f"{self.month} {self.broker_code} {self.market}"
