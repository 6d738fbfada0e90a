"""The results of a trial of flag thresholds, as JSON and as text."""

from typing import Any

from chalicelib.banks.thresholds import Thresholds
from chalicelib.cases.alarms import Alarms, TrialAlarms
from chalicelib.flags.rules import Evidence
from chalicelib.flags.trial import FlagTrial, RuleResult

# What the report calls the counts.
_LABELS = {"true": "fraud", "false": "legitimate", "unclear": "unclear", "unlabelled": "unlabelled"}


def as_json(trial: FlagTrial, alarms: TrialAlarms | None = None) -> dict[str, Any]:
    """Return the results as JSON values. Without changed thresholds, their fields are absent.

    `alarms` says how right the flags are: without it, their counts are absent.
    """
    rules = {name: _rule(trial, name, result) for name, result in trial.results.items()}
    total: dict[str, Any] = {"now": trial.any_now}
    if trial.changed:
        total |= {"changed": trial.any_changed, "difference": trial.any_changed - trial.any_now}
    for name, both in {"": alarms.any, **alarms.rules}.items() if alarms else ():
        of_both = {"now": _alarms(both.now)} | ({"changed": _alarms(both.then)} if trial.changed else {})
        (rules[name] if name else total)["alarms"] = of_both
    return {
        "transactions": trial.transactions,
        "accounts": trial.accounts,
        "judged": trial.judged,
        "malformed": trial.malformed,
        "flagged": total,
        "rules": rules,
    }


def _rule(trial: FlagTrial, name: str, result: RuleResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mode": trial.present.modes[name],
        "now": result.now,
        "share_now": result.now / trial.transactions,
    }
    if trial.changed:
        found |= {
            "mode_changed": trial.changed.modes[name],
            "changed": result.changed,
            "share_changed": result.changed / trial.transactions,
            "difference": result.changed - result.now,
        }
    kinds = ("flagged", "added", "removed") if trial.changed else ("flagged",)
    found["examples"] = {
        kind: [{"id": id_, "evidence": evidence} for id_, evidence in getattr(result, kind)] for kind in kinds
    }
    return found


def _alarms(alarms: Alarms) -> dict[str, Any]:
    return {**{title: getattr(alarms, name) for title, name in _LABELS.items()}, "precision": alarms.precision}


def as_text(trial: FlagTrial, alarms: TrialAlarms | None = None) -> str:
    """Return the results as a table, a second one of true and false alarms, and examples for each rule."""
    lines = [
        f"{trial.transactions} transactions of {trial.accounts} accounts, {trial.judged} judged"
        + f", {trial.malformed} malformed rows left out" * bool(trial.malformed),
        "",
    ]
    lines += [_line("rule", ("mode", "now", "share"), ("mode", "changed", "share", "difference"), trial)]
    for name, result in trial.results.items():
        lines.append(_counts(name, result.now, result.changed, trial))
    lines.append(_counts("any of them", trial.any_now, trial.any_changed, trial))
    if alarms:
        lines += ["", *_table_of(alarms, has_changed=trial.changed is not None)]
    for name, result in trial.results.items():
        examples = [
            f"  {sign} {id_}  {_evidence(evidence)}"
            for sign, kind in (("-", result.removed), ("+", result.added), (" ", result.flagged))
            for id_, evidence in kind
        ]
        if examples:
            lines += ["", f"{name}, the last examples:", *examples]
    return "\n".join(lines)


def _table_of(alarms: TrialAlarms, *, has_changed: bool) -> list[str]:
    """Return the lines of the table of alarms: what both settings flag, by what is known of it."""

    def line(name: str, *halves: tuple[str, ...]) -> str:
        return f"{name:<18}" + "".join(
            "".join(f"{cell:>{width}}" for cell, width in zip(half, (6, 7, 9, 12, 11), strict=True)) for half in halves
        )

    def half(counted: Alarms) -> tuple[str, ...]:
        return (*(str(getattr(counted, name)) for name in _LABELS.values()), counted.precision or "-")

    titles = (*_LABELS, "precision")
    rows = {**alarms.rules, "any of them": alarms.any}
    if not has_changed:
        return [line("alarms", titles), *(line(name, half(both.now)) for name, both in rows.items())]
    return [
        f"{'':<18}{'by the present settings':>45}{'by the changed settings':>45}",
        line("alarms", titles, titles),
        *(line(name, half(both.now), half(both.then)) for name, both in rows.items()),
    ]


def _counts(name: str, now: int, changed: int, trial: FlagTrial) -> str:
    def column(number: int, thresholds: Thresholds | None) -> tuple[str, str, str]:
        mode = thresholds.modes.get(name, "") if thresholds else ""
        return mode, str(number), f"{100 * number / trial.transactions:.3f} %"

    return _line(name, column(now, trial.present), (*column(changed, trial.changed), f"{changed - now:+d}"), trial)


def _line(name: str, now: tuple[str, ...], changed: tuple[str, ...], trial: FlagTrial) -> str:
    cells = now + changed if trial.changed else now
    widths = (10, 9, 11, 10, 9, 11, 12)
    return f"{name:<18}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=False))


def _evidence(evidence: Evidence) -> str:
    def written(value: Any) -> str:
        return ",".join(value) if isinstance(value, list) else str(value)

    return "  ".join(f"{name} {written(value)}" for name, value in evidence.items())
