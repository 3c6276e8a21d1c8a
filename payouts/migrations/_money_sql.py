"""What the database itself knows of money: approvals, the ledger, acts of two people, credits. Never edited once landed."""

LEDGER = """
-- Whole cents by refusal, not by silent rounding.
ALTER TABLE ledger_entry ALTER COLUMN amount TYPE numeric;
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_is_whole_cents
    CHECK (amount = round(amount, 2) AND amount > '-Infinity' AND amount < 'Infinity');

CREATE FUNCTION ledger_transaction_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of ledger_transaction;
    total numeric;
    accounts text;
    wanted text[];
BEGIN
    IF TG_TABLE_NAME = 'ledger_entry' THEN
        SELECT * INTO of FROM ledger_transaction WHERE id = NEW.transaction_id;
        IF NEW.broker_id IS DISTINCT FROM of.broker_id THEN
            RAISE EXCEPTION 'an entry belongs to the broker of its transaction' USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        of := NEW;
    END IF;
    SELECT coalesce(sum(amount), 0), coalesce(string_agg(account, '+' ORDER BY account), '')
        INTO total, accounts FROM ledger_entry WHERE transaction_id = of.id;
    IF total <> 0 OR accounts = '' THEN
        RAISE EXCEPTION 'a ledger transaction sums to zero' USING ERRCODE = 'check_violation';
    END IF;
    wanted := CASE of.kind
        WHEN 'accrual' THEN ARRAY['owed+rebates']
        WHEN 'correction' THEN ARRAY['owed+rebates']
        WHEN 'adjustment' THEN ARRAY['owed+rebates']
        WHEN 'hold' THEN ARRAY['held+owed']
        WHEN 'release' THEN ARRAY['held+owed']
        WHEN 'forfeit' THEN ARRAY['held+rebates', 'owed+rebates']
        WHEN 'credit' THEN ARRAY['credited+owed']
    END;
    IF of.kind <> 'reversal' AND NOT accounts = ANY (wanted) THEN
        RAISE EXCEPTION '% moves no money between %', of.kind, accounts USING ERRCODE = 'check_violation';
    END IF;
    IF of.kind = 'reversal' AND (
        EXISTS (SELECT account, -amount FROM ledger_entry WHERE transaction_id = of.reverses_id
                EXCEPT SELECT account, amount FROM ledger_entry WHERE transaction_id = of.id)
        OR EXISTS (SELECT account, amount FROM ledger_entry WHERE transaction_id = of.id
                   EXCEPT SELECT account, -amount FROM ledger_entry WHERE transaction_id = of.reverses_id)
        OR of.broker_id IS DISTINCT FROM (SELECT broker_id FROM ledger_transaction WHERE id = of.reverses_id)
        OR 'reversal' = (SELECT kind FROM ledger_transaction WHERE id = of.reverses_id)
    ) THEN
        RAISE EXCEPTION 'a reversal mirrors its transaction' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_transaction_balances();
CREATE CONSTRAINT TRIGGER ledger_transactions_balance AFTER INSERT ON ledger_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_transaction_balances();
"""

APPROVAL = """
CREATE FUNCTION payout_goes_its_way() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_month date := (SELECT month FROM month_run WHERE id = OLD.run_id);
BEGIN
    IF OLD.approved_at IS NOT NULL AND (to_jsonb(OLD) - 'state' - 'withheld')
        IS DISTINCT FROM (to_jsonb(NEW) - 'state' - 'withheld') THEN
        RAISE EXCEPTION 'an approved payout is never edited' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.withheld < OLD.withheld OR (NEW.withheld > OLD.withheld AND OLD.state <> 'approved') THEN
        RAISE EXCEPTION 'only a release withholds, and never gives back' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.run_id <> OLD.run_id OR NEW.broker_id <> OLD.broker_id THEN
        RAISE EXCEPTION 'a payout keeps its month and broker' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('calculated', 'prepared'), ('calculated', 'parked'), ('parked', 'calculated'),
        ('prepared', 'calculated'), ('prepared', 'parked'),
        ('prepared', 'approved'), ('prepared', 'nil'), ('prepared', 'carried'),
        ('approved', 'sending'), ('approved', 'forfeited'), ('approved', 'carried'),
        ('sending', 'credited'), ('sending', 'approved')
    ) THEN
        RAISE EXCEPTION 'a payout does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.approved_at IS NULL AND NEW.approved_at IS NOT NULL THEN
        IF NEW.digest <> OLD.digest OR NEW.prepared_by_id IS DISTINCT FROM OLD.prepared_by_id
            OR (to_jsonb(OLD) - 'state' - 'approved_at' - 'approved_by_id')
               IS DISTINCT FROM (to_jsonb(NEW) - 'state' - 'approved_at' - 'approved_by_id') THEN
            RAISE EXCEPTION 'what is approved is what was prepared' USING ERRCODE = 'check_violation';
        END IF;
        IF EXISTS (SELECT FROM payout_bound AS bound WHERE bound.payout_id = NEW.id AND NOT EXISTS (
                SELECT FROM bound_acknowledgement AS said WHERE said.payout_id = NEW.id
                    AND said.name = bound.name AND said.value = bound.value)) THEN
            RAISE EXCEPTION 'a bound of the payout is not acknowledged' USING ERRCODE = 'check_violation';
        END IF;
        IF EXISTS (SELECT FROM payout AS earlier JOIN month_run ON month_run.id = earlier.run_id
                   WHERE earlier.broker_id = NEW.broker_id AND month_run.month < of_month
                       AND earlier.approved_at IS NULL) THEN
            RAISE EXCEPTION 'payouts of a broker are approved in the order of their months'
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF NEW.state = 'sending' AND OLD.state <> 'sending' AND NOT EXISTS (
            SELECT FROM credit_attempt WHERE payout_id = NEW.id AND state IN ('pending', 'sending', 'unknown')) THEN
        RAISE EXCEPTION 'nothing is sending the payout' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state = 'sending' AND NEW.state = 'approved' AND EXISTS (
            SELECT FROM credit_attempt WHERE payout_id = NEW.id AND state <> 'rejected') THEN
        RAISE EXCEPTION 'an attempt that is not proved rejected is under way' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'credited' AND OLD.state <> 'credited' AND NOT EXISTS (
            SELECT FROM credit_attempt WHERE payout_id = NEW.id AND state = 'confirmed') THEN
        RAISE EXCEPTION 'a payout is credited by a confirmed attempt' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_goes_its_way BEFORE UPDATE ON payout
    FOR EACH ROW EXECUTE FUNCTION payout_goes_its_way();

CREATE FUNCTION payout_begins_calculated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a payout begins as calculated or parked' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER payout_begins_calculated BEFORE INSERT ON payout
    FOR EACH ROW WHEN (NEW.state NOT IN ('calculated', 'parked')) EXECUTE FUNCTION payout_begins_calculated();

-- The foreign key of lines, and what keeps those of an approved payout as they are: once a statement.
CREATE OR REPLACE FUNCTION refuse_orphan_lines() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT payout_id FROM added) AS lines
               LEFT JOIN payout ON payout.id = lines.payout_id WHERE payout.id IS NULL) THEN
        RAISE EXCEPTION 'a line belongs to no payout' USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT payout_id FROM added) AS lines
               JOIN payout ON payout.id = lines.payout_id WHERE payout.approved_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the lines of an approved payout stay as they are' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION approved_payouts_keep_what_they_have() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT payout_id FROM changed) AS rows
               JOIN payout ON payout.id = rows.payout_id WHERE payout.approved_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the % of an approved payout stays as it is', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payout_line_stays_when_approved AFTER DELETE ON payout_line
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION approved_payouts_keep_what_they_have();
CREATE TRIGGER payout_correction_stays_when_approved AFTER DELETE ON payout_correction
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION approved_payouts_keep_what_they_have();
CREATE TRIGGER payout_correction_is_not_added_when_approved AFTER INSERT ON payout_correction
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION approved_payouts_keep_what_they_have();
CREATE TRIGGER payout_bound_stays_when_approved AFTER DELETE ON payout_bound
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION approved_payouts_keep_what_they_have();
CREATE TRIGGER payout_bound_is_not_added_when_approved AFTER INSERT ON payout_bound
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION approved_payouts_keep_what_they_have();
CREATE FUNCTION approved_corrections_keep_their_lines() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT correction_id FROM changed) AS rows
               JOIN payout_correction ON payout_correction.id = rows.correction_id
               JOIN payout ON payout.id = payout_correction.payout_id WHERE payout.approved_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the corrections of an approved payout stay as they are' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER correction_line_stays_when_approved AFTER DELETE ON correction_line
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION approved_corrections_keep_their_lines();
CREATE TRIGGER correction_line_is_not_added_when_approved AFTER INSERT ON correction_line
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION approved_corrections_keep_their_lines();
"""

#: Replaced as a whole by each calculation, edited by none.
REPLACED = """
CREATE TRIGGER {table}_is_not_edited BEFORE UPDATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
REVOKE ALL ON {table} FROM portal_app;
GRANT SELECT, INSERT, DELETE ON {table} TO portal_app;
"""

HOLDS = """
CREATE FUNCTION hold_comes_before_sending() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_state text;
BEGIN
    SELECT state INTO its_state FROM payout WHERE id = NEW.payout_id FOR UPDATE;
    IF its_state NOT IN ('calculated', 'parked', 'prepared', 'approved') THEN
        RAISE EXCEPTION 'a payout that is % is past holding', its_state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_hold_comes_before_sending BEFORE INSERT ON payout_hold
    FOR EACH ROW EXECUTE FUNCTION hold_comes_before_sending();

CREATE FUNCTION release_is_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM payout_hold AS held
        JOIN money_proposal AS act ON act.id = NEW.proposal_id AND act.payout_id = held.payout_id
        JOIN payout ON payout.id = held.payout_id
        WHERE held.id = NEW.hold_id AND act.state = 'confirmed' AND payout.approved_at IS NOT NULL
            AND ((act.kind = 'release' AND act.hold_id = held.id AND act.mode = NEW.mode)
                 OR (act.kind = 'forfeit' AND NEW.mode = 'forfeited'))
    ) THEN
        RAISE EXCEPTION 'a hold ends by an act that two people confirmed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payout_release_is_confirmed BEFORE INSERT ON payout_release
    FOR EACH ROW EXECUTE FUNCTION release_is_confirmed();
"""

ACTS = """
CREATE TRIGGER money_proposal_stays_decided BEFORE UPDATE ON money_proposal
    FOR EACH ROW WHEN (OLD.state <> 'prepared') EXECUTE FUNCTION refuse_to_reopen();

CREATE FUNCTION adjustment_is_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM money_proposal AS act WHERE act.id = NEW.proposal_id AND act.kind = 'adjust'
                   AND act.state = 'confirmed' AND act.broker_id = NEW.broker_id
                   AND act.amount = NEW.amount AND act.text = NEW.text) THEN
        RAISE EXCEPTION 'an adjustment is what two people confirmed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER adjustment_is_confirmed BEFORE INSERT ON adjustment
    FOR EACH ROW EXECUTE FUNCTION adjustment_is_confirmed();

CREATE FUNCTION void_is_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM money_proposal AS act
                   JOIN proposed_void AS wanted ON wanted.proposal_id = act.id AND wanted.fill_id = NEW.fill_id
                        AND wanted.executed_at = NEW.executed_at
                   WHERE act.id = NEW.proposal_id AND act.kind = 'void' AND act.state = 'confirmed'
                        AND act.broker_id = NEW.broker_code)
       OR NOT EXISTS (SELECT FROM fill WHERE fill.id = NEW.fill_id AND fill.executed_at = NEW.executed_at
                   AND fill.broker_code = NEW.broker_code AND fill.trader = NEW.trader
                   AND fill.market = NEW.market AND fill.fee_rate = NEW.fee_rate
                   AND fill.affiliate_rate = NEW.affiliate_rate AND fill.fee = NEW.fee
                   AND fill.price * fill.quantity = NEW.volume AND fill.batch_id = NEW.batch_id) THEN
        RAISE EXCEPTION 'a fill is voided as two people confirmed, and as it was' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fill_void_is_confirmed BEFORE INSERT ON fill_void
    FOR EACH ROW EXECUTE FUNCTION void_is_confirmed();

CREATE FUNCTION proposed_void_is_prepared() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM money_proposal AS act WHERE act.id = NEW.proposal_id AND act.kind = 'void'
                   AND act.state = 'prepared') THEN
        RAISE EXCEPTION 'fills are named before an act is confirmed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER proposed_void_is_prepared BEFORE INSERT ON proposed_void
    FOR EACH ROW EXECUTE FUNCTION proposed_void_is_prepared();
"""

CREDITS = """
CREATE FUNCTION credit_may_be_sent() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of payout;
    its_broker broker;
    at timestamptz := coalesce(NEW.sent_at, NEW.created_at);
BEGIN
    -- A suspension under way is waited for: whoever is first decides.
    PERFORM pg_advisory_xact_lock(7230031, payout.broker_id) FROM payout WHERE payout.id = NEW.payout_id;
    SELECT * INTO of FROM payout WHERE id = NEW.payout_id FOR UPDATE;
    SELECT * INTO its_broker FROM broker WHERE code = of.broker_id;
    IF of.state NOT IN ('approved', 'sending') OR of.approved_at IS NULL THEN
        RAISE EXCEPTION 'only an approved payout is sent' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.amount <> of.due - of.withheld THEN
        RAISE EXCEPTION 'what is sent is what was approved' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.account_id <> of.account_id AND NOT (
        NEW.account_id = its_broker.account_id
        AND EXISTS (SELECT FROM account_change AS changed WHERE changed.broker_id = of.broker_id
                    AND changed.state = 'applied' AND changed.new_account_id = NEW.account_id)
    ) THEN
        RAISE EXCEPTION 'money goes to the account of the payout, or to one it was duly changed to'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM payout_hold AS held WHERE held.payout_id = of.id
               AND NOT EXISTS (SELECT FROM payout_release WHERE hold_id = held.id)) THEN
        RAISE EXCEPTION 'a held payout is not sent' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM standing_range AS stopped WHERE stopped.broker_id = of.broker_id
               AND stopped.starts_at <= at AND (stopped.ends_at IS NULL OR stopped.ends_at > at)
               AND (stopped.kind = 'suspended'
                    OR NOT EXISTS (SELECT FROM standing_change AS ended
                                   JOIN payout_hold AS held ON held.case_id = ended.case_id AND held.payout_id = of.id
                                   JOIN payout_release ON payout_release.hold_id = held.id
                                   WHERE ended.id = stopped.change_id))) THEN
        RAISE EXCEPTION 'nothing is sent to a broker that is stopped' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM credit_difference AS open WHERE open.state = 'open'
               AND (open.broker_id IS NULL OR open.broker_id = of.broker_id)) THEN
        RAISE EXCEPTION 'a difference with the exchange is open' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_attempt_may_be_made BEFORE INSERT ON credit_attempt
    FOR EACH ROW EXECUTE FUNCTION credit_may_be_sent();
CREATE TRIGGER credit_attempt_may_be_sent BEFORE UPDATE ON credit_attempt
    FOR EACH ROW WHEN (OLD.state = 'pending' AND NEW.state = 'sending') EXECUTE FUNCTION credit_may_be_sent();

CREATE FUNCTION attempt_goes_its_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('confirmed', 'rejected') THEN
        RAISE EXCEPTION 'an attempt that is % stays so', OLD.state USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.key, NEW.payout_id, NEW.number, NEW.account_id, NEW.amount, NEW.created_at)
        IS DISTINCT FROM (OLD.key, OLD.payout_id, OLD.number, OLD.account_id, OLD.amount, OLD.created_at) THEN
        RAISE EXCEPTION 'an attempt keeps its key, account and amount' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.sent_at IS NOT NULL AND NEW.sent_at IS DISTINCT FROM OLD.sent_at THEN
        RAISE EXCEPTION 'when an attempt was first sent stays' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.fence < OLD.fence THEN
        RAISE EXCEPTION 'a fence never goes back' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.decided_by_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM money_proposal AS act WHERE act.id = NEW.decided_by_id AND act.kind = 'resolve'
            AND act.state = 'confirmed' AND act.attempt_id = NEW.id) THEN
        RAISE EXCEPTION 'two people resolve an unknown credit' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_attempt_goes_its_way BEFORE UPDATE ON credit_attempt
    FOR EACH ROW EXECUTE FUNCTION attempt_goes_its_way();

CREATE FUNCTION difference_is_resolved_by_two() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'resolved' THEN
        RAISE EXCEPTION 'a difference that is resolved stays so' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'resolved' AND NOT EXISTS (
            SELECT FROM money_proposal AS act WHERE act.id = NEW.resolved_by_id AND act.kind = 'difference'
            AND act.state = 'confirmed' AND act.difference_id = NEW.id) THEN
        RAISE EXCEPTION 'two people resolve a difference' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_difference_is_resolved_by_two BEFORE UPDATE ON credit_difference
    FOR EACH ROW EXECUTE FUNCTION difference_is_resolved_by_two();
"""

#: Payouts from before: their terms are their run's, and each is calculated again with a watermark.
TERMS_OF_OLD_PAYOUTS = """
UPDATE payout SET terms = month_run.terms FROM month_run WHERE month_run.id = payout.run_id;
"""
ITEMS_OF_OLD_RUNS = """
INSERT INTO run_item (run_id, broker_id, state, fence, attempts, reason, next_step, changed_at)
    SELECT run_id, broker_id, 'due', 0, 0, '', '', now() FROM payout;
"""
