"""What is made once for all clients: each is as one that botocore makes by itself."""

import copy

import boto3
from hypothesis import given
from hypothesis import strategies as st

from tests.service_models import SharedTrie, trie_as_it_is

_KEYS = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=3).map(".".join)
_STEPS = st.tuples(st.sampled_from(["copy", "append", "remove", "search"]), st.integers(0, 3), _KEYS, st.integers(0, 2))


@given(st.lists(_STEPS, max_size=40))
def test_a_copy_that_shares_its_nodes_answers_as_a_whole_copy_does(steps):
    tries = [(SharedTrie(), trie_as_it_is())]
    for number, (what, which, key, section) in enumerate(steps):
        shared, whole = tries[which % len(tries)]
        if what == "copy":
            tries.append((copy.copy(shared), copy.copy(whole)))
        elif what == "append":
            shared.append_item(key, number, section)
            whole.append_item(key, number, section)
        elif what == "remove":
            values = list(whole.prefix_search(key))
            value = values[0] if values else number
            assert _error(shared, key, value) == _error(whole, key, value)
        for one, other in tries:
            assert list(one.prefix_search(key)) == list(other.prefix_search(key))


def _error(trie, key, value):
    try:
        trie.remove_item(key, value)
    except (ValueError, AttributeError) as error:
        return type(error), str(error)
    return None


def test_what_one_client_is_told_no_other_one_hears():
    first, second = boto3.client("dynamodb"), boto3.client("dynamodb")
    heard = []
    first.meta.events.register("told.dynamodb", lambda **_: heard.append("first"))
    second.meta.events.emit("told.dynamodb.GetItem")
    assert heard == []
    first.meta.events.emit("told.dynamodb.GetItem")
    boto3.client("dynamodb").meta.events.emit("told.dynamodb.GetItem")
    assert heard == ["first"]
