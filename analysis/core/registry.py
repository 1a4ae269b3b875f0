"""Registries: named definitions filled by decorator or call, in a fixed order, without duplicates."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from analysis.core.errors import UnknownName


class Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """Definitions by name. `add` returns what it was given, so that it also serves as a decorator's last step."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}

    def add(self, item: T) -> T:
        if item.name in self._items:
            raise ValueError(f"{self.kind} '{item.name}' is registered twice")
        self._items[item.name] = item
        return item

    def get(self, name: str) -> T:
        """The definition called `name`; UnknownName with the nearest known one otherwise."""
        if name not in self._items:
            raise UnknownName(self.kind, name, self._items)
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(self._items.values())

    def __len__(self) -> int:
        return len(self._items)
