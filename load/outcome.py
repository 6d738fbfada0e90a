"""What came of a run on a bad day: the account, e-mails that went out again, dead letters, and a table of it. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.mail.ses import MAX_DESTINATIONS
from load.counting import Account
from load.weather import sending_in_doubt
from local_cloud.switches import Mails

_ACCEPTED = frozenset({"sent", "delivered"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """The account of a run, and the e-mails that SES accepted.

    `redriven` are dead letters that were sent through again, by reason; so many are `left`. Of messages that nobody can
    read `unreadable` were sent, and `found` as dead letters, whole. `happened` are the faults, as `kind service
    function`.
    """

    account: Account
    seed: int
    seconds: float
    repeats: int
    mails: Mails
    redriven: Mapping[str, int]
    left: int
    unreadable: int
    found: int
    happened: Mapping[str, int]

    @property
    def may_be_extra(self) -> int:
        return MAX_DESTINATIONS * sending_in_doubt(self.happened)

    @property
    def extra(self) -> int:
        return self.mails.accepted - self.mails.different

    @property
    def in_several(self) -> int:
        """How many of those who were told have no e-mail of their own."""
        return self.told - (self.mails.different - self.mails.of_several)

    @property
    def told(self) -> int:
        return sum(number for state, number in self.account.told.items() if state in _ACCEPTED)

    @property
    def is_right(self) -> bool:
        """Whether nothing is lost, nothing is left, and no more is doubled than may be."""
        # An e-mail that tells of several alerts tells of one at least.
        several, in_several = self.mails.of_several, self.in_several
        is_told = self.told == self.account.stored and (in_several >= several > 0 or in_several == several == 0)
        is_accounted = self.extra <= self.may_be_extra and not self.left and self.found == self.unreadable
        return self.account.is_right and is_told and is_accounted

    def as_text(self) -> str:
        """Return the table."""
        one, verdict = self.account, "Everything is accounted for." if self.is_right else "NOT all is as it should be."
        answers = ", ".join(f"{number:,} {answer}" for answer, number in sorted(one.answers.items()))
        letters = ", ".join(f"{number} {reason}" for reason, number in sorted(self.redriven.items())) or "none"
        several = f"{self.in_several} in {self.mails.of_several} e-mails of several alerts"
        rows = [
            ("posted", one.posted, f"and {self.repeats:,} repeats; answered {answers}"),
            ("stored", one.stored, f"{len(one.differences)} differ from what was posted"),
            ("told", self.told, f"of {one.stored:,} x 1 holder who wants it; {several}; {one.missing} missing"),
            (
                "extra e-mails",
                self.extra,
                f"of at most {self.may_be_extra:,}: 50 a killed mailer or lost answer",
            ),
            ("roll-ups", one.recorded, "counted, exactly the sums" if one.is_added_up else "are NOT the sums"),
            ("dead letters", self.left, f"left; sent through again: {letters}"),
            (
                "unreadable",
                self.unreadable,
                f"messages that nobody can read, of which {self.found} are dead letters, whole",
            ),
        ]
        lines = [f"faults: seed {self.seed}, {one.posted + self.repeats:,} posts in {self.seconds:.0f} s"]
        lines += [f"  {name:<16}{number:>9,}  {says}" for name, number, says in rows]
        kinds: dict[str, Counter[str]] = {}
        for name, times in self.happened.items():
            kind, service, function = name.split(" ")
            kinds.setdefault(kind, Counter())[function if kind.startswith("killed") else service] += times
        for kind, counts in sorted(kinds.items()):
            of = ", ".join(f"{times} {name}" for name, times in sorted(counts.items()))
            lines.append(f"  {kind:<16}{counts.total():>9,}  {of}")
        return "\n".join([*lines, verdict])
