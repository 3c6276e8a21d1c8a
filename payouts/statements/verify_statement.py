"""Verifies a statement of the API Broker Program: that it is genuine, unchanged, and right to the last digit.

    python verify_statement.py STATEMENT.json KEYS.json

STATEMENT.json is a statement's JSON file, as it was downloaded or reformatted. KEYS.json is the list of
public keys that the portal serves at /verify/keys.json; download it yourself: your trust rests on it.
Needs Python 3.11 or newer and `cryptography` (`pip install cryptography`), and no network. It checks

1. the form: every member of the schema is there, no other is, and each is written as the schema says;
2. the signature: Ed25519 by a listed key over the SHA-256 of the document's canonical bytes (RFC 8785:
   members sorted, no spaces, UTF-8) without its `signature`; one changed character anywhere breaks it;
3. the figures: each line's rate and amount, subtotals, totals, tier, payout, rounding, corrections,
   adjustments and balances are worked out anew, in exact decimals.
It prints what it checked and `valid` (exit status 0); or each reason why the statement is not valid, one a
line (1); or one line that says what to do, when a file cannot be read or an argument is wrong (2).
The portal signs with this same file, and verifies with it what is dropped on its page.
"""

import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from hashlib import sha256
from typing import Any, NamedTuple, TextIO

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.stderr.write(
        "This program needs `cryptography`: run `pip install cryptography`, then start it again.\n"
    )
    raise SystemExit(2) from None

Document = dict[str, Any]

SCHEMA, ALGORITHM = "backpack-broker-statement/1", "Ed25519"
KINDS = ("late volume", "voided fills", "tier repricing", "suspended days", "rounding")

#: More than twice the digits that the form allows a number: every sum and product is exact, or raises.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])
_AGAIN = "download the JSON file again and give it unchanged"


class Unreadable(ValueError):
    """The bytes are no JSON that a statement is written in; the text says why, and what to do."""


def written(value: object) -> str:
    """RFC 8785 for what statements hold: texts, whole numbers, lists, and objects with ASCII names."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(document: Document) -> bytes:
    """The bytes that are digested: all of a statement but its `signature`, written in the one way."""
    return written({name: value for name, value in document.items() if name != "signature"}).encode()


def digest(document: Document) -> str:
    """SHA-256 of the canonical bytes, in 64 hexadecimal digits."""
    return sha256(canonical(document)).hexdigest()


def message(digest: str) -> bytes:
    """What is signed. It says what it is: no signature that was made for something else passes for one."""
    return f"{SCHEMA} {digest}".encode()


def read(content: bytes) -> Document:
    """The document in a file. Raises `Unreadable`, whatever the bytes are, and nothing else.

    A byte order mark is passed over. What readers of JSON take in different ways is refused: a member twice
    in one object, and any number that is not whole or has more than 15 digits.
    """
    numbers: Any = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), _integer)
    try:
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_object, **numbers)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise Unreadable(f"it is no JSON in UTF-8, or nested too deeply: {_AGAIN}") from None
    if not isinstance(document, dict):
        raise Unreadable(f"it is no JSON object: {_AGAIN}")
    return document


def keys_in(content: bytes) -> dict[str, str]:
    """The public keys (base64) of a published list, by their ids. Raises `Unreadable`."""
    listed = read(content).get("keys")
    names = ("key_id", "algorithm", "public_key")
    for each in listed if isinstance(listed, list) else [None]:
        if not isinstance(each, dict) or not all(isinstance(each.get(name), str) for name in names):
            raise Unreadable("it is no list of keys: download /verify/keys.json from the portal")
    return {each["key_id"]: each["public_key"] for each in listed or () if each["algorithm"] == ALGORITHM}


def check(document: Document, keys: Mapping[str, str]) -> list[str]:
    """Every reason why a document, as `read` gives it, is not a valid statement; none if it is valid.

    `keys` are public keys in base64 by id. A document of the wrong form has no figures that could be worked
    out: of it, only what is wrong with the form is said.
    """
    if document.get("status") == "draft":
        return ["it is a draft, and drafts are not signed: verify the statement once it is issued"]
    if document.get("schema") != SCHEMA:
        return [f"schema: {_shown(document.get('schema'))} is not {SCHEMA}: use the program of that schema"]
    if reasons := list(_misfits(document, _form("statement"), "")):
        return reasons
    with localcontext(_EXACT):
        reasons += [*_of_signature(document, keys), *_of_tier(document), *_of_lines_and_totals(document)]
        return [*reasons, *_of_corrections(document), *_of_issue_and_balance(document)]


def summary(document: Document) -> list[str]:
    """A valid statement in plain lines: whose and which it is, what is due, and what was checked."""
    return [
        f"broker {document['broker']}, {_shown(document['broker_name'])}",
        f"statement number {document['number']}, month {document['month']}",
        f"payout {document['payout']} USD, due {document['due']} USD",
        f"checked: the signature, by the key {document['signature']['key_id']}",
        f"checked: {len(document['lines'])} lines, {len(document['corrected'])} corrections and every total",
    ]


class _Form(NamedTuple):
    says: str
    pattern: str
    of: type = str

    def fits(self, value: object) -> bool:
        return type(value) is self.of and re.fullmatch(self.pattern, str(value)) is not None


_DIGITS, _FRACTION = r"(?:0|[1-9][0-9]{0,79})", r"(?:\.[0-9]{0,79}[1-9])?"
_YEAR_AND_MONTH = "(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])"
_TIME = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z"
_FORMS = {
    # Half of a surrogate pair cannot be written in UTF-8.
    "text": _Form("a text", "[^\ud800-\udfff]*"),
    "decimal": _Form("a decimal without needless zeros", rf"(?!-0$)-?{_DIGITS}{_FRACTION}"),
    "unsigned": _Form("a decimal of 0 or more without needless zeros", _DIGITS + _FRACTION),
    "cents": _Form("an amount with two places", rf"(?!-0\.00$)-?{_DIGITS}\.[0-9][0-9]"),
    "share": _Form("a fraction from 0 to 1 without needless zeros", f"0{_FRACTION}|1"),
    "rate": _Form("a fraction from -1 to 1 without needless zeros", f"(?!-0$)-?(?:0{_FRACTION}|1)"),
    "rebate": _Form("a fraction from 0.00 to 1.00 with two places", r"0\.[0-9][0-9]|1\.00"),
    "whole": _Form("a whole number", "-?[0-9]+", int),
    "count": _Form("a whole number of 0 or more", "[0-9]+", int),
    "number": _Form("a whole number of 1 or more", "[1-9][0-9]*", int),
    "code": _Form("a broker code of at most five digits", "[0-9]{1,5}", int),
    "truth": _Form("true or false", "True|False", bool),
    "month": _Form("a month written YYYY-MM", _YEAR_AND_MONTH),
    "instant": _Form("an instant written YYYY-MM-DDTHH:MM:SSZ", f"{_YEAR_AND_MONTH}-[0-3][0-9]{_TIME}"),
    "sha256": _Form("a SHA-256 in 64 hexadecimal digits", "[0-9a-f]{64}"),
    "account": _Form("an account masked as •••1234", "(?s:•••.{0,4})"),
    "trader": _Form("a pseudonym such as T-2KX7QJ4MZB5A", "T-[A-Z2-7]{12}"),
    "market": _Form("futures or spot", "futures|spot"),
    "basis": _Form("settled_month or preceding_month", "settled_month|preceding_month"),
    "arm": _Form("tier, affiliate cap or cap exhausted", "tier|affiliate cap|cap exhausted"),
    "kind": _Form(", ".join(KINDS), "|".join(KINDS)),
    **{word: _Form(word, word) for word in (SCHEMA, ALGORITHM, "approved", "USD", "preparer", "approver")},
}
#: What the objects of a statement are made of: members=form, where ? is "or null" and [] "a list of".
_OBJECTS = f"""
statement schema={SCHEMA} status=approved broker=code broker_name=text account=account number=number
statement previous=before? month=month period=period currency=USD terms=terms formula=formula
statement preceding_volume=unsigned? tier=text rebate=rebate spot_volume,futures_volume,volume=unsigned
statement fills=count fees,amount=unsigned payout=cents rounding=decimal lines=line[] subtotals=subtotal[]
statement corrections=cents corrected=correction[] adjustments=cents adjusted=adjustment[]
statement carried,due,credit,closing_balance=cents held=truth calculated_at,prepared_at,approved_at=instant
statement prepared_by=preparer approved_by=approver watermark=watermark input_digest,approval_digest=sha256
statement signature=signature
signature algorithm={ALGORITHM} digest=sha256 key_id,value=text
before number=number digest=sha256
period from,to=instant
terms name,source=text tier_basis=basis rebate_cap=share tiers=tier[]
tier tier=text floor=unsigned rebate=rebate
formula program,symbols,words=text
line trader=trader market=market fee_rate=rate affiliate_rate=share fills=number volume,fees=unsigned
line tier_rate,applied_rate=share bound_by=arm amount=unsigned
subtotal market=market fills=count volume,fees,amount=unsigned
correction month=month tier_before,tier_after=text amount=decimal cents=cents lines=correction_line[]
correction_line kind=kind trader=trader? market=market? fee_rate=rate? affiliate_rate=share? fills=whole
correction_line volume,fees=decimal rate=rate? amount=decimal
adjustment month=month amount=cents text=text confirmed_at=instant
watermark batches,voids=text
"""


def _form(name: str) -> Any:
    """By its name a form of a value, a tuple of what may be null, a list of items, an object's members."""
    if name.endswith("?"):
        return (_form(name[:-1]),)
    if name.endswith("[]"):
        return [_form(name[:-2])]
    rows = [row.split()[1:] for row in _OBJECTS.splitlines() if row.startswith(f"{name} ")]
    pairs = [pair.split("=") for row in rows for pair in row]
    return {each: _form(form) for names, form in pairs for each in names.split(",")} or _FORMS[name]


def _misfits(value: Any, form: Any, where: str) -> Iterator[str]:
    """What is not written as its form says. It descends no deeper than the form does."""
    if isinstance(form, _Form):
        if not form.fits(value):
            yield f"{where}: {_shown(value)} is not {form.says}"
    elif isinstance(form, tuple):
        yield from () if value is None else _misfits(value, form[0], where)
    elif not isinstance(value, type(form)):
        yield f"{where}: {_shown(value)} is not {_shown(form)}"
    elif isinstance(form, list):
        for place, each in enumerate(value, start=1):
            yield from _misfits(each, form[0], f"{where} {place}")
    else:
        before = f"{where}: " if where else ""
        yield from (f"{before}{name} is missing" for name in form if name not in value)
        yield from (f"{before}{_shown(name)} is no member of {SCHEMA}" for name in value if name not in form)
        for name, inner in form.items():
            if name in value and not (type(inner) is _Form and inner.fits(value[name])):
                yield from _misfits(value[name], inner, f"{before}{name}")


def _of_signature(document: Document, keys: Mapping[str, str]) -> Iterator[str]:
    signed, right = document["signature"], digest(document)
    if signed["digest"] != right:
        yield f"signature: the digest of this document is {right}, not {signed['digest']}"
    if signed["key_id"] not in keys:
        yield f"signature: no published key has the id {_shown(signed['key_id'])}"
    elif not _is_signature(signed["value"], right, keys[signed["key_id"]]):
        yield f"signature: it was not made with the key {_shown(signed['key_id'])} for this document"


def _is_signature(value: str, digest: str, public_key: str) -> bool:
    try:
        signature = b64decode(value, validate=True)
        Ed25519PublicKey.from_public_bytes(b64decode(public_key)).verify(signature, message(digest))
    except (ValueError, InvalidSignature):
        return False
    # Base64 leaves four bits of the last sign unused: of the texts that mean the same, one is right.
    return b64encode(signature).decode() == value


def _differs(what: str, stated: str | int, *parts: Decimal | int | str) -> Iterator[str]:
    right = sum((Decimal(part) for part in parts), start=Decimal(0))
    if Decimal(stated) != right:
        yield f"{what}: {stated} is stated, but it comes to {right:f}"


def _of_tier(document: Document) -> Iterator[str]:
    terms = document["terms"]
    floors, rebates = ([Decimal(each[name]) for each in terms["tiers"]] for name in ("floor", "rebate"))
    if max(rebates, default=0) > Decimal(terms["rebate_cap"]) or rebates != sorted(rebates):
        yield "terms: tiers: the rebates fall, or exceed the cap"
    if floors[:1] != [0] or floors != sorted(set(floors)):
        yield "terms: tiers: the floors do not begin at 0 and rise"
        return
    by = "volume" if terms["tier_basis"] == "settled_month" else "preceding_volume"
    if document[by] is None:
        yield f"{by}: it is missing, although it decides the tier"
        return
    tier = [each for each in terms["tiers"] if Decimal(each["floor"]) <= Decimal(document[by])][-1]
    if (document["tier"], document["rebate"]) != (tier["tier"], tier["rebate"]):
        stated = f"{_shown(document['tier'])} with {document['rebate']} is stated"
        yield f"tier: {stated}, but {document[by]} reaches {_shown(tier['tier'])} with {tier['rebate']}"


def _of_lines_and_totals(document: Document) -> Iterator[str]:
    rebate, cap, before = Decimal(document["rebate"]), Decimal(document["terms"]["rebate_cap"]), None
    names, sums = ("fills", "volume", "fees", "amount"), dict[str, list[Any]]()
    for place, line in enumerate(document["lines"], start=1):
        affiliate_rate, fees = Decimal(line["affiliate_rate"]), Decimal(line["fees"])
        key = (line["trader"], line["market"], Decimal(line["fee_rate"]), affiliate_rate)
        if before is not None and key <= before:
            yield f"lines {place}: it is not in order, or there twice"
        before, left = key, cap - affiliate_rate
        applied = min(rebate, max(Decimal(0), left))
        bound_by = "cap exhausted" if left <= 0 else "tier" if rebate <= left else "affiliate cap"
        if line["bound_by"] != bound_by:
            yield f"lines {place}: bound_by: {line['bound_by']} is stated, but it is {bound_by}"
        for name, right in (("tier_rate", rebate), ("applied_rate", applied), ("amount", fees * applied)):
            yield from _differs(f"lines {place}: {name}", line[name], right)
        own = sums.setdefault(line["market"], [0] * 4)
        for column, value in enumerate((line["fills"], Decimal(line["volume"]), fees, fees * applied)):
            own[column] += value
    if [each["market"] for each in document["subtotals"]] != sorted(sums):
        yield "subtotals: there is not one for each market with lines, futures first"
    for each in document["subtotals"]:
        for name, right in zip(names, sums.get(each["market"], [0] * 4), strict=True):
            yield from _differs(f"subtotals: {each['market']}: {name}", each[name], right)
    for market in ("spot", "futures"):
        yield from _differs(f"{market}_volume", document[f"{market}_volume"], sums.get(market, [0] * 4)[1])
    totals = [sum(column) for column in zip([0] * 4, *sums.values(), strict=True)]
    for name, right in zip(names, totals, strict=True):
        yield from _differs(name, document[name], right)
    rounding = Decimal(document["payout"]) - totals[-1]
    # Amounts are never negative here, so that half a cent away from zero is half a cent up.
    if not -5 < 1000 * rounding <= 5:
        yield f"payout: {document['payout']} is stated, but it is {totals[-1]:f} rounded to the cent"
    yield from _differs("rounding", document["rounding"], rounding)


def _of_corrections(document: Document) -> Iterator[str]:
    corrected, months = document["corrected"], [each["month"] for each in document["corrected"]]
    if months != sorted(set(months)) or max(months, default="") >= document["month"]:
        yield "corrected: the months are not in order, there twice, or not before the statement's"
    for each in corrected:
        where, lines = f"corrected: {each['month']}", each["lines"]
        exact = [line["amount"] for line in lines if line["kind"] != "rounding"]
        yield from _differs(f"{where}: amount", each["amount"], *exact)
        yield from _differs(f"{where}: cents", each["cents"], *(line["amount"] for line in lines))
        keys = []
        for place, line in enumerate(lines, start=1):
            rates = [Decimal(line[name] or 0) for name in ("fee_rate", "affiliate_rate")]
            keys.append((KINDS.index(line["kind"]), line["trader"] or "", line["market"] or "", *rates))
            yield from _of_corrected_line(line, each, f"{where}: lines {place}")
        if keys != sorted(set(keys)):
            yield f"{where}: its lines are not in order, or there twice"
    yield from _differs("corrections", document["corrections"], *(each["cents"] for each in corrected))


def _of_corrected_line(line: Document, of: Document, where: str) -> Iterator[str]:
    kind, fees, rate = line["kind"], Decimal(line["fees"]), Decimal(line["rate"] or 0)
    is_moved, is_repricing = kind in KINDS[:2], kind == "tier repricing"
    sizes = [line["fills"], Decimal(line["volume"]), *([] if is_repricing else [fees])]
    has = [line[name] is not None for name in ("trader", "fee_rate", "market", "affiliate_rate", "rate")]
    if has != [is_moved] * 2 + [is_moved or is_repricing] * 3:
        yield f"{where}: it has a member that {kind} has not, or lacks one"
    elif is_moved and (rate < 0 or (max(sizes) > 0 if kind == "voided fills" else min(sizes) < 0)):
        yield f"{where}: fills, volume, fees or rate have the wrong sign"
    elif not is_moved and any(sizes):
        yield f"{where}: {kind} has fills, volume or fees, which it should not"
    elif is_repricing and of["tier_before"] == of["tier_after"]:
        yield f"{where}: nothing is repriced where the tier stays"
    elif is_moved or is_repricing:
        yield from _differs(f"{where}: amount", line["amount"], fees * rate)


def _of_issue_and_balance(document: Document) -> Iterator[str]:
    year, number = (int(part) for part in document["month"].split("-"))
    after = f"{year + number // 12:04d}-{number % 12 + 1:02d}"
    if document["period"] != {"from": f"{document['month']}-01T00:00:00Z", "to": f"{after}-01T00:00:00Z"}:
        yield f"period: it is not the month {document['month']}"
    yield from _differs("number", document["number"], 1, (document["previous"] or {"number": 0})["number"])
    for place, each in enumerate(document["adjusted"], start=1):
        if not each["confirmed_at"].startswith(each["month"]):
            yield f"adjusted {place}: month: {each['month']} is not the month of {each['confirmed_at']}"
    amounts = (each["amount"] for each in document["adjusted"])
    yield from _differs("adjustments", document["adjustments"], *amounts)
    due = sum(Decimal(document[name]) for name in ("carried", "adjustments", "payout", "corrections"))
    right = {"due": due, "credit": max(due, Decimal(0)), "closing_balance": min(due, Decimal(0))}
    for name, value in right.items():
        yield from _differs(name, document[name], value)


def _object(members: list[tuple[str, Any]]) -> Document:
    if len(made := dict(members)) < len(members):
        raise Unreadable(f"it says one member twice: {_AGAIN}")
    return made


def _integer(text: str) -> int:
    if re.fullmatch("-?[0-9]{1,15}", text) is None:
        raise Unreadable(f"it has a number that is not whole or too long ({_shown(text)}): {_AGAIN}")
    return int(text)


def _shown(value: object) -> str:
    """A value of a file as it may safely be printed: short, on one line, without control characters."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = value if isinstance(value, str) else json.dumps(value)
    text = f"{text[:59]}…" if len(text) > 60 else text
    return "".join(sign if sign.isprintable() else "?" for sign in text) or '""'


def _say(stream: TextIO, *lines: str) -> None:
    encoding = stream.encoding or "utf-8"
    for line in lines:
        stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit status."""
    if len(arguments) != 2:
        _say(sys.stderr, "Write: python verify_statement.py STATEMENT.json KEYS.json")
        return 2
    found: list[dict[str, Any]] = []
    for path, reader in zip(arguments, (read, keys_in), strict=True):
        try:
            with open(path, "rb") as file:
                found.append(reader(file.read()))
        except (OSError, Unreadable) as problem:
            why = f"{problem.strerror}: name a file that exists" if isinstance(problem, OSError) else problem
            _say(sys.stderr, f"{_shown(path)}: {why}")
            return 2
    reasons = check(*found)
    _say(sys.stdout, *([f"not valid: {each}" for each in reasons] or [*summary(found[0]), "valid"]))
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
