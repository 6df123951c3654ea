"""`python -m bot` is `linxun`."""

from bot.cli.main import main

main()
