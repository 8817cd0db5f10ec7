"""The directory that a trigger's path leads to, and its change notifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headrace.triggers.change_notifier import ChangeNotifier, explain_inotify_error
from headrace.triggers.changes import ChangeCallback, ReportScope
from headrace.triggers.event_probe import EventProbe
from headrace.triggers.problem_reporter import ProblemReporter
from headrace.triggers.trigger import Trigger
from headrace.triggers.watched_directory import FilesystemInfo, WatchedDirectory


class DirectoryAttachment:
    """Attachment to one directory, until another one lies in its place.

    Attributes:
        filesystem: what is known of the directory, also after it went away; None at first.
        stamp: differs from that of another directory in its place; None while there is none.

    Args:
        trigger: the trigger.
        on_change: called from another thread with each change.
        problems: reports that there is no inotify.
    """

    def __init__(
        self, trigger: Trigger, on_change: ChangeCallback, problems: ProblemReporter
    ) -> None:
        self.filesystem: FilesystemInfo | None = None
        self.stamp: tuple[int, ...] | None = None
        self._trigger = trigger
        self._probe = EventProbe(on_change)
        self._problems = problems
        self._notifier: ChangeNotifier | None = None

    @property
    def stable_inodes(self) -> bool:
        """True where inode numbers last in the directory."""
        return self.filesystem is not None and self.filesystem.stable_inodes

    def prepare(self, directory: WatchedDirectory) -> tuple[FilesystemInfo, str] | None:
        """Begin to notice changes in an open directory.

        Args:
            directory: the directory, just opened.

        Returns:
            what is known of it, and "inotify" or "poll"; None if the path leads elsewhere by now.

        Raises:
            OSError: it cannot be read.
        """
        filesystem = directory.probe_filesystem()
        observer = filesystem.observer
        if observer == "inotify":
            # Before the first scan, so that nothing falls between.
            try:
                self._notifier = ChangeNotifier(self._trigger.directory, self._probe.receive)
            except (OSError, RuntimeError, ImportError) as error:
                observer = "poll"
                self._problems.report(
                    f"{self._trigger.directory}: no inotify: {explain_inotify_error(error)}; "
                    f"scanning every {self._trigger.interval:g} s instead"
                )
        if self._notifier is not None and filesystem.uncertain:
            filesystem, observer = self._probe_events(self._notifier, filesystem)
        with WatchedDirectory(self._trigger) as again:
            if again.stamp != directory.stamp:
                self.detach()
                return None
        return filesystem, observer

    def _probe_events(
        self, notifier: ChangeNotifier, filesystem: FilesystemInfo
    ) -> tuple[FilesystemInfo, str]:
        """Find out whether events are reported; without, scan only, and look again and again."""
        if self._probe.sees_events(self._trigger.directory) is not False:
            return filesystem, "inotify"
        notifier.close()
        self._notifier = None
        self._problems.report(
            f"{self._trigger.directory}: no event comes when a file is made there, as on a network "
            f'file system; scanning every {self._trigger.interval:g} s; observer = "both" under '
            "[watch] takes events nevertheless"
        )
        return replace(filesystem, observer="poll", remote=True), "poll"

    def follow(self, name: str, location: Path, scope: ReportScope) -> bool:
        """Have changes in an arrival that waits reported from now on; look at it afterwards.

        Args:
            name: its name in the directory.
            location: the arrival.
            scope: which changes to report.

        Returns:
            whether all of them are: not where others may change it unseen by this machine, where
            there is no inotify, or where its watches are used up, which is told.

        Raises:
            FileNotFoundError: it has gone away.
        """
        if self._notifier is None or self.filesystem is None or self.filesystem.remote:
            return False
        if self._trigger.what != "directory" or scope.is_empty:
            # The directory's own watch reports what happens to the files in it.
            return True
        try:
            return self._notifier.watch(name, location, scope)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(str(error)) from error
        except OSError as error:
            self._problems.report(
                f"{self._trigger.directory}: no inotify for all that waits in it: "
                f"{explain_inotify_error(error)}; looking at it again and again instead"
            )
            return False

    def follow_parent(self, key: str) -> None:
        """Have what appears in a directory between the watched one and arrivals reported.

        Args:
            key: its path in the watched directory.
        """
        if self._notifier is None:
            return
        try:
            self._notifier.watch_parent(key, self._trigger.directory / key)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._problems.report(
                f"{self._trigger.directory}: no inotify for all directories in it: "
                f"{explain_inotify_error(error)}; scanning every {self._trigger.interval:g} s "
                "instead"
            )

    def unfollow(self, name: str) -> None:
        """Have no more changes in an arrival reported."""
        if self._notifier:
            self._notifier.unwatch(name)

    def attach(self, filesystem: FilesystemInfo, directory: WatchedDirectory) -> None:
        """Take it that the path leads to a directory from now on."""
        self.filesystem, self.stamp = filesystem, directory.stamp

    def detach(self) -> None:
        """Take it that the directory is not there."""
        self.close()
        self.stamp = None

    def close(self) -> None:
        """End the change notifier."""
        if self._notifier:
            self._notifier.close()
            self._notifier = None
