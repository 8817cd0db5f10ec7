"""Workflow files of FireWorks, taken over as campaigns of the flow ``sweep``.

===================  ============================================================================
`workflow_file`      files of workflows and of single Fireworks, in YAML and JSON
`task_commands`      Firetasks as lines of a shell script
`file_commands`      those that write, move, delete and pack files
`campaign_import`    the campaign that is made of them, and the report of what could not be
===================  ============================================================================

FireWorks itself is not imported, and need not be installed.
"""
