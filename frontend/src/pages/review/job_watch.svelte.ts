/** Follows the network at work on a case: position and estimate, and whether anybody is there to do it. */

import { job as readJob, jobs as readJobs } from "../../api/jobs";
import type { ReviewCase } from "../../api/review";
import type { Job } from "../../api/types";
import { isAwaited } from "./opening";

const JOB_POLL_MS = 2_500;

export class JobWatch {
  job = $state.raw<Job | null>(null);
  /** The job waits, and nobody is there to do it. */
  noWorker = $state(false);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  constructor(private readonly ended: () => Promise<void>) {}

  follow(about: ReviewCase | null): void {
    clearTimeout(this.timer);
    if (!about || !isAwaited(about) || this.stopped) {
      this.job = null;
      this.noWorker = false;
      return;
    }
    const look = async (): Promise<void> => {
      const job = await readJob(about.job!.id).catch(() => null);
      if (this.stopped) return;
      this.job = job ?? this.job;
      this.noWorker = job?.state === "queued" && !(await isServed(job.queue, about.project.id));
      if (job && ["succeeded", "failed", "cancelled"].includes(job.state)) return this.ended();
      this.timer = setTimeout(() => void look(), JOB_POLL_MS);
    };
    void look();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }
}

async function isServed(queue: Job["queue"], project: string): Promise<boolean> {
  const answer = await readJobs({ project }).catch(() => null);
  return !answer || answer.workers.some((worker) => worker.alive && worker.queues.includes(queue));
}
