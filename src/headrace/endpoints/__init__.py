"""A project's Globus Compute endpoints: created, started, drained and monitored."""
