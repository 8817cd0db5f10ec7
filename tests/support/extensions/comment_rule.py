"""A rule of the checker: each state says what it is for."""

from collections.abc import Iterator

from headrace.flowlang.checker import WARNING, Finding, RuleContext, rule


@rule("no-comment", WARNING, summary="A state has no Comment.", help="Say what the state is for.")
def no_comment(context: RuleContext) -> Iterator[Finding]:
    for name, state in context.flow.definition["States"].items():
        if "Comment" not in state:
            loc = ("definition", "States", name)
            yield Finding(WARNING, "no-comment", loc, f"{name} has no Comment", "add one")
