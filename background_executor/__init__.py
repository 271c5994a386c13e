"""The operator's side of the work: submits, follows, fetches, judges and stores.

It works when the browser is closed. Pages import ``queries``, ``records``,
``commands``, ``config`` and ``instance``, and nothing else of it.
"""
