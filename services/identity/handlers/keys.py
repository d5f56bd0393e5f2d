"""Use cases of signing keys: list, rotate, retire; and the ring of parsed keys that requests use."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.identity.domain.clients import SIGNING_ALGORITHMS
from services.identity.domain.jose import KeyRing, new_key
from services.identity.domain.keys import Keeping, KeyState, SigningKey, due, seconds_to_ripen
from services.identity.errors import KeyStillSigning, KeyTooYoung, KeyUnknown
from services.identity.settings import IdentitySettings
from services.identity.store import Work
from services.kit.audit import AuditEntry

SCHEDULE = "schedule"
"""Who acts where nobody does: the worker, in the audit trail."""
REFRESH_SECONDS = 3.0
"""How old a replica's view of the keys may be."""


@dataclass(frozen=True, slots=True)
class RotateKeys:
    """Let the published key of each algorithm (or of one) sign. `force`: even if it is published for a short time."""

    actor: str
    algorithm: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class RetireKey:
    """Take one key out of use at once: a published one goes, a signing one gives way, a retired one leaves the JWKS."""

    actor: str
    kid: str


async def list_keys(work: Work) -> list[SigningKey]:
    """Every key with its state, oldest first."""
    async with work:
        return await work.keys.all()


async def ensure_keys(work: Work, states: Sequence[KeyState] = (KeyState.SIGNING, KeyState.PUBLISHED)) -> None:
    """Give each algorithm a key in each of these states. Safe on several replicas at once: the database decides."""
    async with work:
        there = {(key.algorithm, key.state) for key in await work.keys.all()}
    missing = [(name, state) for name in SIGNING_ALGORITHMS for state in states if (name, state) not in there]
    if not missing:
        return
    # RSA takes its time: nobody waits for the transaction meanwhile.
    made = await asyncio.to_thread(lambda: [new_key(name) for name, _ in missing])
    async with work:
        now = work.now()
        for (name, state), (public, private) in zip(missing, made, strict=True):
            kid, signing_at = str(public["kid"]), now if state is KeyState.SIGNING else None
            sealed = work.crypto.encrypt_json(private, f"signing_keys.private/{kid}")
            await work.keys.add(SigningKey(kid, name, state, public, now, signing_at, None), sealed)


async def rotate_keys(command: RotateKeys, work: Work) -> list[SigningKey]:
    """Let the next keys sign and publish their successors; the keys that sign now.

    Raises KeyTooYoung while a verifier may not have seen the next key (item 12), KeyStillSigning without a next one.
    """
    settings = _settings(work)
    async with work:
        keys = await work.keys.all(lock=True)
        for algorithm in SIGNING_ALGORITHMS:
            if command.algorithm in (None, algorithm):
                await _advance(work, keys, algorithm, settings, command.force)
        kids = ",".join(key.kid for key in keys if key.state is KeyState.PUBLISHED)
        work.audit(AuditEntry(command.actor, "rotate", "signing_keys", kids[:200]))
        signing = [key for key in await work.keys.all() if key.state is KeyState.SIGNING]
    await ensure_keys(work)
    return signing


async def retire_key(command: RetireKey, work: Work) -> None:
    """Raises KeyUnknown, KeyStillSigning (no published key could take over)."""
    async with work:
        keys = await work.keys.all(lock=True)
        key = next((key for key in keys if key.kid == command.kid), None)
        if key is None:
            raise KeyUnknown("`tongban keys list` shows them")
        if key.state is KeyState.SIGNING:
            if not any(k.state is KeyState.PUBLISHED and k.algorithm == key.algorithm for k in keys):
                raise KeyStillSigning("no key of this algorithm is published")
            await _advance(work, keys, key.algorithm, _settings(work), force=True)
        # Tokens that it signed fail from now on: this is for a key that others may hold.
        await work.keys.remove(key.kid)
        work.audit(AuditEntry(command.actor, "retire", "signing_keys", key.kid))
    await ensure_keys(work)


async def tend_keys(work: Work) -> None:
    """What the worker does: make what is missing, rotate on schedule, drop retired keys that nothing can need."""
    settings = _settings(work)
    keeping = keeping_of(settings)
    await ensure_keys(work)
    async with work:
        now = work.now()
        keys = await work.keys.all(lock=True)
        for key in keys:
            if keeping.over(key, now):
                await work.keys.remove(key.kid)
                work.audit(AuditEntry(SCHEDULE, "remove", "signing_keys", key.kid))
            if due(key, now, timedelta(days=settings.key_rotation_days)):
                with contextlib.suppress(KeyTooYoung, KeyStillSigning):  # not yet: the next round tries again
                    following = await _advance(work, keys, key.algorithm, settings, force=False)
                    work.audit(AuditEntry(SCHEDULE, "rotate", "signing_keys", following.kid))
    await ensure_keys(work)


async def _advance(
    work: Work, keys: list[SigningKey], algorithm: str, settings: IdentitySettings, force: bool
) -> SigningKey:
    """The key that signs from now on; its successor is still to be made. Raises KeyTooYoung, KeyStillSigning."""
    now = work.now()
    current = [key for key in keys if key.algorithm == algorithm and key.state is KeyState.SIGNING]
    following = [key for key in keys if key.algorithm == algorithm and key.state is KeyState.PUBLISHED]
    if not following:
        raise KeyStillSigning(f"no {algorithm} key is published yet: the service makes one within a minute")
    wait = seconds_to_ripen(following[0], now, timedelta(seconds=settings.key_publish_seconds))
    if wait and not force:
        raise KeyTooYoung(f"the next {algorithm} key may sign in {wait} s")
    for key in current:
        await work.keys.set_retired(key.kid, now)
    await work.keys.set_signing(following[0].kid, now)
    return following[0]


def keeping_of(settings: IdentitySettings) -> Keeping:
    """How long retired keys are kept."""
    longest = max(settings.access_token_seconds, settings.id_token_seconds)
    return Keeping(timedelta(seconds=longest), timedelta(seconds=settings.session_absolute_seconds))


def _settings(work: Work) -> IdentitySettings:
    settings = work.context.settings
    assert isinstance(settings, IdentitySettings)
    return settings


class Keys:
    """The key ring as this process knows it, read again after a few seconds; parsed once, not for each request."""

    def __init__(self, reading: Callable[[], Work], keeping: Keeping) -> None:
        self._reading = reading
        self._keeping = keeping
        self._ring: KeyRing | None = None
        self._read_at = 0.0
        self._known: frozenset[tuple[str, str, bool]] = frozenset()
        self._lock = asyncio.Lock()

    async def ring(self) -> KeyRing:
        """The keys of now."""
        if self._ring is None or time.monotonic() - self._read_at > REFRESH_SECONDS:
            async with self._lock:
                if self._ring is None or time.monotonic() - self._read_at > REFRESH_SECONDS:
                    self._ring = await self._load()
                    self._read_at = time.monotonic()
        return self._ring

    def forget(self) -> None:
        """Read again at the next use."""
        self._read_at = 0.0
        self._known = frozenset()

    async def _load(self) -> KeyRing:
        async with self._reading() as work:
            keys = await work.keys.all()
            published = {key.kid for key in keys if self._keeping.published(key, work.now())}
            known = frozenset((key.kid, key.state.value, key.kid in published) for key in keys)
            if self._ring is not None and known == self._known:
                return self._ring
            signing = {key.algorithm: key.kid for key in keys if key.state is KeyState.SIGNING}
            sealed = await work.keys.private_parts(list(signing.values()))
            private = {
                algorithm: work.crypto.decrypt_json(sealed[kid], f"signing_keys.private/{kid}")
                for algorithm, kid in signing.items()
            }
        self._known = known
        shown, older = ([k.public for k in keys if (k.kid in published) is wanted] for wanted in (True, False))
        return KeyRing.of(shown, private, older)
