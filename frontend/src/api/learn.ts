import { answer, client } from "./client";
import type { Comparison, Learn, NewTraining } from "./types";

export type TrainingVerb = "cancel" | "pause" | "resume";

const of = (id: string) => ({ params: { path: { project_id: id } } });

export const learn = async (project: string) =>
  (await answer(client.GET("/api/v1/projects/{project_id}/learn/", of(project)))) as Learn;
export const trainingSetFreeze = (project: string) =>
  answer(client.POST("/api/v1/projects/{project_id}/training-sets/", of(project)));
export const trainingStart = (project: string, body: NewTraining) =>
  answer(client.POST("/api/v1/projects/{project_id}/trainings/", { ...of(project), body }));
export const training = (id: string) =>
  answer(client.GET("/api/v1/trainings/{training_id}/", { params: { path: { training_id: id } } }));
export const trainingDo = (id: string, verb: TrainingVerb) =>
  answer(client.POST("/api/v1/trainings/{training_id}/{verb}/", { params: { path: { training_id: id, verb } } }));

export const comparisonStart = (project: string, challenger: string, training_set?: string) =>
  answer(client.POST("/api/v1/projects/{project_id}/comparisons/", { ...of(project), body: { challenger, training_set } }));
export const comparison = async (id: string) =>
  (await answer(
    client.GET("/api/v1/comparisons/{comparison_id}/", { params: { path: { comparison_id: id } } }),
  )) as Comparison;
export const promote = (comparison: string, reason: string) =>
  answer(
    client.POST("/api/v1/comparisons/{comparison_id}/promote/", {
      params: { path: { comparison_id: comparison } },
      body: { reason },
    }),
  );
export const rollBack = (project: string, kind: string) =>
  answer(client.POST("/api/v1/projects/{project_id}/rollback/", { ...of(project), body: { kind } }));
