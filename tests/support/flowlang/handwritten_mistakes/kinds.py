"""Single mistakes as people make them, each written out by hand for one of the sound flows.

The kinds are those of public questions, issues and flows: answers read by members that no provider
gives, input schemas that nothing satisfies, texts where a provider takes a boolean or a number,
names in place of ids, times that cannot be, names of failures from elsewhere, and what else was
copied from the Amazon States Language.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.flowlang.handwritten_mistakes.choices import CHOICES
from tests.support.flowlang.handwritten_mistakes.edits import Mistake
from tests.support.flowlang.handwritten_mistakes.expressions import EXPRESSIONS
from tests.support.flowlang.handwritten_mistakes.parameters import PARAMETERS
from tests.support.flowlang.handwritten_mistakes.schemas import SCHEMAS
from tests.support.flowlang.handwritten_mistakes.states import STATES
from tests.support.flowlang.handwritten_mistakes.undocumented_members import UNDOCUMENTED

KINDS: Mapping[str, Mapping[str, Mistake]] = {
    "undocumented members": UNDOCUMENTED,
    "schemas": SCHEMAS,
    "parameters": PARAMETERS,
    "states": STATES,
    "choices": CHOICES,
    "expressions": EXPRESSIONS,
}
