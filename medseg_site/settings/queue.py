"""Celery as a doorbell: the row in the database says what a job is, a message only that it waits.

A message may be lost, doubled, late or reordered without harm; these settings make it rare.
"""

from __future__ import annotations

from typing import Any

QUEUES = ("interactive", "predict", "train", "prompt")


def celery(broker: str) -> dict[str, Any]:
    return {
        "broker_url": broker,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            # A killed worker's messages ring again after this long. A job that still runs then is
            # rung twice, which its lease in the database turns into nothing.
            "visibility_timeout": 120,
            # kombu's defaults look for such messages every 100 s: measured, 97 s to redelivery.
            "unacked_restore_interval": 3,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
        },
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_default_queue": QUEUES[0],
        "task_create_missing_queues": True,
        # Only both together run a task again whose child was killed.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_soft_shutdown_timeout": 5.0,
        "worker_enable_soft_shutdown_on_idle": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_proc_alive_timeout": 60.0,
        "enable_utc": True,
    }
