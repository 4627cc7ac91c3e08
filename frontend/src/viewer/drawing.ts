import { canvasPoint, canvasToImage } from "../domain/coordinates";
import type { Box } from "../domain/spans";
import { levelFor, tileBox, type TileAt, type TileLayout } from "../domain/tiles";
import type { Sight } from "../state/sight";

/** Draws a picture of the whole plane where the view has it. */
export function stretched({ pen, view }: Sight, picture: HTMLCanvasElement, smooth: boolean): void {
  // Enlarging by whole pixels shows voxels as they are; smoothing only where it was asked for or shrinks.
  pen.imageSmoothingEnabled = smooth || view.scale < 1;
  pen.imageSmoothingQuality = view.scale < 1 ? "medium" : "low";
  const [width, height] = [picture.width * view.scale * view.stretchU, picture.height * view.scale * view.stretchV];
  pen.drawImage(picture, view.offsetX, view.offsetY, width, height);
}

/** The pixels of the plane that the canvas shows. */
export function boxInSight({ view, extent }: Pick<Sight, "view" | "extent">): Box {
  const a = canvasToImage(view, canvasPoint(0, 0));
  const b = canvasToImage(view, canvasPoint(extent.width, extent.height));
  return [a.u, a.v, b.u, b.v];
}

export const levelInSight = (layout: TileLayout, { view, ratio }: Sight): number =>
  levelFor(layout, view.scale * Math.max(view.stretchU, view.stretchV) * ratio);

/**
 * Draws the part of a plane that tile `at` covers: from its own picture, or from that of a tile
 * above it. Its edges lie on whole pixels of the screen, so that neighbours meet without a seam.
 */
export function drawTile(sight: Sight, layout: TileLayout, at: TileAt, from: TileAt, picture: HTMLCanvasElement, smooth: boolean): void {
  const { pen, view, ratio } = sight;
  const [x1, y1, x2, y2] = tileBox(layout, at);
  const own = 2 ** at.level;
  const across = (u: number): number => Math.round((u * own * view.scale * view.stretchU + view.offsetX) * ratio);
  const along = (v: number): number => Math.round((v * own * view.scale * view.stretchV + view.offsetY) * ratio);
  const part = 2 ** (from.level - at.level);
  const [sx, sy] = [x1 / part - from.column * layout.size, y1 / part - from.row * layout.size];
  const [sw, sh] = [Math.min((x2 - x1) / part, picture.width - sx), Math.min((y2 - y1) / part, picture.height - sy)];
  pen.save();
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.imageSmoothingEnabled = smooth || view.scale * own < 1 || from !== at;
  pen.imageSmoothingQuality = "low";
  pen.drawImage(picture, sx, sy, sw, sh, across(x1), along(y1), across(x2) - across(x1), along(y2) - along(y1));
  pen.restore();
}
