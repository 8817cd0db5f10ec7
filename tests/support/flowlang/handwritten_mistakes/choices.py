"""Rules of choices: wrong types, values that never come, other operators."""

from __future__ import annotations

from tests.support.flowlang.handwritten_mistakes.edits import GONE, Mistake, edit

_KIND = "d/States/Kind/Choices/0"
_QUALITY = "d/States/Quality/Choices"
CHOICES: dict[str, Mistake] = {
    "a number with a text": edit("with_a_handler", f"{_QUALITY}/1",
                                 {"Variable": "$.threshold", "StringEquals": "0.5",
                                  "Next": "Strict"}),
    "a text with a number": edit("with_a_handler", f"{_QUALITY}/0",
                                 {"Variable": "$.mode", "NumericEquals": 1, "Next": "Done"}),
    "a text as a truth": edit("with_a_handler", f"{_QUALITY}/0",
                              {"Variable": "$.mode", "BooleanEquals": True, "Next": "Done"}),
    "a number as a time": edit("with_a_handler", f"{_QUALITY}/1",
                               {"Variable": "$.threshold",
                                "TimestampLessThan": "2031-01-01T00:00:00Z", "Next": "Strict"}),
    "an object as a text": edit("move_when_there", f"{_KIND}/Variable", "$.source"),
    "a literal of another type": edit("with_a_handler", f"{_QUALITY}/1/NumericGreaterThan", "0.5"),
    "IsPresent in quotes": edit("move_when_there", "d/States/IsThere/Choices/0/IsPresent", "true"),
    "a time in words": ("optional_label", [
        ("d/States/When/Choices/0/And/1/TimestampGreaterThan", "tomorrow")]),
    "a value that the enum lacks": edit("with_a_handler", f"{_QUALITY}/0/StringEquals", "fast"),
    "a value in another case": edit("move_when_there", f"{_KIND}/StringEquals", "Dir"),
    "a type that stat does not give": edit("move_when_there", f"{_KIND}/StringEquals",
                                           "directory"),
    "a status that no action has": edit(
        "failures_as_results", "d/States/Went/Choices/0/StringEquals", "SUCCESS"),
    "a status in lower case": edit(
        "failures_as_results", "d/States/Went/Choices/0/StringEquals", "succeeded"),
    "an answer that is no option": edit(
        "asked_first", "d/States/Decide/Choices/0/StringEquals", "Publish"),
    "a rule twice": ("with_a_handler", [(f"{_QUALITY}/1", {
        "Variable": "$.mode", "StringEquals": "quick", "Next": "Strict"})]),
    "bounds that exclude one another": ("with_a_handler", [(f"{_QUALITY}/1", {
        "And": [{"Variable": "$.threshold", "NumericGreaterThan": 5},
                {"Variable": "$.threshold", "NumericLessThan": 3}], "Next": "Strict"})]),
    "two values at once": ("with_a_handler", [(f"{_QUALITY}/0", {
        "And": [{"Variable": "$.mode", "StringEquals": "quick"},
                {"Variable": "$.mode", "StringEquals": "thorough"}], "Next": "Done"})]),
    "either of two values is another": ("shared_with_somebody", [
        ("d/States/Guest/Choices/0", {"Or": [
            {"Not": {"Variable": "$.info.details.entity_type",
                     "StringEquals": "GCP_guest_collection"}},
            {"Not": {"Variable": "$.info.details.entity_type",
                     "StringEquals": "GCSv5_guest_collection"}}], "Next": "Copy"})]),
    "a pattern compared as a text": ("asked_first", [
        ("d/States/Decide/Choices/0", {"Variable": "$.source.path", "StringEquals": "*.h5",
                                       "Next": "Publish"})]),
    "no Next": edit("move_when_there", f"{_KIND}/Next", GONE),
    "no Default": edit("move_when_there", "d/States/Kind/Default", GONE),
    "a Default that is a rule": edit("move_when_there", "d/States/Kind/Default",
                                     {"Next": "NoDirectory"}),
    "two operators": edit("move_when_there", f"{_KIND}/IsPresent", True),
    "Choices as an object": edit("move_when_there", "d/States/Kind/Choices",
                                 {"Variable": "$.mode", "IsPresent": True, "Next": "Move"}),
    "a Variable without $": edit("move_when_there", f"{_KIND}/Variable", "found.details.type"),
    "a Variable that is an expression": edit("move_when_there", f"{_KIND}/Variable",
                                             "$.found.details.type == 'dir'"),
    "Equals": ("move_when_there", [(f"{_KIND}/StringEquals", GONE), (f"{_KIND}/Equals", "dir")]),
}  # fmt: skip
