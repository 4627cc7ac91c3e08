import type { VersionRef } from "../../api/types";
import { type MessageKey, t } from "../../messages";

export function versionName(version: VersionRef | null, none: string): string {
  return version ? `${version.network} · ${version.number}` : none;
}

const FIGURES: Readonly<Record<string, MessageKey>> = {
  ap50: "figure.ap50",
  ap: "figure.ap",
  dice: "figure.dice",
  iou: "figure.iou",
  auroc: "figure.auroc",
};

/** A figure's name for a reader; one that has no word yet keeps the engine's. */
export function figureName(metric: string): string {
  const key = FIGURES[metric];
  return key ? t(key) : metric.replaceAll("_", " ");
}
