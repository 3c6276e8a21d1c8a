"""What the database itself knows of standing, accounts and final states. Never edited once landed."""

RANGES = """
-- Cancelled suspensions are empty ranges, which overlap nothing. A range of one code stands for "the same code":
-- so no extension is needed that the owner of a database may not be allowed to install.
ALTER TABLE standing_range
    ADD CONSTRAINT standing_range_ends_after_it_starts CHECK (ends_at >= starts_at),
    ADD CONSTRAINT standing_range_kind_is_known CHECK (kind IN ('suspended', 'terminated')),
    ADD CONSTRAINT standing_range_terminated_for_ever CHECK (kind <> 'terminated' OR ends_at IS NULL),
    ADD COLUMN during tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(starts_at, ends_at)) STORED,
    ADD CONSTRAINT standing_ranges_do_not_overlap
        EXCLUDE USING gist (int4range(broker_id, broker_id, '[]') WITH =, during WITH &&);
REVOKE ALL ON standing_range FROM portal_app;
GRANT SELECT ON standing_range TO portal_app;

CREATE FUNCTION keep_standing_ranges() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    enrolled timestamptz := (SELECT min(enrolled_at) FROM broker WHERE code = NEW.broker_id);
    gone timestamptz;
    approved timestamptz;
    lifted standing_range;
BEGIN
    -- Saves work: without it the constraint refuses whom this lets wait.
    PERFORM pg_advisory_xact_lock(7230031, NEW.broker_id);
    IF NEW.case_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM desk_case WHERE id = NEW.case_id AND broker_id = NEW.broker_id) THEN
        RAISE EXCEPTION 'a change of standing belongs to a case of the same broker' USING ERRCODE = 'check_violation';
    END IF;
    SELECT starts_at INTO gone FROM standing_range WHERE broker_id = NEW.broker_id AND kind = 'terminated';
    IF NEW.kind = 'suspended' THEN
        IF NEW.effective_at < enrolled THEN
            RAISE EXCEPTION 'a suspension does not begin before the enrolment' USING ERRCODE = 'check_violation';
        END IF;
        IF gone IS NOT NULL AND NEW.effective_at >= gone THEN
            RAISE EXCEPTION 'a suspension begins before the termination' USING ERRCODE = 'check_violation';
        END IF;
        SELECT max((month_run.month + interval '1 month') AT TIME ZONE 'UTC') INTO approved
            FROM payout JOIN month_run ON month_run.id = payout.run_id
            WHERE payout.broker_id = NEW.broker_id AND payout.approved_at IS NOT NULL;
        IF NEW.effective_at < approved THEN
            RAISE EXCEPTION 'a suspension does not begin before the end of the last approved month'
                USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO standing_range (change_id, broker_id, kind, starts_at, ends_at)
            VALUES (NEW.id, NEW.broker_id, 'suspended', NEW.effective_at, gone);
    ELSIF NEW.kind = 'lifted' THEN
        SELECT * INTO lifted FROM standing_range
            WHERE change_id = NEW.ends_id AND broker_id = NEW.broker_id AND kind = 'suspended' FOR UPDATE;
        IF lifted.change_id IS NULL THEN
            RAISE EXCEPTION 'a lifting ends a suspension of the same broker' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.effective_at < lifted.starts_at OR NEW.effective_at >= gone THEN
            RAISE EXCEPTION 'a suspension is lifted after its start and before a termination'
                USING ERRCODE = 'check_violation';
        END IF;
        UPDATE standing_range SET ends_at = NEW.effective_at WHERE change_id = lifted.change_id;
    ELSIF NEW.kind = 'terminated' THEN
        IF NEW.effective_at < enrolled THEN
            RAISE EXCEPTION 'a termination does not begin before the enrolment' USING ERRCODE = 'check_violation';
        END IF;
        -- A suspension under way ends where the termination begins; one that would begin later contradicts it.
        UPDATE standing_range SET ends_at = NEW.effective_at
            WHERE broker_id = NEW.broker_id AND kind = 'suspended' AND starts_at < NEW.effective_at
                AND (ends_at IS NULL OR ends_at > NEW.effective_at);
        INSERT INTO standing_range (change_id, broker_id, kind, starts_at)
            VALUES (NEW.id, NEW.broker_id, 'terminated', NEW.effective_at);
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION keep_standing_ranges() FROM PUBLIC;
CREATE TRIGGER standing_change_makes_ranges AFTER INSERT ON standing_change
    FOR EACH ROW EXECUTE FUNCTION keep_standing_ranges();
CREATE TRIGGER standing_range_is_kept BEFORE DELETE ON standing_range
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER standing_range_is_not_emptied BEFORE TRUNCATE ON standing_range
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

#: Fills of an hour are found by time, at next to no cost for who adds them.
FILLS_BY_TIME = "CREATE INDEX fill_by_time ON fill USING brin (executed_at) WITH (autosummarize = on);"

ACCOUNT = """
GRANT UPDATE (account_id) ON broker TO portal_app;
CREATE FUNCTION account_follows_its_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM account_change AS latest
        WHERE latest.broker_id = OLD.code AND latest.state = 'applied'
            AND latest.old_account_id = OLD.account_id AND latest.new_account_id = NEW.account_id
            AND NOT EXISTS (SELECT FROM account_change AS later WHERE later.broker_id = OLD.code
                            AND later.state = 'applied' AND later.applied_at > latest.applied_at)
    ) THEN
        RAISE EXCEPTION 'the account of a broker follows a change that was asked for, confirmed and waited for'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM broker AS other WHERE other.account_id = NEW.account_id AND other.code <> OLD.code)
    THEN
        RAISE EXCEPTION 'the account belongs to another broker' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION account_follows_its_change() FROM PUBLIC;
CREATE TRIGGER broker_account_follows_its_change BEFORE UPDATE OF account_id ON broker
    FOR EACH ROW WHEN (OLD.account_id IS DISTINCT FROM NEW.account_id)
    EXECUTE FUNCTION account_follows_its_change();
"""

HOLDS = """
CREATE FUNCTION hold_is_of_one_broker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT broker_id FROM payout WHERE id = NEW.payout_id)
        IS DISTINCT FROM (SELECT broker_id FROM desk_case WHERE id = NEW.case_id) THEN
        RAISE EXCEPTION 'a case holds payouts of its own broker' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payout_hold_is_of_one_broker AFTER INSERT ON payout_hold
    FOR EACH ROW EXECUTE FUNCTION hold_is_of_one_broker();
"""

#: What is decided stays decided.
FINAL = """
CREATE FUNCTION refuse_to_reopen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is decided: it stays %', TG_TABLE_NAME, OLD.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER desk_termination_stays_decided BEFORE UPDATE ON desk_termination
    FOR EACH ROW WHEN (OLD.state <> 'prepared') EXECUTE FUNCTION refuse_to_reopen();
CREATE TRIGGER desk_appeal_stays_decided BEFORE UPDATE ON desk_appeal
    FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION refuse_to_reopen();
CREATE TRIGGER account_change_stays_decided BEFORE UPDATE ON account_change
    FOR EACH ROW WHEN (OLD.state IN ('applied', 'cancelled', 'refused'))
    EXECUTE FUNCTION refuse_to_reopen();
"""
