import type { VersionRef } from "../../api/types";
import { type MessageKey, t } from "../../messages";

export function versionName(version: VersionRef | null, none: string): string {
  return version ? `${version.network} · ${version.number}` : none;
}

const FIGURES: Readonly<Record<string, MessageKey>> = {
  ap: "figure.ap",
  dice: "figure.dice",
  iou: "figure.iou",
  auroc: "figure.auroc",
};

/** A figure's name for a reader; one that has no word yet keeps the engine's. */
export function figureName(metric: string): string {
  const at_iou = /^ap(\d\d)$/.exec(metric);
  if (at_iou) return t("figure.apAt", { iou: Number(`0.${at_iou[1]}`) });
  const key = FIGURES[metric];
  return key ? t(key) : metric.replaceAll("_", " ");
}
