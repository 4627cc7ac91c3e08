"""The rows: one file per aggregate. Only services write them; selectors and access read them."""

from segmentation.models.audit import AuditEvent, SiteAnchor
from segmentation.models.blob import Blob
from segmentation.models.case import Case, Image
from segmentation.models.job import Job
from segmentation.models.measurement import Measurement
from segmentation.models.network import Network, NetworkVersion
from segmentation.models.people import OneTimeLink, Preferences, TokenName
from segmentation.models.project import (
    Label,
    Membership,
    NetworkChoice,
    Project,
    ProjectVersion,
    RecipeVersion,
)
from segmentation.models.review import Assignment, Comment, Presence, Review
from segmentation.models.revision import (
    EMPTY_STATES,
    REVIEWED,
    CurrentFinding,
    CurrentSlice,
    FindingChange,
    MaskRevision,
    SliceChange,
)
from segmentation.models.run import SegmentationRun
from segmentation.models.training import Comparison, Promotion, TrainingRun, TrainingSet
from segmentation.models.upload import UploadFile, UploadSession

__all__ = [
    "EMPTY_STATES",
    "REVIEWED",
    "Assignment",
    "AuditEvent",
    "Blob",
    "Case",
    "Comment",
    "Comparison",
    "CurrentFinding",
    "CurrentSlice",
    "FindingChange",
    "Image",
    "Job",
    "Label",
    "MaskRevision",
    "Measurement",
    "Membership",
    "Network",
    "NetworkChoice",
    "NetworkVersion",
    "OneTimeLink",
    "Preferences",
    "Presence",
    "Project",
    "ProjectVersion",
    "Promotion",
    "RecipeVersion",
    "Review",
    "SegmentationRun",
    "SiteAnchor",
    "SliceChange",
    "TokenName",
    "TrainingRun",
    "TrainingSet",
    "UploadFile",
    "UploadSession",
]
