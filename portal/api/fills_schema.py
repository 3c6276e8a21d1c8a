"""The description of the doors for fills."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers

from portal.api.errors import NO_TOKEN
from portal.api.schema import error, header
from portal.machines import Code

_LINE = (
    '{"symbol":"SOL_USDC","marketType":"SPOT","tradeId":7,"orderId":"a1","userId":42,"brokerId":1400,'
    '"side":"Bid","isMaker":false,"price":"150.25","quantity":"2","fee":"0.15025","feeSymbol":"USDC",'
    '"feeRate":"0.0005","affiliateRate":null,"systemOrderType":null,"timestamp":"2026-11-22T14:05:09.25Z"}\n'
)


class _Reasons(serializers.DictField):
    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(min_value=0), **options)


class _Counts(serializers.Serializer[Any]):
    received = serializers.IntegerField(
        min_value=0, help_text="accepted + duplicate + excluded + quarantined."
    )
    accepted = serializers.IntegerField(min_value=0)
    duplicate = serializers.IntegerField(min_value=0)
    excluded = _Reasons(help_text="By reason; reasons with 0 are left out.")
    quarantined = _Reasons(help_text="By reason: they wait for a person and are not lost.")


class NotAccepted(serializers.Serializer[Any]):
    line = serializers.IntegerField(min_value=1, help_text="The line of the body, from 1.")
    outcome = serializers.ChoiceField(choices=["duplicate", "excluded", "quarantined"])
    reason = serializers.CharField(allow_null=True)
    detail = serializers.CharField(
        allow_null=True, help_text="What is wrong with a line that cannot be read."
    )


class NotAcceptedRecords(serializers.Serializer[Any]):
    total = serializers.IntegerField(min_value=0)
    records = NotAccepted(many=True, help_text="The first 1,000 of them, in the order of their lines.")


class Pushed(_Counts):
    batch = serializers.IntegerField(min_value=1, help_text="Under which number it is stored.")
    not_accepted = NotAcceptedRecords()


class Watermark(_Counts):
    latest_executed_at = serializers.CharField(
        allow_null=True, help_text="When the latest accepted fill was executed: an instant in UTC."
    )
    last_received_at = serializers.CharField(allow_null=True, help_text="When the last push or file came.")


_SHARED = {
    400: error(Code.INVALID_CLIENT_REQUEST, "The gzip of the body ends…", "It cannot be read."),
    401: error(Code.UNAUTHORIZED, NO_TOKEN, "No token, or one that opens nothing."),
    403: error(Code.FORBIDDEN, "The token does not open this…", "The token opens something else."),
    405: error(Code.METHOD_NOT_ALLOWED, "This address answers…", "Another method."),
    406: error(Code.NOT_ACCEPTABLE, "The answer is application/json…", "JSON is not accepted."),
    429: error(Code.TOO_MANY_REQUESTS, "Too many wrong tokens…", "Too many wrong tokens from this address."),
    500: error(Code.SERVER_ERROR, "Something went wrong here…", "Our fault: send it again later."),
    503: error(
        Code.SERVER_ERROR, "The database does not answer…", "Send it again soon: nothing counts twice."
    ),
}
_HEADERS = [
    header("Cache-Control", "Nothing of it is kept on the way.", 200),
    header("WWW-Authenticate", "How to come in, by RFC 6750.", 401, 403),
    header("Allow", "The methods that are answered.", 405),
]

fills = extend_schema(
    operation_id="fills",
    summary="Send fills",
    description=(
        "A body of NDJSON, one record a line, by the feed contract: up to 50,000 records or 32 MB, unzipped."
        " All of it is stored or nothing, and it is stored when this answers 200. Send it again when no"
        " answer comes, or 408, 409, 429, 500 or 503: each record counts once for ever. With an"
        " Idempotency-Key the very same answer comes again, for 7 days; after that, and without one, what is"
        " known already is duplicate."
    ),
    tags=["feed"],
    parameters=[
        OpenApiParameter(
            "Idempotency-Key",
            {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-+\\--~]+$"},
            OpenApiParameter.HEADER,
            description="Yours, one for each body: 1 to 200 signs of ASCII, without spaces and commas."
            " The answer is kept under it for 7 days.",
            examples=[OpenApiExample("One body", value="gateway-7-000123")],
        ),
        OpenApiParameter(
            "Content-Encoding",
            {"type": "string", "enum": ["gzip", "identity"]},
            OpenApiParameter.HEADER,
            description="gzip, or nothing.",
            examples=[OpenApiExample("Plain", value="identity")],
        ),
        *_HEADERS,
        header("Retry-After", "Seconds to wait.", 409, 429, 503),
    ],
    request={
        "application/x-ndjson": OpenApiRequest(
            OpenApiTypes.BINARY,
            examples=[OpenApiExample("One fill", value=_LINE, media_type="application/x-ndjson")],
        )
    },
    responses={
        200: OpenApiResponse(Pushed, description="It is stored. Where each record went; kept for 7 days."),
        **_SHARED,
        408: error(Code.INVALID_CLIENT_REQUEST, "The request did not come…", "The body took too long."),
        409: error(Code.CONFLICT, "A push with this key is under way…", "The same key is being answered."),
        413: error(
            Code.CONTENT_TOO_LARGE, "One push brings at most…", "Too many records or bytes: send it in parts."
        ),
        415: error(Code.UNSUPPORTED_MEDIA_TYPE, "Send lines of JSON…", "Another media type or encoding."),
        422: error(Code.IDEMPOTENCY_KEY_REUSED, "This key was used…", "The key was used with another body."),
    },
)
watermark = extend_schema(
    operation_id="fills_watermark",
    summary="How far the fills have come",
    description="What is stored, and the latest of it: compare it with what you sent.",
    tags=["feed"],
    parameters=[*_HEADERS, header("Retry-After", "Seconds to wait.", 429, 503)],
    responses={200: OpenApiResponse(Watermark, description="What is stored now."), **_SHARED},
)
