"""The site's own data on an order: a function of the deployer's, named in the settings."""

import importlib
import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wxbot.kits.order_facts import OrderFacts, facts_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AskedOrder:
    """Which order the site is asked about; `data` is what it attached to the claim."""

    account: str
    number: str
    data: Mapping[str, object] = field(repr=False)


# What is known of the order by now, None when there is none.
Lookup = Callable[[AskedOrder], Mapping[str, object] | None]


def function_named(name: object) -> object:
    """Return the function behind `module:function`; raises ValueError in the operator's words."""
    if not isinstance(name, str) or not name:
        return name or None
    module, colon, function = name.partition(":")
    if not (module and colon and function.isidentifier()):
        raise ValueError("must name a function as module:function, as in shop.orders:find")
    try:
        found = getattr(importlib.import_module(module), function, None)
    # A module may raise anything while it is imported.
    except (Exception, SystemExit) as error:
        raise ValueError(f"{module} cannot be imported: {type(error).__name__}") from error
    if not callable(found) or inspect.iscoroutinefunction(found):
        raise ValueError(f"{module} has no plain function {function}")
    return found


def ask_site(lookup: Lookup | None, asked: AskedOrder) -> OrderFacts | None:
    """Return what is known of an order, the lookup's word before the claim's; None when it is gone.

    Whatever the lookup does, it costs nobody their order: if it fails, the claim's data have to do.
    """
    known = facts_of(asked.data)
    if lookup is None:
        return known
    try:
        found = lookup(asked)
        return None if found is None else facts_of({**asked.data, **found})
    # Foreign code; what it raises may name the customer, so only the kind is logged.
    except Exception as error:
        log.error("the lookup of orders failed with %s; the claim's own data are shown", type(error).__name__)
        return known
