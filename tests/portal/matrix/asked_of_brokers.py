"""How the pages of a broker are asked: its statements, its team, its standing, its account."""

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.portal.application.papers import pdf
from tests.portal.matrix import desk, explain, statements
from tests.portal.matrix.entry import Asked, Values

_BROKER = "brokers/<int:code>/"


def _member(sends: dict[str, str]) -> Asked:
    """An act upon an owner, who stays one as long as a change of account is open that an owner may stop."""
    return Asked(
        ok="team",
        at=lambda _world, visitor: {"member": desk.colleague(visitor)},
        sends=lambda _world, _visitor: sends,
        before=lambda world: desk.without_change(world.desk),
    )


def _invitation() -> Asked:
    return Asked(ok="team", at=lambda _world, visitor: {"invitation": desk.invitation(visitor)})


def _appeal(sends: Values = lambda _world, _visitor: {}) -> Asked:
    return Asked(
        ok="standing",
        at=lambda _world, visitor: {"reference": desk.appeal(visitor).reference},
        sends=sends,
        before=lambda world: desk.appealed(world.desk),
    )


def _file() -> Asked:
    """A file that one member asked for, which owners see too."""
    return Asked(
        at=lambda _world, visitor: {"reference": statements.export(visitor).reference},
        before=statements.ready,
    )


_MONTH = _BROKER + "statements/<month:month>"
_EXPLAIN = _BROKER + "explain/<month:month>"
OF_BROKERS: dict[str, Asked] = {
    _MONTH + "/": Asked(before=statements.issued),
    _MONTH + ".json": Asked(before=statements.issued),
    _MONTH + ".csv": Asked(before=statements.issued),
    _MONTH + ".pdf": Asked(before=statements.issued),
    _BROKER + "statements/<int:year>.zip": Asked(
        at=lambda _world, _visitor: {"year": 2026}, before=statements.issued
    ),
    _BROKER + "statements/all.zip": Asked(before=statements.issued),
    _BROKER + "statements/prepare/": Asked(ok="export", sends=lambda _world, _visitor: statements.DRAFT),
    _BROKER + "statements/files/<uuid:reference>/": _file(),
    _BROKER + "statements/files/<uuid:reference>/file": _file(),
    _EXPLAIN + "/lines/<line:line>/": Asked(at=lambda _world, visitor: {"line": explain.line(visitor)}),
    _EXPLAIN + "/fill/<fill:fill>/": Asked(at=lambda _world, visitor: {"fill": explain.fill(visitor)}),
    _BROKER + "team/invite/": Asked(
        ok="team", sends=lambda _world, _visitor: {"email": "colleague@example.com", "role": "viewer"}
    ),
    _BROKER + "team/leave/": Asked(ok="brokers"),
    _BROKER + "team/members/<int:member>/role/": _member({"role": "viewer"}),
    _BROKER + "team/members/<int:member>/remove/": _member({}),
    _BROKER + "team/invitations/<int:invitation>/again/": _invitation(),
    _BROKER + "team/invitations/<int:invitation>/withdraw/": _invitation(),
    _BROKER + "standing/appeal/": Asked(
        ok="standing",
        sends=lambda _world, visitor: {
            "change": desk.stop(visitor).pk,
            "text": "We did not do this.",
            "attachments": SimpleUploadedFile("proof.pdf", pdf(), "application/pdf"),
        },
        before=lambda world: desk.suspended(world.desk),
    ),
    _BROKER + "standing/appeals/<uuid:reference>/answer/": _appeal(
        lambda _world, _visitor: {"text": "One thing more."}
    ),
    _BROKER + "standing/appeals/<uuid:reference>/withdraw/": _appeal(),
    _BROKER + "standing/files/<uuid:reference>/": Asked(
        at=lambda _world, visitor: {"reference": desk.file_of_appeal(visitor).reference},
        before=lambda world: desk.appealed(world.desk),
    ),
    _BROKER + "account/change/": Asked(
        ok="exchange_account",
        sends=lambda _world, visitor: {"account_id": f"BP-90{desk.code_of(visitor) + 2}"},
        before=lambda world: desk.without_change(world.desk),
    ),
    _BROKER + "account/change/<uuid:reference>/cancel/": Asked(
        ok="exchange_account",
        at=lambda _world, visitor: {"reference": desk.change_of_account(visitor).reference},
        sends=lambda _world, _visitor: {"why": "Nobody of us asked for it."},
    ),
}
