import { sliceBytes, tileBytes, type ReviewCase, type ReviewImage } from "../../api/review";
import { t } from "../../messages";
import type { CaseDocument } from "../../state/document";
import { BrowserJournal, PageJournal, type Journal } from "../../state/journal";
import { inMillimetres } from "../../state/readout";
import { showContent } from "../../state/sync";
import type { CaseContent } from "../../state/transport";
import type { Cutoffs, ImageFacts, Label } from "../../state/types";
import type { Pixelled } from "../../viewer/source";

/** The states in which masks may be changed. */
const OPEN_STATES: ReadonlySet<ReviewCase["state"]> = new Set(["ready", "in_progress", "returned"]);

export const isOpenForWork = (about: ReviewCase): boolean => OPEN_STATES.has(about.state);

export const referenceOf = (about: ReviewCase): ReviewImage | null =>
  about.images.find((image) => image.is_reference) ?? about.images[0] ?? null;

/** So few slices are taken to plan a scan; beside a volume they are never the reference. */
const OVERVIEW_SLICES = 3;

export const isOverview = ({ slices }: ReviewImage, among: readonly ReviewImage[]): boolean =>
  slices <= OVERVIEW_SLICES && among.some((other) => other.slices > OVERVIEW_SLICES);

/** "CT · 120 slices · 1.25 mm": what a series is, without any text of the file. */
export function seriesName({ modality, slices, spacing_mm, acquisition_axis }: ReviewImage): string {
  const apart = spacing_mm?.["zyx".indexOf(acquisition_axis || "z")];
  const parts = [modality, t("review.series.slices", { count: slices })];
  if (apart !== undefined && slices > 1) parts.push(inMillimetres(apart));
  return parts.filter((part) => part !== "").join(" · ");
}

export function factsOf(image: ReviewImage): ImageFacts {
  const slope = image.slope || 1;
  const intercept = image.intercept ?? 0;
  const window = image.window ?? windowOfRange(image);
  return {
    id: image.id,
    grid: { nx: image.size.x, ny: image.size.y, nz: image.size.z },
    times: image.size.t,
    channels: image.size.c,
    type: image.dtype,
    tiles: image.tiles,
    affineLps: image.affine_lps,
    acquisitionAxis: image.acquisition_axis || "z",
    modality: image.modality,
    photometric: image.photometric,
    // Windows come in the image's own unit, samples are stored values.
    window: window && [(window[0] - intercept) / slope, window[1] / Math.abs(slope)],
    slope,
    intercept,
    valueUnit: image.value_unit,
    spacingZyx: image.spacing_mm,
    source: image.spacing_source,
  };
}

/** Where the pixels of an image are fetched. */
export const pixelsOf = (image: string): Pixelled => ({
  fetchSlice: (z, t, signal) => sliceBytes(image, z, t, signal),
  fetchTile: (at, signal) => tileBytes(image, at, signal),
});

function windowOfRange({ value_range, dtype }: ReviewImage): readonly [number, number] | null {
  if (!value_range || dtype === "uint8") return null;
  const [low, high] = value_range;
  return [(low + high) / 2, Math.max(1, high - low)];
}

export function labelsOf(about: ReviewCase): Label[] {
  return about.project.labels
    .filter((label) => !label.retired)
    .map((label) => ({
      index: label.index,
      name: label.name,
      colour: label.colour,
      key: label.key,
      overlapAllowed: label.overlap_allowed,
      isIgnore: label.is_ignore,
    }));
}

export const cutoffsOf = ({ cutoffs }: ReviewCase): Cutoffs => ({
  score: cutoffs?.score ?? 0,
  overlap: cutoffs?.overlap ?? 1,
});

/** The network is still at work, or is in the queue for this case. */
export const isAwaited = ({ job }: ReviewCase): boolean =>
  job !== null && job.kind === "predict" && ["queued", "running", "paused"].includes(job.state);

/** The browser's journal; one of this page alone where the browser keeps nothing. */
export async function openJournal(): Promise<{ readonly journal: Journal; readonly isForgetful: boolean }> {
  try {
    return { journal: await BrowserJournal.open(), isForgetful: false };
  } catch {
    return { journal: new PageJournal(), isForgetful: true };
  }
}

/**
 * Masks as they stand come with the pixels, those that were read ahead at once; whether they are
 * still the newest is asked with the pen. `cutoffs` has none once nobody looks any more.
 */
export async function showFirst(
  document: CaseDocument,
  reading: CaseContent | Promise<CaseContent>,
  cutoffs: () => Cutoffs | null,
): Promise<CaseContent | null> {
  const show = (content: CaseContent): CaseContent => {
    const now = cutoffs();
    if (now) showContent(document, content, now);
    return content;
  };
  return reading instanceof Promise ? reading.then(show, () => null) : show(reading);
}
