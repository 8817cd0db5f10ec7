"""Behaviour where the service's documentation is silent, each in one place.

``docs/language.md`` has the same list with the reasons.
"""

from __future__ import annotations

from typing import Final

# Name of the failure when a path, an expression or a limit stops a run.
RUNTIME_ERROR: Final = "States.Runtime"
# Name of the failure when no rule of a Choice matches and it has no Default.
NO_CHOICE_ERROR: Final = "States.NoChoiceMatched"
# Name of the failure when a result cannot be put at its ResultPath.
RESULT_PATH_ERROR: Final = "States.ResultPathMatchFailure"
# The name in ErrorEquals that stands for every failure, in both of its spellings.
CATCH_ALL: Final = frozenset({"States.ALL", "States.All"})
# Failures that the catch-all does not stand for; they can be caught by their own name. ASL leaves
# States.Runtime out; a flow that asks for all failures is better served with this one too.
NOT_IN_CATCH_ALL: Final = frozenset[str]()
# Seconds that an Action may take when it has no WaitTime.
DEFAULT_WAIT_TIME: Final = 300
# Bytes of the payload, written as JSON without spaces.
PAYLOAD_LIMIT: Final = 200_000
# Seconds that people may take to answer a web input, whose states have no WaitTime: as long as a
# run may last.
WEB_INPUT_WAIT_TIME: Final = 31_536_000
# Name of the failure when a registered API fails and its template names none.
API_ERROR: Final = "ActionUnableToRun"
# A Fail state without an Error.
DEFAULT_FAIL_ERROR: Final = "States.Fail"
# Levels of a payload, a result or a definition; deeper ones would exhaust the stack.
MAX_DEPTH: Final = 64
# Seconds that a Wait may last: a year.
MAX_WAIT_SECONDS: Final = 31_536_000

# Characters of a state's name, of a flow's title and its subtitle.
MAX_NAME: Final = 128
MAX_TITLE: Final = 128
# Characters of a flow's description, and of all of its keywords together.
MAX_DESCRIPTION: Final = 4096
MAX_KEYWORDS: Final = 1024
# Characters of a run's label: the action provider interface's, as every action gets the label.
MAX_LABEL: Final = 64
# Characters of one tag of a run.
MAX_TAG: Final = 128
# Tags of one run; the service documents no number.
MAX_TAGS: Final = 100
# Different principals in one role.
MAX_PRINCIPALS: Final = 16

# An expression is at most so many characters, nested so deep.
MAX_EXPRESSION_LENGTH: Final = 20_000
MAX_EXPRESSION_DEPTH: Final = 90
# What one evaluation may take; a step is about 0.1 microseconds.
MAX_STEPS: Final = 250_000
# Characters of a string, items of a list: what simpleeval allows; likewise for comprehensions.
MAX_LENGTH: Final = 100_000
MAX_ELEMENTS: Final = 10_000
# Values and characters of one value, at all of its levels.
MAX_WEIGHT: Final = 500_000
# Largest base and exponent of a power, number of places of a shift: as in simpleeval.
MAX_POWER: Final = 4_000_000
MAX_SHIFT: Final = 10_000
# Bits of an integer: 1,233 digits. Writing one costs the square of that.
MAX_INTEGER_BITS: Final = 4_096
MAX_FORMAT_WIDTH: Final = 1_000
