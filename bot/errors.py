"""Which exceptions carry a sentence for the person in front of the screen."""

from bot.config import ConfigError
from bot.sandbox.guard import LiveCredentialsError
from bot.simulate.scenario import ScenarioError
from channels.registry import RegistryError
from content.alert import ReviewError
from content.backup import BackupError
from content.identity import IdentityError
from content.keys import KeyFileError
from content.ladder import LadderError
from content.number import NumberError
from content.people import PeopleError
from content.place import PlaceError
from content.sheet import SheetError
from content.store import StoreError
from content.task import TaskError
from verification.fact import Refused


class AppError(Exception):
    """The house cannot be started; the sentence says what to do."""


KNOWN = (
    AppError,
    BackupError,
    ConfigError,
    IdentityError,
    KeyFileError,
    LadderError,
    LiveCredentialsError,
    NumberError,
    PeopleError,
    PlaceError,
    Refused,
    RegistryError,
    ReviewError,
    ScenarioError,
    SheetError,
    StoreError,
    TaskError,
)
