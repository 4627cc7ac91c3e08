/** One opened case: everything behind the page, and what of it the page shows. */

import { caseReference } from "../../api/cases";
import { takeEarly, type Early } from "../../api/early";
import { sentence } from "../../api/errors";
import { signedInAgain } from "../../api/gate";
import { reviewCase, type ReviewCase, type ReviewImage } from "../../api/review";
import { PresenceCalls, ReviewTransport } from "../../api/review_transport";
import type { Job } from "../../api/types";
import { tabId } from "../../state/identity";
import { isEmptyRevision } from "../../state/document";
import { Candidates } from "../../state/candidates";
import { Presence, type PresenceAnswer } from "../../state/presence";
import { ReviewState } from "../../state/review_state";
import type { SaveStatus } from "../../state/save_queue";
import { CaseSync } from "../../state/sync";
import { Volume } from "../../state/volume";
import { ToolController } from "../../tools/controller";
import { useLabelKeys } from "../../tools/keys";
import { loadPixels } from "../../viewer/loading";
import type { PixelLoader } from "../../viewer/source";
import { Stage } from "../../viewer/stage";
import { CompareDesk } from "./comparing.svelte";
import { JobWatch } from "./job_watch.svelte";
import { followCase, prompterOf } from "./live";
import { MeasureDesk } from "./measuring";
import { nextUp, sameFrame, type Ahead } from "./next_case";
import type { Likes } from "./likes.svelte";
import { cutoffsOf, factsOf, isAwaited, isOpenForWork, isOverview, labelsOf, openJournal, pixelsOf, referenceOf, showFirst } from "./opening";
import { SeriesDesk, type Opened } from "./series";
import { UncertaintyDesk } from "./uncertainty";

const TAB = tabId();

export type { Opened } from "./series";

export class ReviewPage {
  failure = $state.raw<unknown>(null);
  about = $state.raw<ReviewCase | null>(null);
  opened = $state.raw<Opened | null>(null);
  /** What is looked at: the reference itself, or another series of the case. */
  shown = $state.raw<Opened | null>(null);
  save = $state.raw<SaveStatus>({ kind: "saved" });
  presence = $state.raw<PresenceAnswer | null>(null);
  badSlices = $state(0);
  replayed = $state(0);
  /** The browser keeps nothing: unsent strokes live as long as the page. */
  forgetful = $state(false);
  refusals = $state(0);
  /** What went wrong beside the saving, in a sentence. */
  trouble = $state("");

  comparing = $state.raw<CompareDesk | null>(null);

  private sync: CaseSync | null = null;
  private measuring: MeasureDesk | null = null;
  private holder: Presence | null = null;
  private transport: ReviewTransport;
  private loader: PixelLoader | null = null;
  desk: SeriesDesk | null = null;
  private doubts: UncertaintyDesk | null = null;
  private offs: (() => void)[] = [];
  private readonly jobs = new JobWatch(() => this.refresh());
  private ready = false;
  /** The pen has come, and what it may draw on is being read: nothing is drawn before. */
  private reopening = false;
  private closed = false;
  private asking = false;
  private activity = Date.now();
  /** A page opened to look, or from which the case was given back, leaves the pen to others. */
  wantsPen = true;

  constructor(
    readonly id: string,
    private readonly likes: Likes,
  ) {
    this.transport = new ReviewTransport(id);
  }

  get tab(): string {
    return TAB;
  }

  get job(): Job | null {
    return this.jobs.job;
  }

  get noWorker(): boolean {
    return this.jobs.noWorker;
  }

  get mayEdit(): boolean {
    return this.about !== null && this.about.project.verbs.includes("case.edit") && isOpenForWork(this.about);
  }

  may(verb: string): boolean {
    return this.about?.project.verbs.includes(verb) ?? false;
  }

  async open(): Promise<void> {
    try {
      this.failure = null;
      const ahead = nextUp.take(this.id);
      const early = ahead ?? takeEarly(this.id);
      const [about] = await Promise.all([early.about, this.likes.open()]);
      if (this.closed) return;
      this.about = about;
      const image = referenceOf(this.about);
      if (image) await this.openImage(this.about, ahead, early.content);
      else if (isAwaited(this.about) || this.about.state === "importing") this.listen();
    } catch (error) {
      this.failure = error;
    }
  }

  close(): void {
    this.closed = true;
    this.jobs.stop();
    this.measuring?.stop();
    this.offs.forEach((off) => off());
    this.loader?.stop();
    this.sync?.queue.stop();
    this.holder?.stop();
    this.opened?.stage.stop();
    this.desk?.stop();
    this.doubts?.stop();
  }

  get onReference(): boolean {
    return this.shown === this.opened;
  }

  /** Whether the masks lie on the picture that is shown. */
  get masksShown(): boolean {
    return this.shown?.state.document === this.opened?.state.document;
  }

  look(image: string): void {
    const wanted = this.about?.images.find(({ id }) => id === image);
    if (!wanted || !this.desk || this.opened?.controller.busy) return;
    this.shown = this.desk.open(wanted, this.shown!);
  }

  stepSeries(by: 1 | -1): void {
    const images = this.about?.images ?? [];
    const at = images.findIndex(({ id }) => id === this.shown?.state.facts.id);
    if (images.length > 1) this.look(images[(at + by + images.length) % images.length].id);
  }

  mayBeReference(image: ReviewImage): boolean {
    const { about } = this;
    const isBare = about !== null && about.head === null && about.run === null;
    return this.mayEdit && isBare && !image.is_reference && !isOverview(image, about.images);
  }

  async makeReference(image: string): Promise<void> {
    try {
      await caseReference(this.id, image);
      location.reload();
    } catch (error) {
      this.trouble = sentence(error);
    }
  }

  /** Somebody is at work: time counts only while this is heard now and then. */
  active(): void {
    this.activity = Date.now();
  }

  async takeOver(): Promise<void> {
    try {
      this.wantsPen = true;
      await this.holder?.take();
    } catch (error) {
      this.trouble = sentence(error);
    }
  }

  /** Waits a while for what is on its way; false when it did not arrive. */
  async allSaved(): Promise<boolean> {
    for (let wait = 0; wait < 50 && (this.save.kind === "saving" || this.measuring?.size); wait++) await new Promise((resolve) => setTimeout(resolve, 100));
    return this.save.kind === "saved" && !this.measuring?.size;
  }

  retrySave(): void {
    this.sync?.queue.retry();
    if (this.holder?.held) void this.measuring?.resume();
  }

  retrySlices(): void {
    this.badSlices = 0;
    this.loader?.retry();
    this.desk?.retry();
    this.doubts?.retry();
  }

  keepMine = (): Promise<void> | undefined => this.sync?.queue.keepMine();
  keepBoth = (): Promise<void> | undefined => this.sync?.queue.keepBoth();
  keepTheirs = (): Promise<void> | undefined => this.sync?.queue.keepTheirs();
  dropRefused = (): Promise<void> | undefined => this.sync?.queue.dropAll();

  /** Reads the case again after a verdict, a prediction, a restored version. */
  async refresh(): Promise<void> {
    const about = await reviewCase(this.id);
    this.about = about;
    if (!this.opened && referenceOf(about)) return this.openImage(about);
    // Masks lie on another grid from now on: everything behind the page is made anew.
    if (this.opened && referenceOf(about)?.id !== this.opened.state.facts.id) return location.reload();
    await this.sync?.refresh(about.head?.sequence ?? 0);
    await this.loadCandidates(about);
    this.jobs.follow(about);
    if (this.mayHold && !this.holder?.held) void this.holder?.ask();
    this.judgeEditable();
  }

  private async openImage(told: ReviewCase, ahead: Ahead | null = null, content: Ahead["content"] | Early["content"] = this.transport.load()): Promise<void> {
    const facts = factsOf(referenceOf(told)!);
    const state = new ReviewState({
      task: told.project.task,
      labels: labelsOf(told),
      facts,
      volume: ahead?.volume ?? new Volume(facts),
      committed: (change) => {
        if (change.measures) this.measuring?.keep(change.measures, this.sync?.trail());
        if (!isEmptyRevision(change)) this.sync?.add(change);
      },
      drafted: (change) => this.sync?.draft(change),
    });
    state.prompter = prompterOf(this.id, (sentence) => (this.trouble = sentence));
    this.offs.push(this.likes.take(state));
    useLabelKeys(state.labels);
    this.measuring = new MeasureDesk(this.id, TAB, state.document, (sentence) => (this.trouble = sentence));
    const controller = new ToolController(state, () => this.refusals++);
    const stage = new Stage(state, (plane) => controller.shapes(plane));
    // What can be seen comes first; what makes it the newest, and the pen, follow.
    const shown = showFirst(state.document, content, () => (this.closed ? null : cutoffsOf(told)));
    this.opened = { state, controller, stage };
    this.shown = this.opened;
    this.comparing = new CompareDesk(this.id, this.opened);
    this.desk = new SeriesDesk(this.opened, {
      refused: () => this.refusals++,
      failed: () => this.badSlices++,
      made: (one) => this.likes.take(one),
    });
    this.doubts = new UncertaintyDesk(this.opened, () => this.badSlices++);
    this.startPixels(state);
    void this.measuring.load();
    const [about, { journal, isForgetful }] = await Promise.all([ahead ? this.readAgain(told) : told, openJournal()]);
    if (this.closed || !about) return;
    this.forgetful = isForgetful;
    this.sync = new CaseSync({
      caseId: this.id,
      person: this.likes.person,
      tab: TAB,
      document: state.document,
      history: state.history,
      transport: this.transport,
      journal,
      cutoffs: () => cutoffsOf(this.about!),
      changed: () => this.saveChanged(),
      shown,
    });
    await this.startPresence();
    if (this.closed) return;
    const held = this.holder?.held ?? false;
    await this.sync.open(held);
    this.measuring.use(journal);
    if (held) void this.measuring.resume();
    this.replayed = this.sync.replayed;
    this.ready = true;
    // The pen came while the case was read without it: what a former page left unsent is not here yet.
    if (this.holder?.held && !held) await this.penChanged(true);
    await this.loadCandidates(about);
    this.judgeEditable();
    if (this.closed) return;
    this.listen();
    this.jobs.follow(about);
    void nextUp.prepare(about.project.id, this.id, () => this.isIdle);
  }

  /** What was read ahead may be old by now. Null where the page must be made anew. */
  private async readAgain(told: ReviewCase): Promise<ReviewCase | null> {
    const about = await reviewCase(this.id);
    if (sameFrame(about, told)) return (this.about = about);
    location.reload();
    return null;
  }

  private get isIdle(): boolean {
    return !this.closed && !document.hidden && (this.loader?.idle ?? false) && !(this.shown?.controller.busy ?? true);
  }

  private startPixels(state: ReviewState): void {
    this.loader = loadPixels(state, { ...pixelsOf(state.facts.id), failed: () => this.badSlices++ });
  }

  private get mayHold(): boolean {
    return this.mayEdit && this.wantsPen;
  }

  private async startPresence(): Promise<void> {
    this.wantsPen = this.mayEdit;
    this.holder = new Presence(new PresenceCalls(this.id), TAB, () => this.mayHold, (held) => void this.penChanged(held), () => this.isActive);
    await this.holder.start();
    this.presence = this.holder.answer;
  }

  private async penChanged(held: boolean): Promise<void> {
    this.presence = this.holder?.answer ?? null;
    if (!this.ready || this.closed) return;
    if (held) void this.measuring?.resume();
    if (held && this.sync!.queue.size > 0) this.sync!.queue.retry();
    else if (held) await this.reopen().finally(() => (this.reopening = false));
    this.judgeEditable();
  }

  private async reopen(): Promise<void> {
    this.reopening = true;
    this.judgeEditable();
    this.about = await reviewCase(this.id);
    await this.sync!.open(true);
    this.replayed = this.sync!.replayed;
  }

  private judgeEditable(): void {
    const state = this.opened?.state;
    if (!state) return;
    const blocked = ["conflict", "read_only", "refused"].includes(this.save.kind);
    const may = this.ready && this.mayEdit && (this.holder?.held ?? false) && !blocked && !this.reopening;
    if (!may) this.opened?.controller.cancel();
    if (may !== state.editable) Object.assign(state, { editable: may }).topics.tell("presence");
  }

  private saveChanged(): void {
    const { queue } = this.sync!;
    this.save = queue.status;
    this.opened?.state.topics.tell("save");
    if (queue.status.kind === "signed_out") void this.askToSignIn();
    if (queue.status.kind === "read_only") void this.learnWhy();
    this.judgeEditable();
  }

  /** A refused save: perhaps somebody took over, perhaps the case was closed meanwhile. */
  private async learnWhy(): Promise<void> {
    await this.holder?.ask();
    await this.refresh().catch(() => undefined);
    if (this.mayEdit && this.holder?.held && this.save.kind === "read_only") this.retrySave();
  }

  private async askToSignIn(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      await signedInAgain();
      this.sync?.queue.signedIn();
    } finally {
      this.asking = false;
    }
  }

  private async loadCandidates(about: ReviewCase): Promise<void> {
    const { opened } = this;
    this.doubts?.offer(about.run);
    if (!opened || !about.run || about.run.candidate_count === 0) return;
    if (opened.state.candidates?.run === about.run.id) return;
    const { candidates, overlaps } = await this.transport.candidates();
    opened.state.candidates = new Candidates(about.run.id, about.run.finding_base, candidates, overlaps);
    opened.state.topics.tell("case", "findings");
  }

  private listen(): void {
    const again = (): void => void this.refresh().catch(() => undefined);
    const off = followCase(this.id, {
      again,
      job: (isOver) => (isOver ? again() : this.jobs.follow(this.about)),
      // What the holder of the pen did, this page knows already.
      case: (isNews) => (isNews(this.about) || !this.holder?.held) && again(),
      presence: () => void this.holder?.ask(),
      online: () => this.retrySave(),
    });
    this.offs.push(off);
  }

  get isActive(): boolean {
    return !document.hidden && Date.now() - this.activity < 60_000;
  }
}
