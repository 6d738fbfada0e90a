"""What is promised of e-mails: who wants it is told, once, and not flooded; the account's rate and quotas are kept."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import chain

from chalicelib.aws.clients import READ_TIMEOUT_S
from simulation.bank import BANKS, Posted
from simulation.expressions import Item
from simulation.holders import Enrolled
from simulation.rest import Key, Rest
from simulation.services import SentEmail
from simulation.tables import value_at

_FINAL = frozenset({"sent", "delivered", "bounced", "complained", "rejected", "suppressed", "skipped", "failed"})
_TOLD = frozenset({"sent", "delivered", "bounced"})
# From the decision to SES: an e-mail waits for its turn at the account's rate.
_ON_ITS_WAY = timedelta(seconds=60)
_CLOCKS_DIFFER_BY = timedelta(seconds=2)
_AFTER_MIDNIGHT = time(0, 1)


class EmailPromises:
    """The promises of e-mails, looked at when everything has come to rest."""

    def __init__(self, rest: Rest) -> None:
        self._rest, self._stage, self._banks = rest, rest.stage, rest.banks

    def broken(self) -> Iterator[str]:
        """Yield the promises that are broken."""
        for holder in self._banks.holders.all:
            yield from self._told_holder(holder)
            yield from self._quiet_kept(holder)
        yield from self._not_flooded()
        yield from self._quota_kept()
        yield from self._rate_kept()
        yield from self._new_addresses_good()

    def _told_holder(self, holder: Enrolled) -> Iterator[str]:
        purchases: dict[str, list[Posted]] = defaultdict(list)
        for key in self._rest.stored:
            if not self._is_of(key, holder):
                continue
            posted = self._banks.posted[key]
            if posted.purchase is not None:
                purchases[posted.purchase].append(posted)
            else:
                yield from self._told(key, posted, holder)
        for parts in purchases.values():
            yield from self._purchase_told(parts, holder)

    def _told(self, key: Key, posted: Posted, holder: Enrolled) -> Iterator[str]:
        name = f"{key[1]} to {holder.id} of {holder.account}"
        note = self._rest.notes.get((f"{key[0]}#{key[1]}", holder.id))
        emails = self._emails(key, holder, note)
        state = _state(note)
        if key not in self._rest.flagged and holder.has_clicked:
            return  # who unsubscribes meanwhile may or may not be told
        if holder.must_confirm and not self._was_confirmed_before(key, holder):
            return  # that nothing comes before is watched at each step
        if key not in self._rest.flagged and not holder.wants(str(posted.body["type"])):
            if emails:
                yield f"no e-mail goes to who doesn't want it: {name}"
            return
        if state not in _FINAL:
            yield f"a notification comes to an end: {name} is {state}"
        over_quota = self._banks.emails_a_day is not None and note and value_at(note, "reason") == "over_quota"
        if not emails and not over_quota and not (state == "suppressed" and holder.may_bounce):
            yield f"who wants it is told: {name} is {state}"
        if self._surplus(emails) > 0:
            yield f"nobody is told twice: {name}, {len(emails)} times"
        if not self._are_in_doubt(emails) and state not in _TOLD | {"suppressed"}:
            yield f"the state of what was sent says so: {name} is {state}"

    def _purchase_told(self, parts: list[Posted], holder: Enrolled) -> Iterator[str]:
        """Look at an authorization and what settles it: whoever comes first, one is told. Each part is told."""
        keys = [(one.bank, str(one.body["id"])) for one in parts]
        if (
            len(parts) < 2
            or self._rest.flagged & set(keys)
            or not holder.wants(str(parts[0].body["type"]))
            or self._banks.emails_a_day
        ):
            return
        if len(holder.emails) > 1 or holder.has_clicked or holder.must_confirm:
            return  # who has another address since is another reader, who may know nothing of the authorization
        name = f"{keys[0][1]} to {holder.id} of {holder.account}"
        notes = {key: self._rest.notes.get((f"{key[0]}#{key[1]}", holder.id)) for key in keys}
        emails = {key: self._emails(key, holder, note) for key, note in notes.items()}
        if not any(emails.values()) and not holder.may_bounce:
            yield f"of a purchase, somebody is told: {name}"
        for one, key in zip(parts, keys, strict=True):
            if one.is_part and not emails[key] and not holder.may_bounce:
                yield f"of a purchase, each part is told: {key[1]} to {holder.id} of {holder.account}"
            if emails[key] and not self._are_in_doubt(emails[key]) and _state(notes[key]) not in _TOLD | {"suppressed"}:
                yield f"the state of what was sent says so: {key[1]} to {holder.id} is {_state(notes[key])}"
        direct = [
            [email for email in emails[key] if "@" not in email.transaction]
            for one, key in zip(parts, keys, strict=True)
        ]
        # Where it's settled in parts, each is told once, and the authorization once.
        together = direct if any(one.is_part for one in parts) else [list(chain(*direct))]
        if any(self._surplus(emails) > 0 for emails in together):
            yield f"of a purchase, nobody is told twice: {name}"

    def _was_confirmed_before(self, key: Key, holder: Enrolled) -> bool:
        """Return whether the holder's one address was confirmed before the transaction was recorded."""
        taken = self._banks.confirmations.taken.get((holder.bank, holder.emails[0]))
        recorded = datetime.fromisoformat(str(value_at(self._rest.stored[key], "recorded_at")))
        return len(holder.emails) == 1 and taken is not None and taken + _CLOCKS_DIFFER_BY < recorded

    def _emails(self, key: Key, holder: Enrolled, note: Item | None) -> list[SentEmail]:
        """Return the e-mails that told a holder of a transaction: its own, or the digest's that has it."""
        digest = value_at(note, "digest") if note else None
        return self._rest.sent[*key, holder.id] or (self._rest.sent[key[0], str(digest), holder.id] if digest else [])

    def _is_of(self, key: Key, holder: Enrolled) -> bool:
        return key[0] == holder.bank and value_at(self._rest.stored[key], "account") == holder.account

    def _surplus(self, emails: list[SentEmail]) -> int:
        """Return how many e-mails are too many. Only what nobody noted may go out once more."""
        return len(emails) - 1 - sum(email.call in self._stage.ses.in_doubt for email in emails)

    def _are_in_doubt(self, emails: list[SentEmail]) -> bool:
        return all(email.call in self._stage.ses.in_doubt for email in emails)

    def _quiet_kept(self, holder: Enrolled) -> Iterator[str]:
        """Only security alerts and news of the holder's own record come in quiet hours."""
        for (bank, transaction, holder_id), emails in self._rest.sent.items():
            is_ordinary = (bank, transaction) in self._rest.stored and (bank, transaction) not in self._rest.flagged
            is_theirs = is_ordinary or transaction.startswith(
                (f"digest@{holder.account}@", f"statement@{holder.account}@")
            )
            if (bank, holder_id) != (holder.bank, holder.id) or not is_theirs:
                continue
            if is_ordinary and not self._is_of((bank, transaction), holder):
                continue
            for email in emails:
                if all(holder.is_quiet(email.at + shift) for shift in (_CLOCKS_DIFFER_BY, -_ON_ITS_WAY)):
                    yield f"quiet hours are kept: {transaction} to {holder.name} at {email.at:%d %H:%M:%S}"

    def _not_flooded(self) -> Iterator[str]:
        """Of ordinary e-mails, so many come one by one within an hour as the bank says."""
        for holder in self._banks.holders.all:
            times = sorted(
                email.at
                for key in self._rest.stored
                if self._is_of(key, holder) and key not in self._rest.flagged
                for email in self._rest.sent[*key, holder.id]
                if email.call not in self._stage.ses.in_doubt
            )
            # An hour begins with its first e-mail, so the end of one and the beginning of the next may meet; and each
            # copy of the mailer sends two by itself before it counts with the others.
            most = 2 * self._banks.digest_after[holder.bank] + 2 * self._stage.counts.copies["mailer"]
            for first, last in zip(times, times[most:], strict=False):
                if last - first < timedelta(minutes=59):
                    yield f"no holder is flooded: {holder.id} of {holder.account}, over {most} in an hour"
                    break

    def _quota_kept(self) -> Iterator[str]:
        """A quota isn't gone beyond, as long as it can be looked at."""
        weather, most = self._stage.weather, self._banks.emails_a_day
        if most is None or weather.throttled or weather.lost:
            return
        for bank in BANKS:
            days = Counter(
                emails[0].at.date()
                for (of, key, _), emails in self._rest.sent.items()
                if of == bank
                and emails
                and "@" not in key
                and (of, key) not in self._rest.flagged
                # What is sent right after midnight may have been counted before.
                and emails[0].at.time() > _AFTER_MIDNIGHT
            )
            for day, count in days.items():
                if count > most:
                    yield f"a bank sends no more e-mails than its quota: {bank}, {count} on {day}"

    def _rate_kept(self) -> Iterator[str]:
        """E-mails go below the account's rate: over ten seconds, with a second's worth more for their way, and more
        where calls take long or are made again, so that an e-mail may miss its turn."""
        if "send_rate_unknown" in self._rest.log:
            return  # while SES could not be asked, the mailers guessed
        times = [email.at for email in self._stage.ses.accepted]
        weather = self._stage.weather
        for_their_way_s = 1 + 2 * READ_TIMEOUT_S * any((weather.slow, weather.lost, weather.throttled))
        most = int(self._stage.ses.rate * (10 + for_their_way_s)) + 1
        for first, last in zip(times, times[most:], strict=False):
            if last - first < timedelta(seconds=10):
                yield f"SES gets e-mails below its rate: over {most} within 10 s"
                break

    def _new_addresses_good(self) -> Iterator[str]:
        """What came back from an old address says nothing of the new one."""
        for holder in self._banks.holders.all:
            if len(holder.emails) > 1:
                record = self._banks.holders.stored(holder)
                if record.email == holder.emails[-1] and record.suppressed:
                    yield f"a new address gets e-mails: {holder.id} of {holder.account}"


def _state(note: Item | None) -> str:
    return str(value_at(note, "state")) if note else "none"
