const OVERSCAN = 4;

/** Which lines of a long list are drawn: those in sight and a few around them, half-open. */
export function visibleRange(
  top_px: number,
  height_px: number,
  line_px: number,
  lines: number,
): { from: number; to: number } {
  const first = Math.floor(Math.max(0, top_px) / line_px) - OVERSCAN;
  const last = Math.ceil((Math.max(0, top_px) + height_px) / line_px) + OVERSCAN;
  const to = Math.min(lines, Math.max(0, last));
  return { from: Math.max(0, Math.min(first, to)), to };
}
