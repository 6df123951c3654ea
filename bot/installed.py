"""What is installed: our version, and whether another distribution has got into our packages."""

import importlib.metadata

from bot.errors import AppError

PACKAGES = ("bot", "channels", "verification", "content")


def version() -> str:
    """Return the installed version of Linxun."""
    return importlib.metadata.version("linxun")


def check() -> None:
    """Refuse to start when another distribution has put files into our packages."""
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        strangers = sorted(set(owners.get(package, [])) - {"linxun"})
        if strangers:
            raise AppError(
                f"The distribution {strangers[0]} also installs a package named {package}: "
                "install Linxun in an environment of its own."
            )
