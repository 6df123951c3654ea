"""What is said on the phone: to who was called, and to who calls back."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from channels import twilio_voice
from content import claim, compose, confirmation, duty, outcome, people, phrase, store
from content.message import Kind, Message, Spoken
from content.people import OwnerKind, Resident
from content.plain import dialled
from content.speak import speak


def message(session: Session, ref: str) -> tuple[Message, bool] | None:
    """Return what this call says, and whether a machine is thought to listen; None: unknown."""
    attempt = outcome.by_ref(session, ref)
    if attempt is None:
        return None
    try:
        job = claim.job(session, ref)
    except KeyError:
        job = None  # whoever was called has been erased since
    if job is None:
        return None
    return compose.message(session, compose.reader(job)), attempt.machine


def waiting(session: Session, number: str) -> tuple[str, Message | None]:
    """Return the attempt whose notice still waits for this number, and what to say of it."""
    ref = confirmation.unanswered(session, number)
    found = message(session, ref) if ref else None
    if found is None or found[0].speech is None:
        return "", None
    told, speech = found[0], found[0].speech
    opening = speak(phrase.say("call.callback", speech.language), speech.language)
    return ref, replace(told, speech=replace(speech, opening=f"{opening}{speech.opening}"))


def nothing(session: Session, number: str, now: datetime) -> str:
    """Return the TwiML for a caller for whom nothing waits: so it is, and the duty's number."""
    spoken, phone = _spoken(session, number), dialled(duty.phone(session, now))
    lines = [phrase.say("alert.phone", spoken, phone=phone)] if phone else []
    lines.append(phrase.say("call.no_alert", spoken))
    return twilio_voice.spoken(spoken, *(speak(line, spoken) for line in lines))


def _spoken(session: Session, number: str) -> Spoken:
    for kind, owner_id, _ in people.owners(session, Kind.CALL, number):
        if kind is OwnerKind.RESIDENT:
            row = session.get(Resident, (store.community(session), owner_id))
            return row.spoken if row is not None else Spoken.MANDARIN
    return Spoken.MANDARIN
