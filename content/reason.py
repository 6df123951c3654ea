"""Why something was skipped, failed or ended: one code each, and its sentence for staff."""

from enum import StrEnum


class Reason(StrEnum):
    """A reason code; `phrases` hold its sentence in each language under `reason.<code>`."""

    # how a delivery ended well
    CONFIRMED_BUTTON = "confirmed_button"
    CONFIRMED_KEY = "confirmed_key"
    CONFIRMED_REPLY = "confirmed_reply"
    CONFIRMED_CALL_BACK = "confirmed_call_back"
    CONFIRMED_DOOR = "confirmed_door"
    CONFIRMED_HOUSEHOLD = "confirmed_household"
    NEEDS_HELP = "needs_help"
    PASSED_ON = "passed_on"
    HANDED_OVER = "handed_over"
    # why a step was skipped
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    NO_SENDER = "no_sender"
    NO_CONTACT = "no_contact"
    ADDRESS_FAILED = "address_failed"
    # why an attempt failed
    NUMBER_INVALID = "number_invalid"
    NUMBER_UNREACHABLE = "number_unreachable"
    LANDLINE = "landline"
    BLOCKED = "blocked"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    NO_KEY = "no_key"
    NO_REPLY = "no_reply"
    UNDELIVERED = "undelivered"
    REFUSED_CONTENT = "refused_content"
    REFUSED_REGION = "refused_region"
    RATE_LIMITED = "rate_limited"
    PROVIDER_DOWN = "provider_down"
    PROVIDER_REFUSED = "provider_refused"
    CREDENTIALS = "credentials"
    TIMEOUT = "timeout"
    OUTCOME_UNKNOWN = "outcome_unknown"
    NEVER_TAKEN = "never_taken"
    CANCELLED_CALL = "cancelled_call"
    # why a delivery ended without a confirmation
    LADDER_EXHAUSTED = "ladder_exhausted"
    NO_PATH = "no_path"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    ERASED = "erased"
