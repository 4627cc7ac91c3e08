import { answer, client } from "./client";
import { post } from "./http";
import type { Job } from "./types";

export type JobVerb = "cancel" | "retry" | "pause" | "resume";

export const jobs = ({ state, project }: { state?: string; project?: string } = {}) =>
  answer(client.GET("/api/v1/jobs/", { params: { query: { state: state || undefined, project } } }));
export const job = (id: string) => answer(client.GET("/api/v1/jobs/{job_id}/", { params: { path: { job_id: id } } }));
export const jobDo = (id: string, verb: JobVerb) => post<Job>(`jobs/${id}/${verb}/`);
export const jobsRetryAll = (project?: string) =>
  answer(client.POST("/api/v1/jobs/retry-all/", { body: project ? { project } : {} }));
