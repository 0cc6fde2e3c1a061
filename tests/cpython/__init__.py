"""CPython's own tests of asyncio, once on bare loops and once on loops that are watched.

`suite` runs one module of them and reports, in a process of the Python that is tested. `watching`
is what puts this package beside every loop there. `comparison` runs both, and says in which tests
they differ; `exceptions.toml` says in which they may. `python -m tests.cpython` does all of it.
"""
