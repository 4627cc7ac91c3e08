import { get, post } from "./http";
import type { Job, JobState, NetworkChoice } from "./types";

export type TrainingSet = {
  readonly id: string;
  readonly number: number;
  readonly created_at: string;
  readonly author: string | null;
  readonly digest: string;
  readonly counts: { readonly train: number; readonly validation: number; readonly holdout: number; readonly patients: number };
  /** Accepted cases that cannot be trained on, and why. */
  readonly excluded: readonly { readonly number: number; readonly reason: string }[];
};
export type VersionRef = { readonly id: string; readonly network: string; readonly number: number; readonly state: string };
export type CurvePoint = {
  readonly step: number;
  readonly of: number;
  readonly loss: number | null;
  readonly seconds: number;
  readonly validation: Readonly<Record<string, number>> | null;
  readonly message?: string;
};
export type Training = {
  readonly id: string;
  readonly training_set: { readonly id: string; readonly number: number };
  readonly kind: string;
  readonly start: VersionRef | null;
  readonly budget_steps: number | null;
  readonly budget_minutes: number | null;
  readonly seed: number;
  readonly job: Job | null;
  readonly challenger: VersionRef | null;
  readonly created_at: string;
  readonly curve: readonly CurvePoint[];
  readonly log: string;
};
export type Outcome = "promote" | "keep" | "needs_person" | "";
export type ComparisonSummary = {
  readonly metric: string;
  readonly champion: number | null;
  readonly challenger: number | null;
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
  readonly patients: number;
};
export type ComparisonCase = {
  readonly case: string;
  readonly number: number;
  readonly champion: number | null;
  readonly challenger: number | null;
  readonly difference: number | null;
  readonly picture_url: string | null;
};
export type Comparison = {
  readonly id: string;
  readonly kind: string;
  readonly created_at: string;
  readonly champion: VersionRef | null;
  readonly challenger: VersionRef;
  readonly job: Job | null;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly summary: ComparisonSummary | null;
  readonly cases: readonly ComparisonCase[];
  readonly per_label: readonly { readonly label: string; readonly champion: number | null; readonly challenger: number | null }[];
};
export type Promotion = {
  readonly id: number;
  readonly kind: string;
  readonly before: VersionRef | null;
  readonly after: VersionRef | null;
  readonly comparison: string | null;
  readonly is_rollback: boolean;
  readonly reason: string;
  readonly author: string | null;
  readonly created_at: string;
};
export type Learn = {
  readonly champions: readonly NetworkChoice[];
  readonly newly_accepted: number;
  readonly accepted: number;
  readonly training_sets: readonly TrainingSet[];
  readonly trainings: readonly Omit<Training, "curve" | "log">[];
  readonly comparisons: readonly Omit<Comparison, "cases" | "per_label">[];
  readonly promotions: readonly Promotion[];
};
export type NewTraining = {
  training_set: string;
  start: string;
  kind: string;
  steps?: number;
  minutes?: number;
  seed: number;
};
export type TrainingVerb = "cancel" | "pause" | "resume";
export type TrainingState = JobState;

export const learn = (project: string) => get<Learn>(`projects/${project}/learn/`);
export const trainingSetFreeze = (project: string) => post<TrainingSet>(`projects/${project}/training-sets/`, {});
export const trainingStart = (project: string, training: NewTraining) =>
  post<Training>(`projects/${project}/trainings/`, training);
export const training = (id: string) => get<Training>(`trainings/${id}/`);
export const trainingDo = (id: string, verb: TrainingVerb) => post<Training>(`trainings/${id}/${verb}/`);
export const comparisonStart = (project: string, challenger: string, training_set?: string) =>
  post<Comparison>(`projects/${project}/comparisons/`, { challenger, training_set });
export const comparison = (id: string) => get<Comparison>(`comparisons/${id}/`);
export const promote = (comparison: string, reason: string) =>
  post<Promotion>(`comparisons/${comparison}/promote/`, { reason });
export const rollBack = (project: string, kind: string) => post<Promotion>(`projects/${project}/rollback/`, { kind });
