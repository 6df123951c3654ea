"""`linxun init`: the database, the key file, the community and its first admin."""

import uuid
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
import typer
from sqlalchemy import select

from bot import config
from bot.cli import context
from content import identity
from content.keys import Keyring
from content.place import Community
from content.staff import Role
from content.store import Store


def init(
    name: Annotated[str, typer.Option(prompt="Community 社区名称", help="the community's name")],
    admin: Annotated[str, typer.Option(prompt="Your name 您的姓名", help="the first admin's name")],
    zone: Annotated[str, typer.Option(help="its IANA time zone")] = "Asia/Shanghai",
    region: Annotated[str, typer.Option(help="where phone numbers without +.. are from")] = "CN",
    reviewers: Annotated[int, typer.Option(min=3, max=4, help="people a publication takes")] = 3,
    household: Annotated[
        bool, typer.Option("--household", help="one confirmation stands for a household")
    ] = False,
) -> None:
    """Make the database, the key file and the first admin, and print the admin's token."""
    if not name.strip():
        context.fail("社区名称不能为空。 The community needs a name.")
    _check(zone, region)
    settings = config.settings()
    ring = _keyring(settings.key_file)
    opened = Store(settings.database_url, ring, uuid.uuid4())
    try:
        opened.migrate()
        with opened.begin() as session:
            if session.scalar(select(Community.community_id)) is not None:
                context.fail(
                    "这个数据库里已经有社区，没有改动。 "
                    "This database has a community already; nothing was changed."
                )
            session.add(
                Community(
                    community_id=opened.community_id,
                    name=name,
                    zone=zone,
                    region=region.upper(),
                    reviewers=reviewers,
                    household_confirms=household,
                )
            )
            session.flush()
            member = identity.add_staff(session, admin, [Role.ADMIN], context.now())
            token = identity.token(session, member.id, context.now())
    finally:
        opened.close()
    _tell(name, token, settings.key_file)


def _tell(name: str, token: str, key_file: Path) -> None:
    context.console.print(f"已建好 {name}。 {name} is set up.", highlight=False, markup=False)
    context.console.print("您的令牌（只显示这一次） Your token, shown only now:")
    context.console.print(token, highlight=False, markup=False, soft_wrap=True)
    context.console.print(
        f"请另存一份密钥文件：丢了它，姓名和电话就再也读不出来。\n"
        f"Keep a copy of {key_file} in a safe place: "
        "without it no name and no number in the database can ever be read again.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _keyring(path: Path) -> Keyring:
    """Keep the key file that is there; make one where there is none."""
    if path.exists():
        return Keyring.load(path)
    ring = Keyring.generate()
    ring.save(path)
    return ring


def _check(zone: str, region: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        context.fail(
            f"时区 {zone} 不对，例如 Asia/Shanghai。 "
            f"{zone} is no IANA time zone: write for example Asia/Shanghai."
        )
    if region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        context.fail(
            f"电话地区 {region} 不对，例如 CN。 "
            f"{region} is no region of phone numbers: write for example CN."
        )
