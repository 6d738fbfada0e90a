"""What stands in the place of an app's own process and clients, where many functions share one process."""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from chalice import Chalice
from greenlet import getcurrent, greenlet


class Client:
    """A client of one AWS service, as the app sees it. `call` makes each call, by service and operation."""

    def __init__(self, call: Callable[..., Any], service: str) -> None:
        self._call = call
        self._service = service

    def __getattr__(self, operation: str) -> Any:
        return partial(self._call, self._service, operation)


class ServedApp(Chalice):
    """The app with a current request for each running function: on AWS, each copy is a process of its own."""

    requests: ClassVar[WeakKeyDictionary[greenlet, Any]] = WeakKeyDictionary()

    @property
    def current_request(self) -> Any:
        return self.requests[getcurrent()]

    @current_request.setter
    def current_request(self, value: Any) -> None:
        self.requests[getcurrent()] = value


class Routed:
    """Stands in the place of `app.services`: leads to the services of the copy that runs."""

    def __init__(self, running: Callable[[], Any]) -> None:
        self._running = running

    def __getattr__(self, name: str) -> Any:
        return getattr(self._running(), name)
