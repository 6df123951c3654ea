"""The way from a house to the stand-ins of its providers."""

from bot.sandbox.server import Sandbox


def settings(sandbox: Sandbox) -> dict[str, str]:
    """What a house has to be told of the stand-ins for chat, SMS and calls."""
    return {
        "telegram_token": sandbox.telegram_token,
        "telegram_api_url": sandbox.telegram_base_url,
        "telegram_file_url": sandbox.telegram_file_url,
        "twilio_account_sid": sandbox.account_sid,
        "twilio_auth_token": sandbox.auth_token,
        "twilio_api_url": sandbox.twilio_url,
        "twilio_sms_from": sandbox.numbers[0],
        "twilio_voice_from": sandbox.numbers[1],
    }
