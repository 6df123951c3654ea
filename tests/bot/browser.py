"""A page in chromium; the test is skipped where there is none."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest


@asynccontextmanager
async def shown(address: str, **page: Any) -> AsyncIterator[tuple[Any, list[str]]]:
    """Open an address; yields the page and every address that it has asked for."""
    playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium is installed")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = await browser.new_page(**page)
        asked: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.set_default_timeout(30_000)
        await opened.goto(address)
        yield opened, asked
        await browser.close()
