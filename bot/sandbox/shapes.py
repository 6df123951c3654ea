"""Shapes: messages and calls as Twilio's REST API and webhooks write them."""

from datetime import datetime
from email.utils import format_datetime
from typing import Any

from bot.sandbox.book import Call, Direction, Message
from bot.sandbox.params import Params

VERSION = "2010-04-01"
ERROR_TEXTS = {
    13224: "Dial: Twilio does not support calling this number or the number is invalid",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
}


def rfc2822(at: datetime | None) -> str | None:
    """Return an instant as Twilio writes it, or None."""
    return None if at is None else format_datetime(at)


def account(sid: str, at: datetime) -> dict[str, Any]:
    """Return an account as the Accounts resource shows it, without its token."""
    parts = ("messages", "calls", "recordings", "incoming_phone_numbers")
    uri = f"/{VERSION}/Accounts/{sid}"
    return {
        "auth_token": "",
        "date_created": rfc2822(at),
        "date_updated": rfc2822(at),
        "friendly_name": "sandbox",
        "owner_account_sid": sid,
        "sid": sid,
        "status": "active",
        "subresource_uris": {name: f"{uri}/{name.title().replace('_', '')}.json" for name in parts},
        "type": "Full",
        "uri": f"{uri}.json",
    }


def message(entry: Message, account: str) -> dict[str, Any]:
    """Return an SMS as the Messages resource shows it."""
    uri = f"/{VERSION}/Accounts/{account}/Messages/{entry.sid}"
    return {
        "account_sid": account,
        "api_version": VERSION,
        "body": entry.body,
        "date_created": rfc2822(entry.created_at),
        "date_sent": rfc2822(entry.sent_at),
        "date_updated": rfc2822(entry.updated_at or entry.created_at),
        "direction": "outbound-api" if entry.direction is Direction.OUT else "inbound",
        "error_code": entry.error_code,
        "error_message": ERROR_TEXTS.get(entry.error_code or 0),
        "from": entry.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(entry.segments),
        "price": None,
        "price_unit": "USD",
        "sid": entry.sid,
        "status": entry.status,
        "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        "to": entry.to,
        "uri": f"{uri}.json",
    }


def call(entry: Call, account: str) -> dict[str, Any]:
    """Return a call as the Calls resource shows it."""
    uri = f"/{VERSION}/Accounts/{account}/Calls/{entry.sid}"
    parts = ("notifications", "recordings", "payments", "events", "siprec", "streams")
    return {
        "account_sid": account,
        "answered_by": entry.answered_by,
        "api_version": VERSION,
        "caller_name": None,
        "date_created": rfc2822(entry.created_at),
        "date_updated": rfc2822(entry.ended_at or entry.started_at or entry.created_at),
        "direction": "outbound-api" if entry.direction is Direction.OUT else "inbound",
        "duration": str(entry.duration) if entry.ended_at else None,
        "end_time": rfc2822(entry.ended_at),
        "forwarded_from": None,
        "from": entry.sender,
        "from_formatted": entry.sender,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": entry.sid,
        "start_time": rfc2822(entry.started_at),
        "status": entry.status,
        "subresource_uris": {part: f"{uri}/{part.capitalize()}.json" for part in parts},
        "to": entry.to,
        "to_formatted": entry.to,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def voice_params(entry: Call, account: str, status: str = "") -> Params:
    """Return what every voice webhook carries."""
    params = {
        "AccountSid": account,
        "ApiVersion": VERSION,
        "CallSid": entry.sid,
        "CallStatus": status or entry.status,
        "Called": entry.to,
        "Caller": entry.sender,
        "Direction": "outbound-api" if entry.direction is Direction.OUT else "inbound",
        "From": entry.sender,
        "To": entry.to,
    }
    return params | ({"AnsweredBy": entry.answered_by} if entry.answered_by else {})


def sms_params(entry: Message, account: str) -> Params:
    """Return what every SMS webhook carries; the status where it is a receipt."""
    params = {
        "AccountSid": account,
        "ApiVersion": VERSION,
        "From": entry.sender,
        "MessageSid": entry.sid,
        "SmsSid": entry.sid,
        "To": entry.to,
    }
    if entry.direction is Direction.IN:
        return params | {
            "Body": entry.body,
            "NumMedia": "0",
            "NumSegments": str(entry.segments),
            "SmsMessageSid": entry.sid,
            "SmsStatus": "received",
        }
    failed = {"ErrorCode": str(entry.error_code)} if entry.error_code else {}
    return params | {"MessageStatus": entry.status, "SmsStatus": entry.status} | failed
