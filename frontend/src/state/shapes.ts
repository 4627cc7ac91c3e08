import type { ImagePoint } from "../domain/coordinates";
import type { Box, Spans } from "../domain/spans";

/** What a tool shows while it is in the hand, in image pixels of its plane. */
export type Shape =
  | { readonly kind: "ring"; readonly centre: ImagePoint; readonly radius: number; readonly erases: boolean }
  | { readonly kind: "line"; readonly points: readonly ImagePoint[]; readonly closed: boolean }
  | { readonly kind: "box"; readonly box: Box }
  | { readonly kind: "dot"; readonly at: ImagePoint; readonly positive: boolean }
  | { readonly kind: "outline"; readonly mask: Spans }
  /** A fill in the label's colour, for masks of any raggedness. */
  | { readonly kind: "wash"; readonly mask: Spans }
  /** Where a tilted plane cuts this one: through a point, along a way, with a handle on either side. */
  | { readonly kind: "cut"; readonly through: ImagePoint; readonly along: ImagePoint }
  | { readonly kind: "measure"; readonly points: readonly ImagePoint[]; readonly text: string; readonly going: boolean };

/** How far from its middle a cut has its handles, in canvas pixels. */
export const CUT_HANDLE = 70;
