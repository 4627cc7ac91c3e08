import type { Theirs } from "../state/transport";
import { address, get, post, send } from "./http";
import type { CaseJob, CaseState, Label, PersonRef, RecipeStep, Task } from "./types";

export type ReviewImage = {
  readonly id: string;
  readonly is_reference: boolean;
  readonly size: { readonly t: number; readonly c: number; readonly z: number; readonly y: number; readonly x: number };
  readonly dtype: "uint8" | "uint16" | "int16";
  readonly spacing_mm: readonly [number, number, number] | null;
  readonly spacing_source: "patient" | "detector" | "pixel_size" | null;
  readonly affine_lps: readonly (readonly number[])[] | null;
  readonly acquisition_axis: "x" | "y" | "z";
  readonly modality: string;
  readonly photometric: string;
  readonly window: readonly [number, number] | null;
  readonly value_range: readonly [number, number] | null;
  readonly value_unit: string;
  readonly slope: number | null;
  readonly intercept: number | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
  readonly burned_in_risk: boolean;
  readonly has_thumbnail: boolean;
  readonly slices: number;
  readonly tiles: { readonly size: number; readonly levels: number } | null;
};
export type ReviewRun = {
  readonly id: string;
  readonly finding_base: number;
  readonly candidate_count: number;
  readonly kept_count: number;
  readonly network: string;
  readonly version: number;
  readonly version_id: string;
  readonly recipe: number | null;
  readonly recipe_steps: readonly RecipeStep[];
  readonly reason: string;
  readonly overridden_by: PersonRef | null;
  readonly score_cutoff: number | null;
  readonly overlap_cutoff: number | null;
  readonly has_uncertainty_map: boolean;
  readonly uncertain_places: readonly (readonly [number, number, number, number])[];
  readonly device: string;
  readonly seconds: number | null;
  readonly created_at: string;
};
export type Verdict = {
  readonly id: number;
  readonly verdict: "submitted" | "returned" | "accepted";
  readonly author: PersonRef | null;
  readonly comment: string;
  readonly created_at: string;
};
export type Head = { readonly id: string; readonly sequence: number; readonly digest: string };
export type ReviewCase = {
  readonly id: string;
  readonly number: number;
  readonly title: string;
  readonly state: CaseState;
  readonly kind: string;
  readonly is_drawn: boolean;
  readonly is_holdout: boolean;
  readonly images: readonly ReviewImage[];
  readonly project: {
    readonly id: string;
    readonly name: string;
    readonly task: Task;
    readonly labels: readonly Label[];
    readonly verbs: readonly string[];
  };
  readonly head: Head | null;
  readonly run: ReviewRun | null;
  readonly touched_at: string | null;
  readonly seconds_spent: number;
  readonly job: (CaseJob & { readonly kind: string }) | null;
  readonly no_network_reason: string | null;
  readonly source: string;
  readonly licence: string;
  readonly cutoffs: { readonly score: number | null; readonly overlap: number | null } | null;
  readonly reviews: readonly Verdict[];
  readonly assignees: readonly PersonRef[];
};

export type HistoryEntry = {
  readonly id: string;
  readonly sequence: number;
  readonly kind: "imported" | "predicted" | "edited" | "merged";
  readonly operation: string;
  readonly author: { readonly user: number; readonly username: string } | null;
  readonly created_at: string;
  readonly started_at: string;
  readonly count: number;
  readonly on_head: boolean;
};
/** Figures by name; lengths in `length_unit`; null where there is none. */
export type Features = Readonly<Record<string, number | string | null>>;

export const reviewCase = (id: string) => get<ReviewCase>(`cases/${id}/`);
export const features = (id: string, finding: number, t: number) =>
  get<{ features: Features }>(`cases/${id}/findings/${finding}/features/`, { t });
export const history = (id: string, after = "") =>
  get<{ results: readonly HistoryEntry[]; next: string | null }>(`cases/${id}/revisions/`, after ? { after } : {});
/** The case as it stood after a revision. */
export const revisionState = (revision: string) => get<Theirs>(`revisions/${revision}/state/`);
export const restore = (id: string, revision: string, tab: string) =>
  post<Head>(`cases/${id}/restore/`, { revision, tab });

/** A small picture of an image's middle. */
export const thumbnail = (image: string): string => address(`images/${image}/thumbnail/`);

/** The stored bytes of one slice; the browser has undone the transfer's compression. */
export async function sliceBytes(image: string, z: number, t: number, signal: AbortSignal): Promise<ArrayBuffer> {
  const response = await send("GET", `images/${image}/slices/${z}/`, { query: { t }, signal });
  return response.arrayBuffer();
}

export type TilePlace = { readonly level: number; readonly row: number; readonly column: number };

/** The same of one tile of a large picture. */
export async function tileBytes(image: string, { level, row, column }: TilePlace, signal: AbortSignal): Promise<ArrayBuffer> {
  return (await send("GET", `images/${image}/tiles/${level}/${row}/${column}/`, { signal })).arrayBuffer();
}

/** One plane of what a prediction says of its own doubt. */
export async function uncertaintyBytes(run: string, z: number, t: number, signal: AbortSignal): Promise<ArrayBuffer> {
  const response = await send("GET", `runs/${run}/uncertainty/${z}/`, { query: { t }, signal });
  return response.arrayBuffer();
}

/** The same of one tile of a large picture. */
export async function uncertaintyTileBytes(run: string, { level, row, column }: TilePlace, signal: AbortSignal): Promise<ArrayBuffer> {
  return (await send("GET", `runs/${run}/uncertainty/tiles/${level}/${row}/${column}/`, { signal })).arrayBuffer();
}
