import { navigate } from "../../app/router";
import { caseAccept, caseRelease, caseReopen, caseReturn, caseSubmit } from "../../api/cases";
import { sentence } from "../../api/errors";
import { nextCase } from "../../api/projects";
import { toasts } from "../../components/toasts.svelte";
import { t } from "../../messages";
import type { Likes } from "./likes.svelte";
import type { ReviewPage } from "./review.svelte";

/** What ends work on a case, and what comes next. */
export class Verdicts {
  busy = $state(false);
  returning = $state(false);

  constructor(
    private readonly page: ReviewPage,
    private readonly likes: Likes,
  ) {}

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
    this.page.wantsPen = true;
    return this.step(() => caseRelease(this.page.id), t("review.done.released"));
  }

  submit(): Promise<void> {
    return this.step(() => caseSubmit(this.page.id), t("review.done.submitted"), true);
  }

  accept(): Promise<void> {
    return this.step(() => caseAccept(this.page.id), t("review.done.accepted"), true);
  }

  reopen(): Promise<void> {
    this.page.wantsPen = true;
    return this.step(() => caseReopen(this.page.id), t("review.done.reopened"));
  }

  async sendBack(comment: string): Promise<void> {
    this.page.wantsPen = false;
    await this.step(() => caseReturn(this.page.id, comment), t("review.done.returned"), true);
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

  /** The case after this one, asked while the verdict is on its way; null where there is none to be had. */
  private async following(): Promise<string | null> {
    const { about } = this.page;
    return about && (await nextCase(about.project.id, about.id).then(({ id }) => id, () => null));
  }

  private goOn(next: string, done: string): void {
    const { id, about } = this.page;
    const name = about?.title || t("review.case", { number: about?.number ?? 0 });
    toasts.show(t("review.done.named", { name, done }), "good", { label: t("review.done.back"), run: () => navigate(`/cases/${id}`) });
    navigate(`/cases/${next}`);
  }

  /** A verdict is on what the service holds, so everything must be there first. */
  private async step(act: () => Promise<unknown>, done: string, isLast = false): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      if (!(await this.page.allSaved())) return toasts.show(t("review.notSavedYet"), "bad");
      const following = isLast && this.likes.now.goesOn ? this.following() : null;
      await act();
      const next = await following;
      if (next) return this.goOn(next, done);
      await this.page.refresh();
      toasts.show(done, "good", { label: t("review.command.nextCase"), run: () => void this.next() });
    } catch (error) {
      toasts.show(sentence(error), "bad");
    } finally {
      this.busy = false;
    }
  }
}
