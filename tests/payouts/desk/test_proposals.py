"""What every act about money has in common: one prepares, another confirms what was shown, exactly once."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payouts.desk import proposal_queries, proposals
from payouts.desk.evidence import NotAFile, SameFile
from payouts.desk.proposals import (
    AlreadyDecided,
    AlreadyPrepared,
    Changed,
    NoSuchProposal,
    OwnProposal,
)
from payouts.desk.wording import NotSaid
from payouts.models import Adjustment, Broker, Proposal, ProposalFile
from tests import make
from tests.payouts import owner
from tests.payouts.desk.case_making import paper
from tests.payouts.desk.money_acts import ACTS, LATER, NOON, booked, confirm, pia, prepare, quentin, row
from tests.payouts.desk.standing_acts import person
from tests.payouts.desk.test_standing_races import all_at_once, outcomes
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ANOTHERS_ROW,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)

#: What each kind of act needs to be prepared, for a broker with an approved payout that a case held once.
KINDS = ["release", "forfeit", "void", "adjust"]


@pytest.fixture
def broker() -> Broker:
    return make.broker()


def given(kind: str, broker: Broker) -> dict[str, Any]:
    """What preparing an act of this kind needs; makes it possible."""
    from payouts.desk import hold
    from payouts.desk.void import Selection
    from payouts.models import PayoutHold

    if kind == "adjust":
        return {"broker_code": broker.code, "amount": Decimal("12.50")}
    if kind == "void":
        make.fills(make.record())
        return {"broker_code": broker.code, "selection": Selection(trader=7)}
    payout = row(broker, "30.50")
    if kind == "forfeit":
        return {"payout_id": payout.pk}
    suspension = make.suspended(broker, NOON)
    hold.hold_due(now=NOON)
    make.lifted(suspension, LATER)
    return {"hold_id": PayoutHold.objects.get().pk, "mode": "in full", "now": LATER}


@pytest.mark.django_db
class TestEveryKind:
    @pytest.mark.parametrize("kind", KINDS)
    def test_another_person_confirms_it(self, broker: Broker, kind: str) -> None:
        made = prepare(kind, **given(kind, broker))

        confirm(made)

        made.refresh_from_db()
        assert (made.state, made.prepared_by_id, made.decided_by_id) == ("confirmed", pia(), quentin())
        assert made.decided_at == LATER

    @pytest.mark.parametrize("kind", KINDS)
    def test_who_prepared_it_does_not_confirm_it(self, broker: Broker, kind: str) -> None:
        made = prepare(kind, **given(kind, broker))
        before = booked(broker)

        with pytest.raises(OwnProposal, match="another person"):
            confirm(made, by=pia())

        made.refresh_from_db()
        assert (made.state, booked(broker)) == ("prepared", before)

    @pytest.mark.parametrize("kind", KINDS)
    def test_it_is_confirmed_once(self, broker: Broker, kind: str) -> None:
        made = prepare(kind, **given(kind, broker))
        shown = ACTS[kind].shown(made.pk)
        confirm(made)
        before = booked(broker)

        with pytest.raises(AlreadyDecided, match="confirmed already"):
            ACTS[kind].confirm(proposal_id=made.pk, shown=shown, by=quentin(), now=LATER)

        assert booked(broker) == before

    @pytest.mark.parametrize("kind", KINDS)
    def test_only_what_was_shown_is_confirmed(self, broker: Broker, kind: str) -> None:
        made = prepare(kind, **given(kind, broker))

        with pytest.raises(Changed, match="since this page was made"):
            ACTS[kind].confirm(proposal_id=made.pk, shown="0" * 64, by=quentin(), now=LATER)

        made.refresh_from_db()
        assert made.state == "prepared"

    @pytest.mark.parametrize("kind", KINDS)
    def test_only_what_was_prepared_is_confirmed(self, broker: Broker, kind: str) -> None:
        """Both pages show the same, but not what the first person saw."""
        made = prepare(kind, **given(kind, broker))
        _add_a_document(made)

        with pytest.raises(Changed, match="prepare it anew"):
            confirm(made)

    @pytest.mark.parametrize("kind", KINDS)
    def test_it_is_withdrawn_by_whoever_prepared_it_and_done_no_more(self, broker: Broker, kind: str) -> None:
        made = prepare(kind, **given(kind, broker))
        shown, before = ACTS[kind].shown(made.pk), booked(broker)

        proposals.withdraw(proposal_id=made.pk, note="the wrong one", by=pia(), now=LATER)

        made.refresh_from_db()
        assert (made.state, made.decided_by_id, made.decided_at) == ("withdrawn", pia(), LATER)
        assert proposal_queries.withdrawn_because(made.pk) == "the wrong one"
        with pytest.raises(AlreadyDecided, match="withdrawn already"):
            ACTS[kind].confirm(proposal_id=made.pk, shown=shown, by=quentin(), now=LATER)
        with pytest.raises(AlreadyDecided):
            ACTS[kind].shown(made.pk)
        with pytest.raises(AlreadyDecided):
            proposals.withdraw(proposal_id=made.pk, note="again", by=pia(), now=LATER)
        assert booked(broker) == before

    @pytest.mark.parametrize("kind", KINDS)
    def test_one_kind_is_not_confirmed_as_another(self, broker: Broker, kind: str) -> None:
        made = prepare(kind, **given(kind, broker))

        for other in set(KINDS) - {kind}:
            with pytest.raises(NoSuchProposal):
                ACTS[other].confirm(proposal_id=made.pk, shown=made.digest, by=quentin(), now=LATER)
        with pytest.raises(NoSuchProposal):
            ACTS[kind].shown(made.pk + 1)

    @pytest.mark.parametrize("kind", ["release", "forfeit"])
    def test_what_waits_for_its_second_person_is_not_prepared_again(self, broker: Broker, kind: str) -> None:
        of = given(kind, broker)
        made = prepare(kind, **of)

        with pytest.raises(AlreadyPrepared, match="withdraw it first"):
            prepare(kind, **of)

        proposals.withdraw(proposal_id=made.pk, note="the wrong one", by=pia(), now=LATER)
        assert prepare(kind, **of).state == "prepared"

    @pytest.mark.parametrize("kind", KINDS)
    def test_it_says_why(self, broker: Broker, kind: str) -> None:
        of = given(kind, broker)
        if kind == "adjust":
            of |= {"text": "Agreed", "evidence": [paper()]}

        with pytest.raises(NotSaid):
            ACTS[kind].prepare(note=" ", by=pia(), **({"now": NOON} | of))

        assert Proposal.objects.count() == 0

    @pytest.mark.parametrize("kind", KINDS)
    def test_its_documents_stay_with_it_and_are_part_of_what_is_shown(
        self, broker: Broker, kind: str
    ) -> None:
        files = [paper(b"%PDF-1", "a.pdf"), paper(b"%PDF-2", "b.pdf")]
        made = prepare(kind, **given(kind, broker), evidence=files)
        found = proposal_queries.act(made.pk)

        assert found is not None
        assert [(each.name, each.size) for each in found.documents] == [("a.pdf", 6), ("b.pdf", 6)]
        handed = proposal_queries.bytes_of(found.documents[1].reference)
        assert handed is not None
        assert (handed.content, handed.broker_code, handed.proposal_id) == (b"%PDF-2", 1400, made.pk)
        shown = ACTS[kind].shown(made.pk)
        assert shown == made.digest
        _add_a_document(made)
        assert ACTS[kind].shown(made.pk) != shown

    @pytest.mark.parametrize(
        ("files", "refusal"),
        [([paper(), paper()], SameFile), ([paper(b"")], NotAFile)],
    )
    def test_what_is_no_document_is_refused_and_nothing_is_kept(
        self, broker: Broker, files: Any, refusal: Any
    ) -> None:
        with pytest.raises(refusal):
            prepare("adjust", broker_code=1400, amount=Decimal(1), evidence=files)

        assert Proposal.objects.count() == 0

    def test_lists_show_what_waits(self, broker: Broker) -> None:
        first = prepare("adjust", broker_code=1400, amount=Decimal("1.00"))
        second = prepare("adjust", broker_code=1400, amount=Decimal("2.00"))
        confirm(first)

        assert [each.id for each in proposal_queries.acts(broker_code=1400)] == [second.pk, first.pk]
        assert [each.id for each in proposal_queries.acts(waiting=True)] == [second.pk]
        assert proposal_queries.acts(kinds=["void"]) == []
        assert proposal_queries.acts(broker_code=1500) == []
        assert proposal_queries.act(second.pk + 1) is None
        [row] = proposal_queries.adjustments_of(1400)
        assert (row.amount, row.text, row.shown_month) == (Decimal("1.00"), "Agreed in writing", None)


def _add_a_document(made: Proposal) -> None:
    """Something of what its page shows is not as it was."""
    ProposalFile.objects.create(
        proposal=made,
        name="c.pdf",
        media_type="application/pdf",
        size=1,
        sha256="1",
        content=b"1",
        uploaded_by_id=pia(),
        uploaded_at=NOON,
    )


# -- what the database refuses whoever asks ---------------------------------------------------


@pytest.fixture
def waiting(committed_db: str) -> Proposal:
    return prepare("adjust", broker_code=make.broker().code, amount=Decimal("12.50"))


def test_the_database_refuses_who_prepared_it(waiting: Proposal) -> None:
    with pytest.raises(IntegrityError, match="another_person_confirms_a_proposal"), transaction.atomic():
        Proposal.objects.update(state="confirmed", decided_by=pia(), decided_at=LATER)


def test_without_the_check_it_would_be_confirmed_by_one(waiting: Proposal) -> None:
    """Twin."""
    with owner.connected() as hand:
        hand.execute("ALTER TABLE money_proposal DROP CONSTRAINT another_person_confirms_a_proposal")

    Proposal.objects.update(state="confirmed", decided_by=pia(), decided_at=LATER)

    assert Proposal.objects.get().state == "confirmed"


def test_what_is_decided_stays_decided(waiting: Proposal) -> None:
    confirm(waiting)

    with pytest.raises(IntegrityError, match="money_proposal is decided"), transaction.atomic():
        Proposal.objects.update(state="prepared", decided_by=None, decided_at=None)


# -- races ------------------------------------------------------------------------------------


def test_of_many_who_confirm_at_once_one_does(waiting: Proposal) -> None:
    act, shown = ACTS["adjust"], ACTS["adjust"].shown(waiting.pk)
    people = [person(name) for name in ("quentin", "rita", "sven", "tina", "uwe")]

    found = all_at_once(
        [
            lambda by=by: act.confirm(proposal_id=waiting.pk, shown=shown, by=by, now=LATER)  # type: ignore[misc]
            for by in people * 2
        ]
    )

    assert sorted(type(each).__name__ for each in found) == ["Adjustment"] + ["AlreadyDecided"] * 9
    assert [kind for kind, _, _ in booked(waiting.broker)] == ["adjustment"]  # type: ignore[arg-type]


def test_a_confirmation_and_a_withdrawal_at_once_are_one_of_them(waiting: Proposal) -> None:
    shown, by, other = ACTS["adjust"].shown(waiting.pk), quentin(), pia()

    def withdraw() -> str:
        proposals.withdraw(proposal_id=waiting.pk, note="no", by=other, now=LATER)
        return "withdrawn"

    with side_by_side() as begin, gate_before_writing("money_proposal"):
        begun = [
            begin(lambda: ACTS["adjust"].confirm(proposal_id=waiting.pk, shown=shown, by=by, now=LATER)),
            begin(withdraw),
        ]
        until_waiting(1, AT_THE_GATE)
        until_waiting(1, FOR_ANOTHERS_ROW)

    waiting.refresh_from_db()
    assert AlreadyDecided in outcomes(begun)
    assert Adjustment.objects.count() == (1 if waiting.state == "confirmed" else 0)


def test_without_the_rows_lock_the_database_refuses_the_second(
    waiting: Proposal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read it as prepared before either writes: its trigger decides."""
    monkeypatch.setattr(proposals, "locked", proposals.prepared)

    assert _both_at_once(waiting) == ["Adjustment", "IntegrityError"]


def test_without_lock_and_trigger_it_would_be_booked_twice(
    waiting: Proposal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin."""
    monkeypatch.setattr(proposals, "locked", proposals.prepared)
    with owner.connected() as hand:
        hand.execute("DROP TRIGGER money_proposal_stays_decided ON money_proposal")
        hand.execute("ALTER TABLE adjustment DROP CONSTRAINT adjustment_proposal_id_key")
        hand.execute("ALTER TABLE ledger_transaction DROP CONSTRAINT nothing_is_booked_twice")

    assert _both_at_once(waiting) == ["Adjustment", "Adjustment"]
    assert len(booked(waiting.broker)) == 2  # type: ignore[arg-type]


def _both_at_once(waiting: Proposal) -> list[str]:
    shown = ACTS["adjust"].shown(waiting.pk)
    people = [person("quentin"), person("rita")]
    with side_by_side() as begin, gate_before_writing("money_proposal"):
        begun = [
            begin(
                lambda by=by: ACTS["adjust"].confirm(proposal_id=waiting.pk, shown=shown, by=by, now=LATER)  # type: ignore[misc]
            )
            for by in people
        ]
        until_waiting(1, AT_THE_GATE)
        until_waiting(1, FOR_ITS_TURN)
    return sorted(type(each.exception() or each.result()).__name__ for each in begun)
