import { t, type MessageKey } from "../messages";

const NAMED: Readonly<Record<string, MessageKey>> = {
  ct: "kind.ct",
  mr: "kind.mr",
  us: "kind.us",
  xray: "kind.xray",
  pet: "kind.pet",
  nm: "kind.nm",
  oct: "kind.oct",
};

/** A kind of image in the reader's words; one that a site made up, as it is. */
export const kindName = (kind: string): string => (kind in NAMED ? t(NAMED[kind]) : kind.replaceAll("_", " "));
