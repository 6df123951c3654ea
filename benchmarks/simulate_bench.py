"""How long the simulator takes: a community of 3,000 and a street of 100,000, in CPU seconds."""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from bot.simulate import compare, scenario
from content import ladder

RESULTS = Path(__file__).with_name("results") / "simulate.json"


def measure(name: str, residents: int) -> dict[str, float]:
    one = replace(scenario.load(name), residents=residents)
    began, used = time.perf_counter(), time.process_time()
    found = compare.play(one, 1, ladder.load())
    return {
        "residents": residents,
        "attempts": found.attempts,
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - used, 1),
        "confirmed": round(found.share_confirmed, 4),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--street", type=int, default=100_000, help="residents of the street")
    wanted = options.parse_args()
    found = {
        "community": measure("community", 3_000),
        "street": measure("street", wanted.street),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
