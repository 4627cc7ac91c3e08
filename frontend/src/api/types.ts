/** The nouns of the service as the pages see them. */

export type CaseState =
  | "importing"
  | "quarantined"
  | "ready"
  | "in_progress"
  | "submitted"
  | "returned"
  | "accepted"
  | "withdrawn";
export type JobState = "queued" | "running" | "paused" | "succeeded" | "failed" | "cancelled";
export type FindingState = "proposed" | "suppressed" | "accepted" | "rejected";
export type Role = "viewer" | "annotator" | "reviewer" | "administrator";
export type Task = "instances" | "semantic" | "boxes" | "labels";
export type List<T> = {
  readonly results: readonly T[];
  readonly next: string | null;
  readonly previous: string | null;
  readonly count_estimate?: number;
};

export type PersonRef = { readonly user: number; readonly username: string; readonly full_name: string };
export type Preferences = { readonly theme?: "system" | "light" | "dark"; readonly [name: string]: unknown };
export type Me = {
  readonly id: number;
  readonly username: string;
  readonly full_name: string;
  readonly is_site_administrator: boolean;
  readonly projects: readonly { readonly id: string; readonly name: string; readonly role: Role }[];
  readonly preferences: Preferences;
};
export type Person = {
  readonly id: number;
  readonly username: string;
  readonly full_name: string;
  readonly is_active: boolean;
  readonly is_site_administrator: boolean;
  readonly last_login?: string | null;
  readonly projects?: readonly { readonly id: string; readonly name: string; readonly role: Role }[];
};

export type Label = {
  readonly index: number;
  readonly name: string;
  readonly colour: string;
  readonly key: string;
  readonly code: string;
  readonly overlap_allowed: boolean;
  readonly is_ignore: boolean;
  readonly retired: boolean;
};
export type RecipeStep = { readonly name: string; readonly method: string; readonly [option: string]: unknown };
export type Recipe = { readonly number: number; readonly steps: readonly RecipeStep[]; readonly digest: string };
export type NetworkChoice = {
  readonly kind: string;
  readonly network: string;
  readonly version: number;
  readonly version_id: string;
};
export type Member = PersonRef & { readonly role: Role };
export type Counts = Partial<Record<CaseState, number>> & { readonly total: number };
export type Project = {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly task: Task;
  readonly version: number;
  readonly role: Role | null;
  readonly verbs: readonly string[];
  readonly labels: readonly Label[];
  readonly recipe: Recipe | null;
  readonly network_choices: readonly NetworkChoice[];
  readonly holdout_share: number;
  readonly keep_file_names: boolean;
  readonly keep_originals: boolean;
  readonly predict_on_import: boolean;
  readonly score_cutoff: number | null;
  readonly overlap_cutoff: number | null;
  readonly is_demo: boolean;
  readonly archived_at?: string | null;
  readonly counts: Counts;
  readonly members: readonly Member[];
};
export type ProjectVersion = {
  readonly number: number;
  readonly author: string | null;
  readonly created_at: string;
  readonly snapshot: Readonly<Record<string, unknown>>;
};

export type CaseJob = {
  readonly id: string;
  readonly state: JobState;
  readonly progress: number;
  readonly message: string;
};
export type CaseRow = {
  readonly id: string;
  readonly number: number;
  readonly title: string;
  readonly state: CaseState;
  readonly kind: string;
  readonly site: string;
  readonly group: string;
  readonly is_holdout: boolean;
  readonly is_drawn: boolean;
  readonly uncertainty: number | null;
  readonly assignees: readonly PersonRef[];
  readonly thumbnail: string | null;
  readonly size: readonly [number, number, number];
  readonly modality: string;
  readonly findings: number;
  readonly touched: boolean;
  readonly job: CaseJob | null;
  readonly holder: PersonRef | null;
  readonly updated_at: string;
};

export type Job = {
  readonly id: string;
  readonly kind: string;
  readonly queue: string;
  readonly state: JobState;
  readonly progress: number;
  readonly message: string;
  readonly position: number | null;
  readonly estimate_s: number | null;
  readonly attempt: number;
  readonly cause: string;
  readonly cause_code: string;
  readonly case: string | null;
  readonly project: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
};
export type Worker = {
  readonly name: string;
  readonly queues: readonly string[];
  readonly alive: boolean;
  readonly seen_s: number;
};
export type JobList = { readonly results: readonly Job[]; readonly workers: readonly Worker[] };

export type UploadReportFile = {
  readonly input: number;
  /** Rank of the uploaded file this came from; all entries of one zip share it. */
  readonly given?: number | null;
  readonly name: string | null;
  /** "imported", "refused", "duplicate", "mask", or the role of a file that is no image. */
  readonly outcome: string;
  readonly code: string;
  readonly sentence: string;
  /** The number of the case, as people read it. */
  readonly case: number | null;
  readonly case_id: string | null;
};
export type UploadReport = {
  readonly imported: number;
  readonly refused: number;
  readonly duplicate: number;
  readonly files: readonly UploadReportFile[];
};
export type UploadSession = {
  readonly id: string;
  readonly state: "open" | "importing" | "done" | "failed";
  readonly job: string | null;
  readonly report: UploadReport | null;
};

export type NetworkCard = {
  readonly name: string;
  readonly version: string;
  readonly task: string;
  readonly labels: readonly string[];
  readonly kinds: readonly string[];
  readonly modalities: readonly string[];
  readonly channels: number | "any";
  readonly dimensions: number;
  readonly spacing_mm: { readonly min: number; readonly max: number } | null;
  readonly licence: string;
  readonly data: readonly { readonly name: string; readonly licence: string; readonly split?: string }[];
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly limits: readonly string[];
};
export type NetworkVersion = {
  readonly id: string;
  readonly number: number;
  readonly state: "challenger" | "shadow" | "champion" | "retired";
  readonly digest: string;
  readonly created_at: string;
  readonly card: NetworkCard;
};
export type Network = {
  readonly id: string;
  readonly name: string;
  readonly task: string;
  readonly project: string | null;
  readonly versions: readonly NetworkVersion[];
};
export type SuitableNetwork = {
  readonly version_id: string;
  readonly network: string;
  readonly version: number;
  readonly suits: boolean;
  readonly reason: string;
  readonly kinds: readonly string[];
};
