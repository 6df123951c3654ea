"""Which exceptions carry a sentence for the person in front of the screen."""

from bot.app import AppError
from bot.config import ConfigError
from bot.sandbox.guard import LiveCredentialsError
from content.alert import ReviewError
from content.identity import IdentityError
from content.keys import KeyFileError
from content.ladder import LadderError
from content.people import PeopleError
from content.place import PlaceError
from content.store import StoreError
from content.task import TaskError
from verification.fact import Refused

KNOWN = (
    AppError,
    ConfigError,
    IdentityError,
    KeyFileError,
    LadderError,
    LiveCredentialsError,
    PeopleError,
    PlaceError,
    Refused,
    ReviewError,
    StoreError,
    TaskError,
)
