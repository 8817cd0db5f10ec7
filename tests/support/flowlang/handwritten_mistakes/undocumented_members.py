"""Members of answers that no provider gives."""

from __future__ import annotations

from tests.support.flowlang.handwritten_mistakes.edits import Mistake, edit

_TOLD = "d/States/Told/Parameters"
UNDOCUMENTED: dict[str, Mistake] = {
    f"{flow}: {path}": edit(flow, place, path)
    for flow, place, path in (
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.foo"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.id"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.output"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.transferred_items"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.details.result[0].task"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.result"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.output"),
        ("there_and_back", f"{_TOLD}/task.$", "$.published.status.code"),
        ("there_and_back", f"{_TOLD}/files.$", "$.processed.details.output"),
        ("there_and_back", f"{_TOLD}/files.$", "$.processed.details.results[0].result"),
        ("there_and_back", f"{_TOLD}/files.$", "$.processed.details.results[0].exception"),
        ("there_and_back", "d/States/Summarise/Parameters/files.=", "staged.details.copied + 1"),
        ("there_and_back", "d/States/Summarise/Parameters/files.=", "staged['details']['foo']"),
        ("there_and_back", "d/States/Summarise/Parameters/files.=", "staged.elapsed"),
        ("move_when_there", "d/States/Done/Parameters/size.$", "$.found.details.exists"),
        ("move_when_there", "d/States/Done/Parameters/size.$", "$.found.details.is_dir"),
        ("move_when_there", "d/States/Done/Parameters/size.$", "$.found.details.DATA[0].size"),
        ("in_batches", "d/States/Any/Choices/0/Variable", "$.listed.details.count"),
        ("in_batches", "d/States/Batch/Parameters/gone.=",
         "[{'path': e.full_path} for e in listed.details.DATA]"),
        ("in_batches", "d/States/Batch/Parameters/gone.=",
         "[{'path': e.name} for e in listed.details.files]"),
        ("asked_first", "d/States/Await/Parameters/web_input_id.$", "$.question.id"),
        ("asked_first", "d/States/Decide/Choices/0/Variable", "$.answer.value"),
        ("asked_first", "d/States/Decide/Choices/0/Variable", "$.answer.details.response"),
        ("with_a_handler", "d/States/TooLate/CausePath", "$.failure.message"),
        ("with_a_handler", "d/States/TooLate/CausePath", "$.failure.error"),
        ("with_a_handler", "d/States/Failed/Parameters/text.=", "'in ' + failure.details.code"),
        ("several_tasks", "d/States/Both/Parameters/who.$", "$._context.start_time"),
        ("several_tasks", "d/States/Both/Parameters/who.$", "$.context.user_id"),
        ("several_tasks", "d/States/Both/Parameters/fit.=", "work.details.results[0].stdout"),
        ("nested_input", "d/States/Collect/Parameters/bytes.=", "TransferData.details.nbytes"),
        ("failures_as_results", "d/States/Went/Choices/0/Variable", "$.copied.state"),
    )
}  # fmt: skip
