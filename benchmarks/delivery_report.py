"""Report: the delivery benchmark's figures as its targets name them, and which of them are met."""

from collections.abc import Iterable
from typing import Any

DATABASES = ("sqlite", "postgresql")
_NAMES = {1: "one_worker", 2: "two_workers", 4: "four_workers"}
_KINDS = ("chat", "call")

# what -> key, part of the key, wanted, whether more is better
TARGETS: tuple[tuple[str, str, str, float, bool], ...] = (
    ("publishing returned, ms, sqlite", "publish_returned_ms", "sqlite", 200, False),
    ("publishing returned, ms, postgresql", "publish_returned_ms", "postgresql", 200, False),
    ("all rows committed, s, sqlite", "publish_100k_seconds", "sqlite", 3, False),
    ("all rows committed, s, postgresql", "publish_100k_seconds", "postgresql", 6, False),
    ("longest transaction, ms, sqlite", "longest_transaction_ms", "sqlite", 100, False),
    ("longest transaction, ms, postgresql", "longest_transaction_ms", "postgresql", 100, False),
    ("peak memory, MB", "publish_100k_peak_mb", "", 300, False),
    ("first hand-off p99, ms, idle", "first_handoff_p99_ms", "idle", 200, False),
    ("first hand-off p99, ms, backlog", "first_handoff_p99_ms", "backlog", 1000, False),
    ("Telegram messages a second", "sends_per_second", "telegram", 3000, True),
    ("SMS a second", "sends_per_second", "sms", 3000, True),
    ("times Apprise", "ratio_apprise", "", 2.5, True),
    ("of the bare client, Telegram", "ratio_bare_client", "telegram", 0.7, True),
    ("of the bare client, SMS", "ratio_bare_client", "sms", 0.7, True),
    ("limit used, one worker", "limit_used", "one_worker", 0.97, True),
    ("limit used, four workers", "limit_used", "four_workers", 0.97, True),
    ("seconds beyond the limit", "limit_exceeded_seconds", "", 0, False),
    ("reservations beyond the limit", "reserved_beyond_limit", "", 0, False),
    ("cost, 100,000 beside 1,000", "cost_growth_1k_to_100k", "", 1.2, False),
    ("cost, 1,000,000 beside 1,000", "cost_growth_1k_to_1m", "", 1.2, False),
    ("double claims", "double_claims", "", 0, False),
    ("sent twice, or without an intent", "doubles", "", 0, False),
)


def sum_up(result: dict[str, Any]) -> None:
    """Add the figures by name, and the targets, to what was measured."""
    parts = {one["part"]: one for one in result["parts"]}
    limits = [one for one in result["parts"] if one["part"].startswith("limit ")]
    figures = _published(parts) | _handed_off(parts) | _sent(parts) | _limited(limits)
    figures |= _costs(parts) | _claimed(parts)
    rest = {name: result.pop(name) for name in ("left_out", "parts")}
    result |= figures
    result["targets"] = [one for one in map(_held, TARGETS, [figures] * len(TARGETS)) if one]
    result |= rest


def show(result: dict[str, Any]) -> None:
    """Print the targets, with those that are missed, and what was left out."""
    print(f"\n{'target':38}{'wanted':>10}{'reached':>12}")
    for one in result["targets"]:
        mark = "met" if one["met"] else "MISSED"
        print(f"{one['what']:38}{one['wanted']:>10}{one['reached']:>12,.5g}  {mark}")
    for what in result["left_out"]:
        print(f"left out: {what}")


def _held(target: tuple[str, str, str, float, bool], figures: dict[str, Any]) -> dict[str, Any]:
    what, key, part, wanted, more = target
    found = figures.get(key)
    reached = found.get(part) if part and found else found
    if reached is None:
        return {}
    met = reached >= wanted if more else reached <= wanted
    sign = ">=" if more else "<="
    return {"what": what, "wanted": f"{sign} {wanted:g}", "reached": reached, "met": met}


def _published(parts: dict[str, Any]) -> dict[str, Any]:
    found = {kind: parts[f"publish {kind}"] for kind in DATABASES if f"publish {kind}" in parts}
    return {
        "publish_100k_seconds": _by(found, DATABASES, "seconds"),
        "publish_100k_peak_mb": _most(one["peak_mb"] for one in found.values()),
        "publish_returned_ms": _by(found, DATABASES, "returned_ms"),
        "longest_transaction_ms": _by(found, DATABASES, "longest_transaction_ms"),
    }


def _handed_off(parts: dict[str, Any]) -> dict[str, Any]:
    """Give the figures of the default database; those of the other one beside them."""
    told = {}
    for kind, name in zip(DATABASES, ("", "_postgresql"), strict=True):
        found = parts.get(f"handoff {kind}")
        if found is None and name:
            continue
        for share in ("p99", "p50"):
            told[f"first_handoff_{share}_ms{name}"] = {
                when: _round(found[f"{when}_{share}_ms"]) if found else None
                for when in ("idle", "backlog")
            }
    return told


def _sent(parts: dict[str, Any]) -> dict[str, Any]:
    found = parts.get("send", {}).get("medians", {})
    kinds = ("telegram", "sms")
    ours = {kind: _round(found.get(f"ours_{kind}")) for kind in kinds}
    bare = {kind: _round(found.get(kind)) for kind in kinds}
    apprise = _round(_most(found[name] for name in ("apprise", "apprise_threads") if name in found))
    runs = parts.get("send", {}).get("runs", [])
    return {
        "sends_per_second": ours,
        "bare_client_per_second": bare,
        "apprise_per_second": apprise,
        "ratio_apprise": _ratio(ours["telegram"], apprise),
        "ratio_bare_client": {kind: _ratio(ours[kind], bare[kind]) for kind in kinds},
        "stock_client_per_second": {kind: _round(found.get(f"{kind}_stock")) for kind in kinds},
        "bare_client_text_only_per_second": _round(found.get("telegram_text")),
        "doubles": sum(one["twice"] + one["without_intent"] for one in runs) if runs else None,
    }


def _limited(found: list[dict[str, Any]]) -> dict[str, Any]:
    used = {
        name: min(
            (_round(one[kind]["used"]) for one in found for kind in _KINDS
             if one["workers"] == workers),
            default=None,
        )
        for workers, name in _NAMES.items() if workers in (1, 4)
    }  # fmt: skip
    each = [(one[kind], limit) for one in found for kind, limit in (("chat", 30), ("call", 1))]
    return {
        "limit_used": used,
        "limit_exceeded_seconds": sum(one["exceeded_seconds"] for one, _ in each) if each else None,
        "reserved_beyond_limit": sum(
            max(0, one["reserved_in_a_second"] - limit)
            + max(0, one["reserved_in_ten_seconds"] - 10 * limit)
            for one, limit in each
        ) if each else None,
    }  # fmt: skip


def _costs(parts: dict[str, Any]) -> dict[str, Any]:
    found = {one["residents"]: one for name, one in parts.items() if name.startswith("cost ")}
    cpu = {size: one["cpu_us"] for size, one in found.items()}
    return {
        "cost_growth_1k_to_100k": _ratio(cpu.get(100_000), cpu.get(1_000)),
        "cost_growth_1k_to_1m": _ratio(cpu.get(1_000_000), cpu.get(1_000)),
        "cost_us_per_delivery": {str(size): round(one) for size, one in cpu.items()},
    }


def _claimed(parts: dict[str, Any]) -> dict[str, Any]:
    found = {one["workers"]: one for name, one in parts.items() if name.startswith("claims ")}
    figures = ("claimed_per_second", "recorded_per_second", "claimed_and_recorded_per_second")
    return {
        "double_claims": sum(one["double_claims"] for one in found.values()) if found else None,
        "claims": {_NAMES[workers]: one["claims"] for workers, one in found.items()},
        **{
            name: {_NAMES[workers]: _round(one[name]) for workers, one in found.items()}
            for name in figures
        },
    }


def _by(found: dict[str, Any], names: Iterable[str], what: str) -> dict[str, Any]:
    return {name: _round(found[name][what]) if name in found else None for name in names}


def _most(values: Iterable[float]) -> float | None:
    return _round(max(values, default=None))


def _ratio(one: float | None, other: float | None) -> float | None:
    return _round(one / other) if one and other else None


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
