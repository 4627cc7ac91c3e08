import { get, patch, post, put } from "./http";
import type {
  CaseRow,
  Job,
  Label,
  List,
  NetworkChoice,
  Project,
  ProjectVersion,
  Recipe,
  RecipeStep,
  Role,
  SuitableNetwork,
  Task,
} from "./types";

export type NewLabel = Omit<Label, "index" | "retired"> & { index?: number; retired?: boolean };
export type NewProject = {
  name: string;
  description: string;
  task: Task;
  labels: NewLabel[];
  recipe?: RecipeStep[];
  network_choices: { kind: string; version_id: string }[];
  holdout_share: number;
  keep_file_names: boolean;
  keep_originals: boolean;
  predict_on_import: boolean;
  members: { user: number; role: Role }[];
};
export type RecipeOption = {
  readonly name: string;
  readonly label: string;
  readonly type: "number" | "integer" | "choice" | "boolean";
  readonly default: string | number | boolean;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly unit: string;
  readonly choices: readonly string[];
};
export type RecipeMethod = {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly options: readonly RecipeOption[];
};
export type RecipeStepKind = { readonly name: string; readonly label: string; readonly methods: readonly RecipeMethod[] };
export type RecipeSchema = {
  readonly steps: readonly RecipeStepKind[];
  readonly defaults: Readonly<Record<Task, { readonly steps: readonly RecipeStep[] }>>;
};
export type RecipePreview = { readonly before: string; readonly after: string; readonly note: string };
export type ExportFormat = "labels" | "nifti" | "coco" | "csv";

export const projects = (after?: string) => get<List<Project>>("projects/", { after });
export const project = (id: string) => get<Project>(`projects/${id}/`);
export const projectCreate = (project: NewProject) => post<Project>("projects/", project);
export const projectChange = (id: string, change: Partial<Project> & { archived?: boolean }) =>
  patch<Project>(`projects/${id}/`, change);
export const projectVersions = (id: string) => get<List<ProjectVersion>>(`projects/${id}/versions/`);
export const labelsSet = (id: string, labels: readonly NewLabel[]) => put<Project>(`projects/${id}/labels/`, { labels });
export const membersSet = (id: string, members: readonly { user: number; role: Role }[]) =>
  put<Project>(`projects/${id}/members/`, { members });

export const recipeSet = (id: string, steps: readonly RecipeStep[]) => put<Recipe>(`projects/${id}/recipe/`, { steps });
export const recipes = (id: string) =>
  get<List<Recipe & { created_at?: string; author?: string | null }>>(`projects/${id}/recipes/`);
export const recipeSchema = () => get<RecipeSchema>("recipe-schema/");
export const recipePreview = (id: string, caseId: string, steps: readonly RecipeStep[]) =>
  post<RecipePreview>(`projects/${id}/recipe/preview/`, { case: caseId, steps });

export const suitableNetworks = (id: string) => get<List<SuitableNetwork>>(`projects/${id}/networks/`);
export const networkChoicesSet = (id: string, choices: readonly Pick<NetworkChoice, "kind" | "version_id">[]) =>
  put<Project>(`projects/${id}/network-choices/`, { network_choices: choices });

export const predictAgain = (id: string) =>
  post<{ queued: number; skipped_touched: number }>(`projects/${id}/predict-again/`, { only_untouched: true });
export const exportCreate = (id: string, format: ExportFormat, cases: readonly string[] | null) =>
  post<Job>(`projects/${id}/exports/`, cases ? { format, which: "chosen", cases } : { format, which: "accepted" });
export const exportAddress = (job: string) => `/api/v1/exports/${job}/download/`;

export type CaseOrder = "number" | "uncertainty" | "updated" | "state";
export type CaseFilter = {
  state?: string;
  mine?: boolean;
  unassigned?: boolean;
  kind?: string;
  q?: string;
  order?: CaseOrder;
};
export const cases = (id: string, filter: CaseFilter, after?: string | null) =>
  get<List<CaseRow>>(`projects/${id}/cases/`, { ...filter, after });
export const nextCase = (id: string, after: string | null, order?: CaseOrder) =>
  get<{ id: string | null }>(`projects/${id}/cases/next/`, { after, order });
export const casesById = async (id: string, ids: readonly string[]) =>
  (await get<List<CaseRow>>(`projects/${id}/cases/`, { ids: ids.join(",") })).results;
