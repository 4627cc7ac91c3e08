"""Jobs: what waits, what runs, what failed and why, and who is there to do it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.pagination import PAGING, keyset_page
from segmentation.api.permissions import person_of
from segmentation.api.shapes import EmptySerializer, asked_key, read
from segmentation.selectors import jobs as selectors
from segmentation.selectors.projects import project_get
from segmentation.services import jobs as services

JOB_STATES = ("queued", "running", "paused", "succeeded", "failed", "cancelled")
QUEUES = ("interactive", "predict", "train")


class JobBriefSerializer(serializers.Serializer[Any]):
    """A job as its case shows it."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(JOB_STATES)
    progress = serializers.FloatField()
    message = serializers.CharField(allow_blank=True)


class JobSerializer(JobBriefSerializer):
    queue = serializers.ChoiceField(QUEUES)
    position = serializers.IntegerField(
        allow_null=True, help_text="How many jobs wait before it in its queue."
    )
    estimate_s = serializers.FloatField(
        allow_null=True, help_text="Seconds until it is done, by how long its like took."
    )
    attempt = serializers.IntegerField()
    cause = serializers.CharField(allow_blank=True)
    cause_code = serializers.CharField(allow_blank=True)
    stopping = serializers.BooleanField(help_text="A person asked a running job to stop.")
    case = serializers.UUIDField(allow_null=True)
    project = serializers.UUIDField(allow_null=True)
    result = serializers.DictField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class WorkerSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    queues = serializers.ListField(child=serializers.ChoiceField(QUEUES))
    slots = serializers.IntegerField()
    alive = serializers.BooleanField()
    seen_s = serializers.FloatField()


class JobPageSerializer(serializers.Serializer[Any]):
    results = JobSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    workers = WorkerSerializer(many=True)
    broker_answers = serializers.BooleanField()
    unserved_queues = serializers.ListField(
        child=serializers.ChoiceField(QUEUES), help_text="Queues that no living worker serves."
    )


class RetryAllSerializer(serializers.Serializer[Any]):
    project = serializers.UUIDField(required=False)


class RetriedSerializer(serializers.Serializer[Any]):
    retried = serializers.IntegerField()


class JobsView(APIView):
    @extend_schema(
        operation_id="jobs_list",
        parameters=[
            *PAGING,
            OpenApiParameter("state", str, description="State words, separated by commas."),
            OpenApiParameter("project", uuid.UUID),
        ],
        responses=JobPageSerializer,
    )
    def get(self, request: Request) -> Response:
        """Jobs, newest first, and the workers."""
        user = person_of(request)
        asked = request.query_params
        key = asked_key(request, "project")
        project = project_get(user=user, project_id=key) if key else None
        states = tuple(word for word in asked.get("state", "").split(",") if word)
        jobs = selectors.jobs_listed(user=user, states=states, project=project)
        page = keyset_page(jobs, selectors.ORDER, request)
        workers = services.workers_listed()
        slots = services.slots_of(workers)
        page["results"] = selectors.job_answers(page["results"], slots)
        page["workers"] = [worker_answer(worker) for worker in workers or ()]
        page["broker_answers"] = workers is not None
        page["unserved_queues"] = [queue for queue in QUEUES if not slots.get(queue)]
        return Response(page)


class JobView(APIView):
    @extend_schema(operation_id="job_get", responses=JobSerializer)
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        """One job."""
        job = selectors.job_get(user=person_of(request), job_id=job_id)
        slots = services.slots_of(services.workers_listed())
        return Response(selectors.job_answers([job], slots)[0])


class JobStepView(APIView):
    """One thing that a person may do to a job; which, the address says."""

    step: Callable[..., Any] = staticmethod(services.job_cancel)

    @extend_schema(request=EmptySerializer, responses=JobSerializer)
    def post(self, request: Request, job_id: uuid.UUID) -> Response:
        user: User = person_of(request)
        return Response(selectors.job_answer(self.step(user=user, job_id=job_id)))


@extend_schema_view(post=extend_schema(operation_id="job_cancel"))
class JobCancelView(JobStepView):
    """Stop a job; nothing that it finished is lost."""

    step = staticmethod(services.job_cancel)


@extend_schema_view(post=extend_schema(operation_id="job_pause"))
class JobPauseView(JobStepView):
    """Let a job wait."""

    step = staticmethod(services.job_pause)


@extend_schema_view(post=extend_schema(operation_id="job_resume"))
class JobResumeView(JobStepView):
    """Let a paused job go on."""

    step = staticmethod(services.job_resume)


@extend_schema_view(post=extend_schema(operation_id="job_retry"))
class JobRetryView(JobStepView):
    """Try a failed or cancelled job again."""

    step = staticmethod(services.job_retry)


class JobsRetryAllView(APIView):
    @extend_schema(
        operation_id="jobs_retry_all", request=RetryAllSerializer, responses=RetriedSerializer
    )
    def post(self, request: Request) -> Response:
        """Retry every failed job that one may steer, of one project or of all."""
        user = person_of(request)
        key = read(RetryAllSerializer, request).get("project")
        project = project_get(user=user, project_id=key) if key else None
        return Response({"retried": services.jobs_retry_all(user=user, project=project)})


def worker_answer(worker: Any) -> dict[str, Any]:
    return {
        "name": worker.name,
        "queues": [queue for queue in worker.queues if queue in QUEUES],
        "slots": worker.slots,
        "alive": worker.alive,
        "seen_s": round(worker.seen_s, 1),
    }


urlpatterns = [
    path("jobs/", JobsView.as_view()),
    path("jobs/retry-all/", JobsRetryAllView.as_view()),
    path("jobs/<uuid:job_id>/", JobView.as_view()),
    path("jobs/<uuid:job_id>/cancel/", JobCancelView.as_view()),
    path("jobs/<uuid:job_id>/pause/", JobPauseView.as_view()),
    path("jobs/<uuid:job_id>/resume/", JobResumeView.as_view()),
    path("jobs/<uuid:job_id>/retry/", JobRetryView.as_view()),
]
