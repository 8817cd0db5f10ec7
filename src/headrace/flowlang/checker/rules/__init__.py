"""Rules of the checker, by subject: functions under ``@rule`` that yield findings.

A rule reads the definition and the analysis and changes neither; it yields only codes that it
declares. ``registry`` has the decorator and the context, ``builtin`` the order in which rules run;
every other module has the rules of the subject in its name.
"""
