"""What botocore reads and works out for each session and client, done once for each process of a test run.

Each session reads and parses the descriptions of the services anew, and looks at all of its event handlers. A test that
uses moto has a session of its own: that took nine tenths of the time of making a client. Of what was left, half was a
copy of the tree of all event handlers, and much of the rest a class and a TLS context, alike for each.
"""

import copy
import functools
from collections.abc import Callable
from typing import Any

import botocore.hooks
import botocore.httpsession
import botocore.session
from botocore.client import ClientCreator
from botocore.hooks import _PrefixTrie as trie_as_it_is
from botocore.loaders import Loader, create_loader
from botocore.model import ServiceModel


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


class SharedTrie(trie_as_it_is):
    """The tree of event handlers, whose copies share every node until one of them changes it.

    A node is its tree's own if it bears the tree's mark: what a copy was made of gets a new mark too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._mark = self._root["mark"] = object()

    def __copy__(self) -> "SharedTrie":
        copied = type(self).__new__(type(self))
        copied._root, copied._mark, self._mark = self._root, object(), object()
        return copied

    def append_item(self, key: str, value: Any, section: int = botocore.hooks._MIDDLE) -> None:
        self._own_nodes_to(key)
        super().append_item(key, value, section)

    def remove_item(self, key: str, value: Any) -> None:
        self._own_nodes_to(key)
        super().remove_item(key, value)

    def _own_nodes_to(self, key: str) -> None:
        node = self._root = self._own(self._root)
        for part in key.split("."):
            if part not in node["children"]:
                break
            node["children"][part] = node = self._own(node["children"][part])

    def _own(self, node: dict[str, Any]) -> dict[str, Any]:
        if node.get("mark") is self._mark:
            return node
        return {**node, "children": dict(node["children"]), "values": copy.copy(node["values"]), "mark": self._mark}


def _made_once(create: Callable[..., type]) -> Callable[..., type]:
    classes: dict[tuple[str, str], type] = {}

    @functools.wraps(create)
    def _create_client_class(creator: ClientCreator, service_name: str, service_model: ServiceModel) -> type:
        if service_name == "s3":  # whose class boto3's sessions give methods of their own
            return create(creator, service_name, service_model)
        key = service_name, service_model.api_version
        if key not in classes:
            classes[key] = create(creator, service_name, service_model)
        return classes[key]

    return _create_client_class


def share() -> None:
    """Have all sessions share what is read, as all clients of one session do already."""
    botocore.session.create_loader = _loader
    botocore.hooks._PrefixTrie = SharedTrie
    botocore.httpsession.create_urllib3_context = functools.cache(botocore.httpsession.create_urllib3_context)
    ClientCreator._create_client_class = _made_once(ClientCreator._create_client_class)
    botocore.hooks.accepts_kwargs = functools.lru_cache(maxsize=1_000)(botocore.hooks.accepts_kwargs)
    aliased, names = botocore.hooks.EventAliaser._alias_event_name, dict[str, str]()

    def name_of(aliaser: botocore.hooks.EventAliaser, event: str) -> str:
        if event not in names:
            names[event] = aliased(aliaser, event)
        return names[event]

    botocore.hooks.EventAliaser._alias_event_name = name_of
