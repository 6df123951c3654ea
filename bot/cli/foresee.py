"""What a command shows of a draft before it goes out: the forecast with the settings' limits."""

from sqlalchemy.orm import Session

from bot import config, outlook, prices, senders
from bot.cli import context
from bot.outlook import Outlook
from bot.prices import PriceError, Prices
from channels.forecast import Forecast
from content import alert as alerts
from content import draft as drafts
from content import ladder
from content.clock import Clock
from content.message import Written


def of(session: Session, code: str) -> Outlook:
    """Return an alert as it would go out now."""
    revision = alerts.current(session, alerts.get(session, code))
    texting = senders.texting(config.settings())
    return Outlook(session, revision, drafts.read(session, revision), context.now(), texting)


def unfit(session: Session, code: str) -> list[str]:
    """Return why a registered SMS text would refuse it, one sentence each."""
    return [str(one) for one in of(session, code).unfit()]


def plan(draft: Outlook) -> Forecast:
    """Return whom it would reach first by what, with the ladders and senders of the settings."""
    settings = config.settings()
    limits = senders.limits(settings, senders.enabled(settings), Clock())
    return draft.forecast(ladder.load(settings.ladders_file), limits)


def known() -> Prices:
    """Return the prices that the settings name; a wrong file is one sentence."""
    try:
        return prices.known(config.settings().prices_file)
    except PriceError as error:
        context.fail(str(error))


def spent(session: Session, code: str) -> list[str]:
    """Return what its first contacts take, a line for each kind and language."""
    return outlook.costs(plan(of(session, code)).spends, Written.HANS, known())
