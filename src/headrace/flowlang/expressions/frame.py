"""State of one evaluation: its names, and what is left of its budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.flowlang import limits
from headrace.flowlang.errors import BudgetError
from headrace.flowlang.json_values import Measurer, TooDeep

VIEWS: Final[tuple[type, ...]] = (type({}.keys()), type({}.values()), type({}.items()))
SIZED: Final[Any] = (str, list, tuple, dict, set, *VIEWS)
_CONTAINERS: Final = frozenset({list, tuple, dict, set, *VIEWS})

# How many values, characters or bits are worked through in the time of one step.
_NODES_PER_STEP: Final = 8
_CHARACTERS_PER_STEP: Final = 2048
# What can be made for one step: 128 bytes at the most, so that a whole evaluation stays below
# 32 MB, and twice that while a value is copied.
_MADE_CHARACTERS: Final = 5  # 2**5
_MADE_ITEMS: Final = 4
# Integers up to so many bits are worked with at no cost to speak of.
_SMALL_BITS: Final = 256


class Frame:
    """The state of one evaluation.

    Values are never changed by an expression, so their sizes are counted once.

    Args:
        payload: the names.
        context: what ``_context`` shows.
        slots: number of comprehension variables.
    """

    __slots__ = ("_measurer", "context", "elements", "payload", "slots", "steps")

    def __init__(self, payload: Mapping[str, Any], context: Mapping[str, Any], slots: int) -> None:
        self.payload = payload
        self.context = context
        self.slots: list[Any] = [None] * slots
        self.steps = limits.MAX_STEPS
        self.elements = limits.MAX_ELEMENTS
        self._measurer: Measurer | None = None

    def charge(self, steps: int) -> None:
        """Take steps from the budget.

        Raises:
            BudgetError: there are not so many left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise BudgetError(f"takes more than {limits.MAX_STEPS:,} steps")

    def make(self, kind: type, length: int) -> None:
        """Charges for a string, a list or a tuple of this length, before it is made.

        Raises:
            BudgetError: it would be too long, or one too many.
        """
        self.check_length(length)
        self.charge(length >> (_MADE_CHARACTERS if kind is str else _MADE_ITEMS))

    def calculate(self, *bits: int) -> None:
        """Charges for working with integers of so many bits."""
        largest = max(bits)
        if largest > _SMALL_BITS:
            self.charge(largest >> 6)

    def take_elements(self, count: int, price: int) -> None:
        """Pays for the elements that a comprehension is about to go through.

        Args:
            count: how many.
            price: steps that each takes.

        Raises:
            BudgetError: there were too many.
        """
        self.elements -= count
        if self.elements < 0:
            raise BudgetError(
                f"comprehensions go through more than {limits.MAX_ELEMENTS:,} elements"
            )
        self.charge(count * price)

    def weigh(self, value: Any) -> tuple[int, int]:
        """Count the values and characters in a value, and charge for what was not yet counted.

        Raises:
            BudgetError: it is nested too deep.
        """
        kind = type(value)
        if kind not in _CONTAINERS:
            if kind is str:
                return 1, len(value)
            return 1, value.bit_length() // 3 if kind is int else 0
        if self._measurer is None:
            self._measurer = Measurer(2 * limits.MAX_DEPTH + limits.MAX_EXPRESSION_DEPTH)
        before = self._measurer.visited
        try:
            nodes, characters = self._measurer.measure(value)
        except TooDeep:
            raise BudgetError("makes a value that is nested too deep") from None
        self.charge(self._measurer.visited - before)
        return nodes, characters

    def height(self, value: Any) -> int:
        """Return how many levels a value has that was weighed before."""
        return self._measurer.height(value) if self._measurer is not None else 0

    def admit(self, value: Any) -> Any:
        """Pass a value that was put together from others, unless it is too large.

        Raises:
            BudgetError: it is.
        """
        nodes, characters = self.weigh(value)
        self.check_weight(nodes + characters)
        return value

    def check_weight(self, weight: int) -> None:
        """Raise BudgetError for more values and characters than one value may hold."""
        if weight > limits.MAX_WEIGHT:
            raise BudgetError(
                f"makes a value of more than {limits.MAX_WEIGHT:,} values and characters"
            )

    def check_length(self, length: int) -> None:
        """Raise BudgetError for a length that no string or list may have."""
        if length > limits.MAX_LENGTH:
            raise BudgetError(f"makes a string or list longer than {limits.MAX_LENGTH:,}")

    def read(self, value: Any) -> None:
        """Charges for reading through a whole value, such as for a comparison."""
        kind = type(value)
        if kind is str:
            if len(value) > _CHARACTERS_PER_STEP:
                self.charge(len(value) // _CHARACTERS_PER_STEP)
        elif kind in _CONTAINERS:
            nodes, characters = self.weigh(value)
            self.charge(nodes // _NODES_PER_STEP + characters // _CHARACTERS_PER_STEP)


def check_integer(bits: int) -> None:
    """Raise BudgetError for an integer of more bits than allowed."""
    if bits > limits.MAX_INTEGER_BITS:
        raise BudgetError(f"makes a number of more than {limits.MAX_INTEGER_BITS:,} bits")
