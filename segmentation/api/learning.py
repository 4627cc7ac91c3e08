"""Learning: freeze a training set, train, compare with the champion, promote, roll back."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation.api.jobs import JobSerializer
from segmentation.api.permissions import person_of
from segmentation.api.shapes import read
from segmentation.errors import NotFoundError
from segmentation.selectors import learning as selectors
from segmentation.selectors.images import blob_bytes
from segmentation.selectors.networks import version_get
from segmentation.selectors.projects import project_get
from segmentation.services import jobs as job_services
from segmentation.services.comparison_requests import comparison_start
from segmentation.services.promotions import promotion_make, promotion_roll_back
from segmentation.services.training_requests import training_start
from segmentation.services.training_sets import training_set_freeze


class VersionRefSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    network = serializers.CharField()
    number = serializers.IntegerField()
    state = serializers.CharField()


class SetCountsSerializer(serializers.Serializer[object]):
    train = serializers.IntegerField()
    validation = serializers.IntegerField()
    holdout = serializers.IntegerField()
    patients = serializers.IntegerField()


class ExcludedSerializer(serializers.Serializer[object]):
    number = serializers.IntegerField()
    reason = serializers.CharField()


class TrainingSetSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    author = serializers.CharField(allow_null=True)
    digest = serializers.CharField()
    counts = SetCountsSerializer()
    excluded = ExcludedSerializer(many=True)


class SetRefSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()


class TrainingBriefSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    training_set = SetRefSerializer()
    kind = serializers.CharField(allow_blank=True)
    start = VersionRefSerializer(allow_null=True)
    budget_steps = serializers.IntegerField(allow_null=True)
    budget_minutes = serializers.FloatField(allow_null=True)
    seed = serializers.IntegerField()
    job = JobSerializer(allow_null=True)
    challenger = VersionRefSerializer(allow_null=True)
    created_at = serializers.DateTimeField()


class CurvePointSerializer(serializers.Serializer[object]):
    step = serializers.IntegerField()
    of = serializers.IntegerField(allow_null=True)
    loss = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField()
    validation = serializers.DictField(
        child=serializers.FloatField(allow_null=True), allow_null=True
    )
    message = serializers.CharField(allow_blank=True)


class TrainingSerializer(TrainingBriefSerializer):
    curve = CurvePointSerializer(many=True)
    log = serializers.CharField(allow_blank=True)


class SummarySerializer(serializers.Serializer[object]):
    metric = serializers.CharField()
    champion = serializers.FloatField(allow_null=True)
    challenger = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    patients = serializers.IntegerField()


class ComparisonBriefSerializer(serializers.Serializer[object]):
    id = serializers.UUIDField()
    training_set = SetRefSerializer()
    kind = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    champion = VersionRefSerializer(allow_null=True)
    challenger = VersionRefSerializer()
    job = JobSerializer(allow_null=True)
    outcome = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    summary = SummarySerializer(allow_null=True)


class ComparedCaseSerializer(serializers.Serializer[object]):
    case = serializers.UUIDField()
    number = serializers.IntegerField()
    champion = serializers.FloatField(allow_null=True)
    challenger = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    picture_url = serializers.CharField(allow_null=True)


class ComparisonSerializer(ComparisonBriefSerializer):
    cases = ComparedCaseSerializer(many=True)
    # A field of the name "label" would hide the attribute of every serializer.
    per_label = inline_serializer(
        name="ComparedLabel",
        fields={
            "label": serializers.CharField(),
            "champion": serializers.FloatField(allow_null=True),
            "challenger": serializers.FloatField(allow_null=True),
        },
        many=True,
    )


class PromotionSerializer(serializers.Serializer[object]):
    id = serializers.IntegerField()
    kind = serializers.CharField(allow_blank=True)
    before = VersionRefSerializer(allow_null=True)
    after = VersionRefSerializer(allow_null=True)
    comparison = serializers.UUIDField(allow_null=True)
    is_rollback = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    author = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class ChampionSerializer(serializers.Serializer[object]):
    kind = serializers.CharField(allow_blank=True)
    network = serializers.CharField()
    version = serializers.IntegerField()
    version_id = serializers.UUIDField()


class LearningSerializer(serializers.Serializer[object]):
    champions = ChampionSerializer(many=True)
    accepted = serializers.IntegerField()
    newly_accepted = serializers.IntegerField()
    training_sets = TrainingSetSerializer(many=True)
    trainings = TrainingBriefSerializer(many=True)
    comparisons = ComparisonBriefSerializer(many=True)
    promotions = PromotionSerializer(many=True)


class TrainingStartSerializer(serializers.Serializer[object]):
    training_set = serializers.UUIDField()
    start = serializers.CharField(default="champion", max_length=40)
    kind = serializers.CharField(default="", allow_blank=True, max_length=40)
    steps = serializers.IntegerField(required=False, allow_null=True)
    minutes = serializers.FloatField(required=False, allow_null=True)
    seed = serializers.IntegerField(default=0, min_value=0, max_value=2**31 - 1)


class ComparisonStartSerializer(serializers.Serializer[object]):
    challenger = serializers.UUIDField()
    training_set = serializers.UUIDField(required=False, allow_null=True)
    kind = serializers.CharField(default="", allow_blank=True, max_length=40)


class PromoteSerializer(serializers.Serializer[object]):
    reason = serializers.CharField(default="", allow_blank=True, max_length=2000)


class RollBackSerializer(PromoteSerializer):
    kind = serializers.CharField(default="", allow_blank=True, max_length=40)


class LearningView(APIView):
    @extend_schema(operation_id="learning_read", responses=LearningSerializer)
    def get(self, request: Request, project_id: uuid.UUID) -> Response:
        return Response(selectors.learning(user=person_of(request), project_id=project_id))


class TrainingSetsView(APIView):
    @extend_schema(
        operation_id="training_set_freeze", request=None, responses={201: TrainingSetSerializer}
    )
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        user = person_of(request)
        frozen = training_set_freeze(
            user=user, project=project_get(user=user, project_id=project_id)
        )
        return Response(selectors.set_answer(frozen), status=201)


class TrainingsView(APIView):
    @extend_schema(
        operation_id="training_start",
        request=TrainingStartSerializer,
        responses={201: TrainingSerializer},
    )
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        user, wish = person_of(request), read(TrainingStartSerializer, request)
        frozen = selectors.training_set(
            user=user, project_id=project_id, set_id=wish.pop("training_set")
        )
        run = training_start(user=user, training_set=frozen, **wish)
        return Response(selectors.training(user=user, training_id=run.pk), status=201)


class TrainingView(APIView):
    @extend_schema(operation_id="training_read", responses=TrainingSerializer)
    def get(self, request: Request, training_id: uuid.UUID) -> Response:
        return Response(selectors.training(user=person_of(request), training_id=training_id))


class TrainingSteerView(APIView):
    """Cancel, pause or resume the job behind a training."""

    @extend_schema(operation_id="training_steer", request=None, responses=TrainingSerializer)
    def post(self, request: Request, training_id: uuid.UUID, verb: str) -> Response:
        user = person_of(request)
        told = selectors.training(user=user, training_id=training_id)
        if told["job"] is None or verb not in STEER:
            raise NotFoundError("A training can be cancelled, paused or resumed.")
        STEER[verb](user=user, job_id=told["job"]["id"])
        return Response(selectors.training(user=user, training_id=training_id))


STEER = {
    "cancel": job_services.job_cancel,
    "pause": job_services.job_pause,
    "resume": job_services.job_resume,
}


class ComparisonsView(APIView):
    @extend_schema(
        operation_id="comparison_start",
        request=ComparisonStartSerializer,
        responses={201: ComparisonSerializer},
    )
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        user, wish = person_of(request), read(ComparisonStartSerializer, request)
        challenger = version_get(user=user, version_id=wish["challenger"])
        frozen = selectors.training_set(
            user=user, project_id=project_id, set_id=wish.get("training_set")
        )
        made = comparison_start(
            user=user, challenger=challenger, training_set=frozen, kind=wish["kind"]
        )
        return Response(selectors.comparison(user=user, comparison_id=made.pk), status=201)


class ComparisonView(APIView):
    @extend_schema(operation_id="comparison_read", responses=ComparisonSerializer)
    def get(self, request: Request, comparison_id: uuid.UUID) -> Response:
        return Response(selectors.comparison(user=person_of(request), comparison_id=comparison_id))


class ComparisonPictureView(APIView):
    @extend_schema(
        operation_id="comparison_picture", responses={(200, "image/png"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, comparison_id: uuid.UUID, number: int) -> HttpResponse:
        user = person_of(request)
        blob = selectors.comparison_picture(user=user, comparison_id=comparison_id, number=number)
        if blob is None:
            raise NotFoundError("There is no picture of this case.")
        answer = HttpResponse(blob_bytes(blob), content_type="image/png")
        answer["Cache-Control"] = "private, max-age=31536000, immutable"
        return answer


class PromoteView(APIView):
    @extend_schema(
        operation_id="promotion_make",
        request=PromoteSerializer,
        responses={201: PromotionSerializer},
    )
    def post(self, request: Request, comparison_id: uuid.UUID) -> Response:
        user, wish = person_of(request), read(PromoteSerializer, request)
        comparison = selectors.comparison_get(user=user, comparison_id=comparison_id)
        made = promotion_make(user=user, comparison=comparison, reason=wish["reason"])
        return Response(selectors.promotion_answer(made), status=201)


class RollBackView(APIView):
    @extend_schema(
        operation_id="promotion_roll_back",
        request=RollBackSerializer,
        responses={201: PromotionSerializer},
    )
    def post(self, request: Request, project_id: uuid.UUID) -> Response:
        user, wish = person_of(request), read(RollBackSerializer, request)
        project = project_get(user=user, project_id=project_id)
        made = promotion_roll_back(user=user, project=project, **wish)
        return Response(selectors.promotion_answer(made), status=201)


urlpatterns = [
    path("projects/<uuid:project_id>/learn/", LearningView.as_view()),
    path("projects/<uuid:project_id>/training-sets/", TrainingSetsView.as_view()),
    path("projects/<uuid:project_id>/trainings/", TrainingsView.as_view()),
    path("projects/<uuid:project_id>/comparisons/", ComparisonsView.as_view()),
    path("projects/<uuid:project_id>/rollback/", RollBackView.as_view()),
    path("trainings/<uuid:training_id>/", TrainingView.as_view()),
    path("trainings/<uuid:training_id>/<slug:verb>/", TrainingSteerView.as_view()),
    path("comparisons/<uuid:comparison_id>/", ComparisonView.as_view()),
    path(
        "comparisons/<uuid:comparison_id>/pictures/<int:number>/", ComparisonPictureView.as_view()
    ),
    path("comparisons/<uuid:comparison_id>/promote/", PromoteView.as_view()),
]
