import { boundingBox, clipBox, eachRowPiece, SpanBuilder, type Box, type Spans } from "./spans";

/** How a picture is cut: levels of half the size each, level 0 with the samples themselves. */
export type TileCut = { readonly size: number; readonly levels: number };
export type TileLayout = TileCut & { readonly width: number; readonly height: number };
export type TileAt = { readonly level: number; readonly row: number; readonly column: number };

export const tileKey = ({ level, row, column }: TileAt): string => `${level}/${row}/${column}`;

export function levelSize({ width, height }: TileLayout, level: number): { width: number; height: number } {
  return { width: Math.ceil(width / 2 ** level), height: Math.ceil(height / 2 ** level) };
}

/** The pixels of its level that a tile covers; the last ones of a row or column are cut. */
export function tileBox(layout: TileLayout, { level, row, column }: TileAt): Box {
  const { width, height } = levelSize(layout, level);
  const { size } = layout;
  return clipBox([column * size, row * size, (column + 1) * size, (row + 1) * size], width, height);
}

/** The tiles of a level that meet a box of the picture, the nearest to its middle first. */
export function tilesIn(layout: TileLayout, level: number, box: Box): TileAt[] {
  const [x1, y1, x2, y2] = clipBox(box, layout.width, layout.height);
  if (x2 <= x1 || y2 <= y1) return [];
  const step = layout.size * 2 ** level;
  const tiles: TileAt[] = [];
  for (let row = Math.floor(y1 / step); row < Math.ceil(y2 / step); row++) {
    for (let column = Math.floor(x1 / step); column < Math.ceil(x2 / step); column++) tiles.push({ level, row, column });
  }
  const [u, v] = [(x1 + x2) / 2 / step - 0.5, (y1 + y2) / 2 / step - 0.5];
  const away = (at: TileAt): number => Math.hypot(at.column - u, at.row - v);
  return tiles.sort((a, b) => away(a) - away(b));
}

/** The level whose pixels come nearest to those of the screen, at so many of these per pixel of the picture. */
export function levelFor({ levels }: TileCut, scale: number): number {
  return Math.min(levels - 1, Math.max(0, Math.round(-Math.log2(scale))));
}

/** The tile one level up that shows the same part, and half as much of it. */
export const above = ({ level, row, column }: TileAt): TileAt => ({ level: level + 1, row: row >> 1, column: column >> 1 });

/** A mask as a level shows it: each of its pixels is what lies at its middle. */
export function spansOnLevel(spans: Spans, layout: TileLayout, level: number): Spans {
  if (level === 0) return spans;
  const step = 2 ** level;
  const { width } = levelSize(layout, level);
  const builder = new SpanBuilder();
  eachRowPiece(spans, layout.width, (y, x1, x2) => {
    // Of a cut pixel at the far edge the middle may lie outside; the last row stands in for it.
    const isMiddle = y % step === step / 2 || (y === layout.height - 1 && y % step < step / 2);
    if (!isMiddle) return;
    const row = Math.floor(y / step) * width;
    builder.add(row + Math.ceil((x1 - step / 2) / step), row + Math.min(width, Math.ceil((x2 - step / 2) / step)));
  });
  return builder.done();
}

/** A mask of a picture inside a box, as one of the box alone. */
export function spansWithin(spans: Spans, box: Box, width: number): Spans {
  const [x1, y1, x2, y2] = box;
  const builder = new SpanBuilder();
  eachRowPiece(spans, width, (y, from, to) => {
    if (y >= y1 && y < y2) builder.add((y - y1) * (x2 - x1) + Math.max(from, x1) - x1, (y - y1) * (x2 - x1) + Math.min(to, x2) - x1);
  });
  return builder.done();
}

/** A mask of a box alone as one of the picture. */
export function spansFrom(local: Spans, box: Box, width: number): Spans {
  const [x1, y1, x2] = box;
  if (x1 === 0 && y1 === 0 && x2 === width) return local;
  const builder = new SpanBuilder();
  eachRowPiece(local, x2 - x1, (y, from, to) => builder.add((y + y1) * width + x1 + from, (y + y1) * width + x1 + to));
  return builder.done();
}

/** The box around a mask, widened by `margin` and cut at the picture. */
export function boxAround(spans: Spans, margin: number, { width, height }: { width: number; height: number }): Box | null {
  const box = boundingBox(spans, width);
  return box && clipBox([box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin], width, height);
}

export const covers = (outer: Box, inner: Box): boolean =>
  outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];

export const areaOf = ([x1, y1, x2, y2]: Box): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
