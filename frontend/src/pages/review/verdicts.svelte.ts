import { navigate } from "../../app/router";
import { caseAccept, caseRelease, caseReopen, caseReturn, caseSubmit } from "../../api/cases";
import { sentence } from "../../api/errors";
import { nextCase } from "../../api/projects";
import { toasts } from "../../components/toasts.svelte";
import { t } from "../../messages";
import type { ReviewPage } from "./review.svelte";

/** What ends work on a case, and what comes next. */
export class Verdicts {
  busy = $state(false);
  returning = $state(false);

  constructor(private readonly page: ReviewPage) {}

  get maySubmit(): boolean {
    const { about } = this.page;
    return about !== null && this.page.may("case.submit") && ["ready", "in_progress", "returned"].includes(about.state);
  }

  get mayJudge(): boolean {
    return this.page.about?.state === "submitted" && this.page.may("case.review");
  }

  get mayReopen(): boolean {
    return this.page.may("case.review") && ["submitted", "accepted"].includes(this.page.about?.state ?? "");
  }

  /** A case that may show a name waits until somebody looked. */
  get mayRelease(): boolean {
    return this.page.may("case.review") && this.page.about?.state === "quarantined";
  }

  release(): Promise<void> {
    this.page.worksOn(true);
    return this.step(() => caseRelease(this.page.id), t("review.done.released"));
  }

  submit(): Promise<void> {
    return this.step(() => caseSubmit(this.page.id), t("review.done.submitted"));
  }

  accept(): Promise<void> {
    return this.step(() => caseAccept(this.page.id), t("review.done.accepted"));
  }

  reopen(): Promise<void> {
    this.page.worksOn(true);
    return this.step(() => caseReopen(this.page.id), t("review.done.reopened"));
  }

  async sendBack(comment: string): Promise<void> {
    this.page.worksOn(false);
    await this.step(() => caseReturn(this.page.id, comment), t("review.done.returned"));
    this.returning = false;
  }

  async next(): Promise<void> {
    const { about } = this.page;
    if (!about) return;
    try {
      const { id } = await nextCase(about.project.id, about.id);
      if (id) navigate(`/cases/${id}`);
      else toasts.show(t("review.next.none"), "good", { label: t("review.back"), run: () => navigate(`/projects/${about.project.id}`) });
    } catch (error) {
      toasts.show(sentence(error), "bad");
    }
  }

  /** A verdict is on what the service holds, so everything must be there first. */
  private async step(act: () => Promise<unknown>, done: string): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      if (!(await this.page.allSaved())) return toasts.show(t("review.notSavedYet"), "bad");
      await act();
      await this.page.refresh();
      toasts.show(done, "good", { label: t("review.command.nextCase"), run: () => void this.next() });
    } catch (error) {
      toasts.show(sentence(error), "bad");
    } finally {
      this.busy = false;
    }
  }
}
