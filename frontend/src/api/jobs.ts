import { get, post } from "./http";
import type { Job, JobList } from "./types";

export type JobVerb = "cancel" | "retry" | "pause" | "resume";

export const jobs = (filter: { state?: string; project?: string } = {}) => get<JobList>("jobs/", filter);
export const job = (id: string) => get<Job>(`jobs/${id}/`);
export const jobDo = (id: string, verb: JobVerb) => post<Job>(`jobs/${id}/${verb}/`);
export const jobsRetryAll = (project?: string) => post<{ retried: number }>("jobs/retry-all/", project ? { project } : {});
