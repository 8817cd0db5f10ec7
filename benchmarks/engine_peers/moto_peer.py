"""moto's Step Functions interpreter, in memory: nothing is durable. Prints JSON."""

from __future__ import annotations

import json
import sys
import time

import boto3
from moto import mock_aws

ROLE = "arn:aws:iam::123456789012:role/none"


def definition(items: int) -> str:
    """Return a Map over so many items: one Pass and one Choice for each."""
    rule = {"Variable": "$.i", "NumericLessThan": 0, "Next": "Last"}
    loop = {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Next": "More"},
            "More": {"Type": "Choice", "Choices": [rule], "Default": "Last"},
            "Last": {"Type": "Pass", "End": True},
        },
    }
    states = {"All": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 1, "Iterator": loop}}
    states["All"]["End"] = True
    return json.dumps({"StartAt": "All", "States": states, "Comment": str(items)})


def ended(client: object, arns: list[str]) -> None:
    """Wait for executions."""
    for arn in arns:
        while True:
            status = client.describe_execution(executionArn=arn)["status"]  # type: ignore[attr-defined]
            if status != "RUNNING":
                break
            time.sleep(0.001)
        if status != "SUCCEEDED":
            raise SystemExit(f"moto: {status}")


@mock_aws(config={"stepfunctions": {"execute_state_machine": True}})
def main(sequential: int, runs: int, each: int) -> None:
    """Measure one long execution, and many short ones."""
    client = boto3.client("stepfunctions", region_name="us-east-1")
    machine = client.create_state_machine(name="m", definition=definition(0), roleArn=ROLE)
    arn = machine["stateMachineArn"]
    answer = {}
    for name, count, items in (("sequential", 1, sequential), ("concurrent", runs, each)):
        body = json.dumps({"items": [{"i": number} for number in range(items)]})
        begun = time.perf_counter()
        started = [
            client.start_execution(stateMachineArn=arn, name=f"{name}{n}", input=body)
            for n in range(count)
        ]
        ended(client, [one["executionArn"] for one in started])
        seconds = time.perf_counter() - begun
        transitions = count * (3 * items + 1)
        answer[name] = {
            "runs": count,
            "transitions": transitions,
            "transitions_per_second": transitions / seconds,
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
