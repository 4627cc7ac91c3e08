"""Where Celery comes in: a ring names a job, and the worker tells that it lives."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from segmentation.services.job_execution import job_execute, reconciler_start
from segmentation.services.prompt_answers import prompt_reply, prompt_warm
from segmentation.services.prompts import QUEUE as PROMPTS


@shared_task(name="segmentation.tasks.run_job")
def run_job(job_id: str) -> None:
    job_execute(uuid.UUID(job_id))


@shared_task(name="segmentation.tasks.answer_prompt", acks_late=False)
def answer_prompt(key: str, asked: dict[str, Any]) -> None:
    prompt_reply(key, asked)


@worker_ready.connect
def watch(sender: Any, **_: Any) -> None:
    """One reconciler per worker, in the parent of its pool."""
    queues = [queue.name for queue in sender.task_consumer.queues]
    if PROMPTS in queues:
        prompt_warm()
    reconciler = reconciler_start(sender.hostname, queues, int(sender.pool.num_processes or 1))
    worker_shutting_down.connect(lambda **_: reconciler.stop(), weak=False)
