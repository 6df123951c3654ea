"""`linxun backup`: a copy of the database, while the house runs."""

from pathlib import Path
from typing import Annotated

import typer

from bot import config
from bot.cli import context
from content import backup as copies
from content import gauge


def backup(
    file: Annotated[Path, typer.Argument(help="the new file; an existing one is not touched")],
) -> None:
    """Copy the database to a new file while everything goes on, and check the copy.

    The key file is needed to read it and is not in it.
    """
    settings = config.settings()
    # opened first: a database that is none, or not set up, has its own sentence
    with context.store() as opened:
        size = copies.make(settings.database_url, file)
        with opened.begin() as session:
            gauge.made_backup(session, context.now())
    context.console.print(
        f"已备份到 {file}（{max(1, size >> 20)} MB），已检查。 Copied to {file} and checked.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    context.console.print(
        f"密钥文件 {settings.key_file} 不在里面，恢复时要用：请另外收好。 "
        f"The key file {settings.key_file} is needed to restore and not contained: keep a copy of "
        "it in another place.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
