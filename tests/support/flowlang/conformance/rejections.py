"""Sections 3, 4, 7 and 12: members of states that are refused."""

from __future__ import annotations

from tests.support.flowlang.conformance.case import Case, Refused
from tests.support.flowlang.conformance.definitions import EXTRA, MISSING, STATE, wait
from tests.support.flowlang.flow_builders import action, flow

PATHS = [
    Refused(
        "12.5",
        "InputPath",
        flow(A=action(Parameters=None, InputPath="a")),
        [*STATE, "InputPath"],
        "begins with '$.'",
    ),
    Refused(
        "12.5",
        "InputPath is no string",
        flow(A=action(Parameters=None, InputPath=1)),
        [*STATE, "InputPath"],
        "str",
        "type_error.str",
    ),
    Refused(
        "12.5",
        "$$ of ASL",
        flow(A=action(Parameters={"x.$": "$$.Execution.Id"})),
        [*STATE, "Parameters", "x.$"],
        "$._context",
    ),
    Refused(
        "4.1",
        "ResultPath null",
        flow(A=action(ResultPath=None) | {"ResultPath": None}),
        [*STATE, "ResultPath"],
        "str",
        "type_error.str",
    ),
    Refused(
        "4.1",
        "ResultPath with a slice",
        flow(A=action(ResultPath="$.a[1:]")),
        [*STATE, "ResultPath"],
        "one place",
    ),
    Refused(
        "4.1",
        "ResultPath with a wildcard",
        flow(A=action(ResultPath="$.a[*]")),
        [*STATE, "ResultPath"],
        "one place",
    ),
    Refused(
        "12.9",
        "ResultPath into the context",
        flow(A=action(ResultPath="$._context.x")),
        [*STATE, "ResultPath"],
        "_context",
    ),
    Refused(
        "12.9",
        "ResultPath that is the context",
        flow(A=action(ResultPath="$['_context']")),
        [*STATE, "ResultPath"],
        "_context",
    ),
    Refused(
        "12.5",
        "a .$ value that is no string",
        flow(A=action(Parameters={"x.$": 7})),
        [*STATE, "Parameters", "x.$"],
        "path",
    ),
    Refused(
        "12.5",
        "a .$ value that is no path",
        flow(A=action(Parameters={"x.$": "x"})),
        [*STATE, "Parameters", "x.$"],
        "begins with '$.'",
    ),
    Refused(
        "4.3",
        "a .$ value in an array",
        flow(A=action(Parameters={"l": [{}, {"x.$": "no"}]})),
        [*STATE, "Parameters", "l", 1, "x.$"],
        "begins with '$.'",
    ),
    Refused(
        "12.5",
        "a .= value that is no expression",
        flow(A=action(Parameters={"x.=": "1 +"})),
        [*STATE, "Parameters", "x.="],
        "1 +",
    ),
    Refused(
        "4.3",
        "a .= value that is no string",
        flow(A=action(Parameters={"x.=": 1})),
        [*STATE, "Parameters", "x.="],
        "must be a string",
    ),
    Refused(
        "4.3",
        "a constant and a path of one name",
        flow(A=action(Parameters={"x": 1, "x.$": "$.x"})),
        [*STATE, "Parameters", "x.$"],
        "more than once",
    ),
    Refused(
        "4.3",
        "a path and an expression of one name",
        flow(A=action(Parameters={"x.$": "$.x", "x.=": "1"})),
        [*STATE, "Parameters", "x.="],
        "more than once",
    ),
    Refused(
        "4.3",
        "no name before .$",
        flow(A=action(Parameters={".$": "$.x"})),
        [*STATE, "Parameters", ".$"],
        "a name is missing",
    ),
    Refused(
        "4.4",
        "__Private_Parameters is no array",
        flow(A=action(Parameters={"__Private_Parameters": "x"})),
        [*STATE, "Parameters", "__Private_Parameters"],
        "array of names",
    ),
    Refused(
        "4.4",
        "__Private_Parameters of numbers",
        flow(A=action(Parameters={"o": {"__Private_Parameters": [1]}})),
        [*STATE, "Parameters", "o", "__Private_Parameters"],
        "array of names",
    ),
]

CATCHERS = [
    Refused(
        "7.2", "Catch: no catcher", flow(A=action(Catch=[])), [*STATE, "Catch"], "at least one"
    ),
    Refused("7.2", "Catch: no array", flow(A=action(Catch={})), [*STATE, "Catch"], "at least one"),
    Refused(
        "7.2",
        "Catch: a catcher that is no object",
        flow(A=action(Catch=["x"])),
        [*STATE, "Catch", 0],
        "dict",
        "type_error.dict",
    ),
    Refused(
        "7.2",
        "Catch: no name",
        flow(A=action(Catch=[{"ErrorEquals": [], "Next": "A"}])),
        [*STATE, "Catch", 0, "ErrorEquals"],
        "array of names",
    ),
    Refused(
        "7.2",
        "Catch: a name that is no string",
        flow(A=action(Catch=[{"ErrorEquals": [1], "Next": "A"}])),
        [*STATE, "Catch", 0, "ErrorEquals"],
        "array of names",
    ),
    Refused(
        "7.1",
        "Catch: an empty name",
        flow(A=action(Catch=[{"ErrorEquals": [""], "Next": "A"}])),
        [*STATE, "Catch", 0, "ErrorEquals"],
        "array of names",
    ),
    Refused(
        "7.2",
        "Catch: no ErrorEquals",
        flow(A=action(Catch=[{"Next": "A"}])),
        [*STATE, "Catch", 0, "ErrorEquals"],
        "field required",
        MISSING,
    ),
    Refused(
        "7.2",
        "Catch: no Next",
        flow(A=action(Catch=[{"ErrorEquals": ["x"]}])),
        [*STATE, "Catch", 0, "Next"],
        "field required",
        MISSING,
    ),
    Refused(
        "12.3",
        "Catch: Next is no state",
        flow(A=action(Catch=[{"ErrorEquals": ["x"], "Next": "Z"}])),
        [*STATE, "Catch", 0, "Next"],
        "'Z' is not a state",
    ),
    Refused(
        "7.2",
        "Catch: another key",
        flow(A=action(Catch=[{"ErrorEquals": ["x"], "Next": "A", "Retry": 1}])),
        [*STATE, "Catch", 0, "Retry"],
        "extra",
        EXTRA,
    ),
    Refused(
        "4.1",
        "Catch: ResultPath into the context",
        flow(A=action(Catch=[{"ErrorEquals": ["x"], "Next": "A", "ResultPath": "$._context"}])),
        [*STATE, "Catch", 0, "ResultPath"],
        "_context",
    ),
]

ENDS = [
    Refused("12.7", "Wait for nothing", wait(), STATE, "exactly one of Seconds"),
    Refused(
        "12.7",
        "Wait for two things",
        wait(Seconds=1, TimestampPath="$.t"),
        STATE,
        "exactly one of Seconds",
    ),
    Refused("3.5", "Seconds is no integer", wait(Seconds=1.5), [*STATE, "Seconds"], "whole number"),
    Refused("3.5", "Seconds is a boolean", wait(Seconds=True), [*STATE, "Seconds"], "whole number"),
    Refused(
        "10", "Seconds beyond a year", wait(Seconds=31_536_001), [*STATE, "Seconds"], "31536000"
    ),
    Refused(
        "3.5",
        "a day for a Timestamp",
        wait(Timestamp="2026-01-31"),
        [*STATE, "Timestamp"],
        "with a zone",
    ),
    Refused(
        "3.5",
        "a Timestamp without zone",
        wait(Timestamp="2026-01-31T12:00:00"),
        [*STATE, "Timestamp"],
        "with a zone",
    ),
    Refused(
        "3.5",
        "a day that is not",
        wait(Timestamp="2026-02-30T12:00:00Z"),
        [*STATE, "Timestamp"],
        "with a zone",
    ),
    Refused(
        "3.5",
        "an hour that is not",
        wait(Timestamp="2026-02-03T25:00:00Z"),
        [*STATE, "Timestamp"],
        "with a zone",
    ),
    Refused(
        "12.5", "SecondsPath", wait(SecondsPath="s"), [*STATE, "SecondsPath"], "begins with '$.'"
    ),
    Refused(
        "12.7",
        "Error and ErrorPath",
        flow(A={"Type": "Fail", "Error": "e", "ErrorPath": "$.e"}),
        STATE,
        "mutually exclusive",
    ),
    Refused(
        "12.7",
        "Cause and CausePath",
        flow(A={"Type": "Fail", "Cause": "e", "CausePath": "$.e"}),
        STATE,
        "mutually exclusive",
    ),
    Refused(
        "3.6",
        "Error is no string",
        flow(A={"Type": "Fail", "Error": 1}),
        [*STATE, "Error"],
        "str",
        "type_error.str",
    ),
    Refused(
        "12.5",
        "CausePath",
        flow(A={"Type": "Fail", "CausePath": "c"}),
        [*STATE, "CausePath"],
        "begins with '$.'",
    ),
]

CASES: list[Case] = [*PATHS, *CATCHERS, *ENDS]
