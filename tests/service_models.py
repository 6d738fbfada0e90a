"""What botocore reads and works out for each session, done once for each process of a test run.

Each session reads and parses the descriptions of the services anew, and looks at all of its event handlers. A test that
uses moto has a session of its own: that took nine tenths of the time of making a client.
"""

import functools

import botocore.hooks
import botocore.session
from botocore.loaders import Loader, create_loader


class _Paths(list[str]):
    """Paths of which each is kept once: each session of boto3's adds its own folder."""

    def append(self, path: str) -> None:
        if path not in self:
            super().append(path)


@functools.cache
def _loader(search_path: str | None = None) -> Loader:
    loader = create_loader(search_path)
    loader._search_paths = _Paths(loader.search_paths)
    return loader


def share() -> None:
    """Have all sessions share what is read, as all clients of one session do already."""
    botocore.session.create_loader = _loader
    botocore.hooks.accepts_kwargs = functools.lru_cache(maxsize=1_000)(botocore.hooks.accepts_kwargs)
    aliased, names = botocore.hooks.EventAliaser._alias_event_name, dict[str, str]()

    def name_of(aliaser: botocore.hooks.EventAliaser, event: str) -> str:
        if event not in names:
            names[event] = aliased(aliaser, event)
        return names[event]

    botocore.hooks.EventAliaser._alias_event_name = name_of
