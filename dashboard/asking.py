"""How a page asks the executor for something: one row in the store, once for one wish."""

import hashlib

from background_executor import queries
from background_executor.commands import Command
from background_executor.store import Store


def ask(store: Store, site: str, command: Command, operator: str) -> int:
    """Enqueue a command and return its number at once.

    The key of the wish is made from its operator, the command and the last
    answer that she had to the same one: pressing twice, here or in another
    browser, gives one command until it is answered, and then a new one. Two
    operators who wish the same are two wishes: each is on record, and the
    later one is told what the earlier one did.
    """
    answered = queries.newest_answered(store, site, command, operator)
    wish = f"{operator}|{command.kind}|{command.model_dump_json()}|{answered}"
    key = hashlib.sha256(wish.encode()).hexdigest()
    return store.enqueue(site, command, operator, key)
