"""What the database itself knows of statements. Never edited once landed."""

STATEMENTS = """
-- Not one number is left out: the one before is there, of the same broker, and stays.
ALTER TABLE statement ADD CONSTRAINT statement_number_follows_another
    FOREIGN KEY (broker_id, previous_number) REFERENCES statement (broker_id, number);
ALTER TABLE statement ADD CONSTRAINT statement_due_is_whole_cents
    CHECK (due = round(due, 2) AND due > '-Infinity' AND due < 'Infinity');

CREATE FUNCTION statement_is_of_its_payout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM payout JOIN month_run ON month_run.id = payout.run_id
        WHERE payout.id = NEW.payout_id AND payout.approved_at IS NOT NULL
            AND payout.broker_id = NEW.broker_id AND payout.due = NEW.due AND month_run.month = NEW.month
    ) THEN
        RAISE EXCEPTION 'a statement says what was approved of its broker and month'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statement_is_of_its_payout BEFORE INSERT ON statement
    FOR EACH ROW EXECUTE FUNCTION statement_is_of_its_payout();

CREATE FUNCTION approved_payout_has_its_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM statement WHERE payout_id = NEW.id) THEN
        RAISE EXCEPTION 'a payout is approved together with its statement' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payout_is_approved_with_its_statement AFTER UPDATE ON payout
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.approved_at IS NULL AND NEW.approved_at IS NOT NULL)
    EXECUTE FUNCTION approved_payout_has_its_statement();

CREATE FUNCTION face_is_its_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of statement_face;
    bytes bytea;
BEGIN
    IF TG_TABLE_NAME = 'statement_part' THEN
        SELECT * INTO of FROM statement_face WHERE id = NEW.face_id;
        -- One look at the whole is enough: the last part's.
        IF EXISTS (SELECT FROM statement_part WHERE face_id = NEW.face_id AND number > NEW.number) THEN
            RETURN NULL;
        END IF;
    ELSE
        of := NEW;
    END IF;
    SELECT string_agg(content, ''::bytea ORDER BY number) INTO bytes FROM statement_part WHERE face_id = of.id;
    IF bytes IS NULL OR octet_length(bytes) <> of.size OR encode(sha256(bytes), 'hex') <> of.sha256 THEN
        RAISE EXCEPTION 'the bytes of a statement are those of its SHA-256' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER statement_face_is_its_bytes AFTER INSERT ON statement_face
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION face_is_its_bytes();
CREATE CONSTRAINT TRIGGER statement_part_is_of_its_face AFTER INSERT ON statement_part
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION face_is_its_bytes();

CREATE FUNCTION statement_has_its_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM statement_face WHERE statement_id = NEW.id AND kind = 'json') THEN
        RAISE EXCEPTION 'a statement is issued together with its document' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER statement_is_issued_with_its_document AFTER INSERT ON statement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION statement_has_its_document();

-- Bytes that are compressed already gain nothing by another attempt.
ALTER TABLE statement_part ALTER COLUMN content SET STORAGE EXTERNAL;
"""
