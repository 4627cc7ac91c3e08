import type { VersionRef } from "../../api/types";

export function versionName(version: VersionRef | null, none: string): string {
  return version ? `${version.network} · ${version.number}` : none;
}
