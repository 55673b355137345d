"""What an export looks like to a client: when asked for, at work, done, in the list; its links."""

import math
from collections.abc import Callable
from typing import Any

from connector.sandbox.scenario import ShortKit
from connector.sandbox.shortkit.building import Build
from connector.sandbox.shortkit.jobs import COMPLETE, FAILED, Job
from connector.sandbox.shortkit.rows import write_day, write_stamp

_ROW_BYTES = 210
_HOSTS = {"private": "http://10.20.30.40", "other": "https://files.example.net"}


class Describer:
    """Writes jobs down; `link_host` is the host of the files, without a final slash."""

    def __init__(self, settings: ShortKit, link_host: Callable[[], str]) -> None:
        self.settings = settings
        self.link_host = link_host

    def describe_new(self, job: Job, now: float) -> dict[str, Any]:
        """The answer to a create."""
        ready_at = job.ready_at(self.settings, now) or now + 60
        return {
            "jobId": job.id,
            "status": job.state(self.settings, now)[0],
            "estimatedSize": size_text(job.estimate * _ROW_BYTES),
            "estimatedRowCount": job.estimate,
            "estimatedCompletion": write_stamp(math.ceil(ready_at)),
            "createdAt": write_stamp(job.created_at),
        }

    def describe(self, job: Job, now: float) -> dict[str, Any]:
        """The answer to a look at an export."""
        status, done = job.state(self.settings, now)
        told: dict[str, Any] = {"jobId": job.id, "status": status}
        if not job.status:
            return told | {
                "progress": int(100 * done),
                "processedRows": int(job.estimate * done),
                "estimatedRowCount": job.estimate,
            }
        if status == FAILED:
            return told | {"error": {"code": "INTERNAL_ERROR", "message": "Export failed"}}
        if status != COMPLETE or job.build is None:
            return told
        told |= self._describe_files(job, job.build)
        if job.build.declared is not None:
            told["rowCount"] = job.build.declared
        return told | {"completedAt": write_stamp(job.done_at)}

    def describe_listed(self, job: Job, now: float) -> dict[str, Any]:
        """A row of the list, which has neither a link nor data types."""
        status = job.state(self.settings, now)[0]
        ask, build = job.ask, job.build
        told: dict[str, Any] = {"jobId": job.id, "status": status}
        if ask is not None:
            told["dateRange"] = {"start": write_day(ask.first), "end": write_day(ask.end)}
            told["format"] = ask.form
        if build is not None:
            told["fileSize"] = size_text(sum(part.size for part in build.parts))
        told["createdAt"] = write_stamp(job.created_at)
        if status == COMPLETE:
            told["completedAt"] = write_stamp(job.done_at)
        return told

    def link(self, job: Job, name: str, host: str = "") -> str:
        """The present signed link to a file of an export."""
        expires = int(job.done_at + job.life_s(self.settings))
        query = f"Expires={expires}&Signature={job.sign(name, expires)}"
        return f"{host or self._find_host(job)}/{job.id}/{name}?{query}"

    def expires_at(self, job: Job) -> str:
        """When its link dies, as it is told."""
        return write_stamp(job.done_at + job.life_s(self.settings))

    def empty_form(self, job: Job) -> str:
        """How an export without rows looks; "" for one that has rows."""
        if job.build is None or job.build.rows:
            return ""
        fault = job.fault("video_empty")
        return self.settings.zero_rows if fault is None else str(fault.params["form"])

    def _describe_files(self, job: Job, build: Build) -> dict[str, Any]:
        size = sum(part.size for part in build.parts)
        told = {"expiresAt": self.expires_at(job), "fileSize": size_text(size)}
        if self.empty_form(job) == "no_url":
            return told
        links = [self.link(job, part.name) for part in build.parts]
        fault = job.fault("video_files")
        if fault is None:
            return {"downloadUrl": links[0]} | told
        if fault.params["form"] == "files":
            return {"files": [{"url": link} for link in links]} | told
        return {"downloadUrls": links} | told

    def _find_host(self, job: Job) -> str:
        fault = job.fault("video_link_host")
        if fault is None:
            return self.link_host()
        return _HOSTS.get(str(fault.params["to"]), str(fault.params["to"]))


def size_text(size: int) -> str:
    """A length in bytes as this vendor writes it."""
    for unit, name in ((1 << 20, "MB"), (1 << 10, "KB")):
        if size >= unit:
            return f"{math.ceil(size / unit)}{name}"
    return f"{size}B"
