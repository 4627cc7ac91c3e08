import type { CaseRow } from "../../api/types";
import { kindName } from "../../components/kinds";

/** "512 × 512 × 120 px": width, height and, for a volume, slices. */
export function sizeOf({ size }: Pick<CaseRow, "size">): string {
  if (!size) return "–";
  const [z, y, x] = size;
  return `${x} × ${y}${z > 1 ? ` × ${z}` : ""} px`;
}

export function kindOf({ kind, modality }: Pick<CaseRow, "kind" | "modality">): string {
  return kind ? kindName(kind) : modality || "–";
}
