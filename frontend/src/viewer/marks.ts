import {
  edgeLetters,
  imageToCanvas,
  type CanvasPoint,
  voxelToImage,
  type ImagePoint,
  type Plane,
  type View,
} from "../domain/coordinates";
import type { Box } from "../domain/spans";
import { scaleBar } from "../domain/units";
import type { ReviewState } from "../state/review_state";
import { CUT_HANDLE, type Shape } from "../state/shapes";
import type { Extent } from "../state/sight";

export type Pen = CanvasRenderingContext2D;

const LIGHT = "rgb(226 227 229 / 0.92)";
const SHADE = "rgb(18 19 20 / 0.75)";
const GUIDE = "rgb(147 169 255 / 0.6)";
const FONT = '12px system-ui, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';

export const HANDLE = 7;

export function text(pen: Pen, words: string, x: number, y: number, align: CanvasTextAlign): void {
  pen.font = FONT;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.lineJoin = "round";
  pen.strokeStyle = SHADE;
  pen.fillStyle = LIGHT;
  pen.strokeText(words, x, y);
  pen.fillText(words, x, y);
}

/** Patient directions at the four edges; nothing where the file does not know them. */
export function letters(pen: Pen, state: ReviewState, plane: Plane, { width, height }: Extent): void {
  if (!state.facts.affineLps) return;
  const edge = edgeLetters(plane, state.facts.affineLps);
  text(pen, edge.left, 10, height / 2, "center");
  text(pen, edge.right, width - 10, height / 2, "center");
  text(pen, edge.top, width / 2, 12, "center");
  text(pen, edge.bottom, width / 2, height - 12, "center");
}

/** A round length in the bottom right corner, in the unit that the spacing allows. */
export function scale(pen: Pen, state: ReviewState, plane: Plane, view: View, { width, height }: Extent): void {
  const { spacingZyx } = state.facts;
  const alongU = spacingZyx ? spacingZyx[plane === "sagittal" ? 1 : 2] : null;
  const micro = alongU !== null && alongU < 0.02;
  const perPixel = alongU === null ? 1 : alongU * (micro ? 1000 : 1);
  const bar = scaleBar((view.scale * view.stretchU) / perPixel, Math.min(160, width / 3));
  const unit = alongU === null ? "px" : micro ? "µm" : "mm";
  const [x, y] = [width - 14, height - 16];
  strokeTwice(pen, LIGHT, 2, () => {
    pen.moveTo(x - bar.pixels, y - 4);
    pen.lineTo(x - bar.pixels, y);
    pen.lineTo(x, y);
    pen.lineTo(x, y - 4);
  });
  const place = state.facts.source === "detector" ? " at the detector" : "";
  text(pen, `${bar.length} ${unit}${place}`, x, y - 14, "right");
}

export function crosshair(pen: Pen, state: ReviewState, plane: Plane, view: View, { width, height }: Extent): void {
  const at = imageToCanvas(view, voxelToImage(plane, state.looks.cursor, state.facts.grid));
  const gap = 14;
  pen.setLineDash([]);
  pen.lineWidth = 1;
  pen.strokeStyle = GUIDE;
  pen.beginPath();
  for (const [from, to] of [[0, at.x - gap], [at.x + gap, width]]) {
    pen.moveTo(from, Math.round(at.y) + 0.5);
    pen.lineTo(Math.max(from, to), Math.round(at.y) + 0.5);
  }
  for (const [from, to] of [[0, at.y - gap], [at.y + gap, height]]) {
    pen.moveTo(Math.round(at.x) + 0.5, from);
    pen.lineTo(Math.round(at.x) + 0.5, Math.max(from, to));
  }
  pen.stroke();
}

/** A small cross with a gap in its middle, where something else is seen. */
export function cross(pen: Pen, { x, y }: CanvasPoint, [gap, reach]: readonly [number, number], colour: string, width: number): void {
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.beginPath();
  for (const [from, to] of [[-reach, -gap], [gap, reach]]) {
    pen.moveTo(x + from, y);
    pen.lineTo(x + to, y);
    pen.moveTo(x, y + from);
    pen.lineTo(x, y + to);
  }
  pen.stroke();
}

export function box(pen: Pen, view: View, [x1, y1, x2, y2]: Box, colour: string, width: number, dashed = false): void {
  const a = imageToCanvas(view, { u: x1, v: y1 } as ImagePoint);
  const b = imageToCanvas(view, { u: x2, v: y2 } as ImagePoint);
  pen.setLineDash(dashed ? [5, 4] : []);
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
  pen.setLineDash([]);
}

/** The eight places where a box can be taken by the hand. */
export function handles(pen: Pen, view: View, [x1, y1, x2, y2]: Box): void {
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
  pen.fillStyle = LIGHT;
  pen.strokeStyle = SHADE;
  pen.lineWidth = 1;
  for (const [u, v] of [[x1, y1], [mx, y1], [x2, y1], [x1, my], [x2, my], [x1, y2], [mx, y2], [x2, y2]]) {
    const at = imageToCanvas(view, { u, v } as ImagePoint);
    pen.fillRect(at.x - HANDLE / 2, at.y - HANDLE / 2, HANDLE, HANDLE);
    pen.strokeRect(at.x - HANDLE / 2, at.y - HANDLE / 2, HANDLE, HANDLE);
  }
}

export function shape(pen: Pen, view: View, drawn: Exclude<Shape, { kind: "outline" | "wash" }>): void {
  if (drawn.kind === "ring") {
    const at = imageToCanvas(view, drawn.centre);
    strokeTwice(pen, drawn.erases ? "rgb(240 147 138)" : LIGHT, 1.25, () => pen.arc(at.x, at.y, drawn.radius * view.scale, 0, 2 * Math.PI));
  } else if (drawn.kind === "dot") dot(pen, imageToCanvas(view, drawn.at), drawn.positive);
  else if (drawn.kind === "cut") cut(pen, view, drawn.through, drawn.along);
  else if (drawn.kind === "box") box(pen, view, drawn.box, LIGHT, 1.5, true);
  else {
    const points = drawn.points.map((point) => imageToCanvas(view, point));
    strokeTwice(pen, LIGHT, 1.5, () => {
      points.forEach((at, k) => (k === 0 ? pen.moveTo(at.x, at.y) : pen.lineTo(at.x, at.y)));
      if (drawn.kind === "line" && drawn.closed) pen.closePath();
    });
    if (drawn.kind === "measure") measured(pen, points, drawn.text, drawn.going);
  }
}

const TILTED = "rgb(240 198 116 / 0.9)";

/** The line of a tilted plane, open around the crosshair, with the handles that turn it. */
function cut(pen: Pen, view: View, through: ImagePoint, along: ImagePoint): void {
  const { x, y } = imageToCanvas(view, through);
  const [dx, dy] = [along.u * view.stretchU, along.v * view.stretchV];
  const [u, v] = [dx / Math.hypot(dx, dy), dy / Math.hypot(dx, dy)];
  // Longer than any screen; the canvas cuts it.
  strokeTwice(pen, TILTED, 1, () => {
    for (const [from, to] of [[-8000, -14], [14, 8000]]) {
      pen.moveTo(x + u * from, y + v * from);
      pen.lineTo(x + u * to, y + v * to);
    }
  });
  for (const side of [-CUT_HANDLE, CUT_HANDLE]) {
    pen.beginPath();
    pen.arc(x + u * side, y + v * side, 6, 0, 2 * Math.PI);
    pen.fillStyle = SHADE;
    pen.fill();
    pen.lineWidth = 2;
    pen.strokeStyle = TILTED;
    pen.stroke();
  }
}

/** The ends of a measurement as crosses, which hide nothing of what they stand on, and its figure. */
function measured(pen: Pen, points: readonly CanvasPoint[], words: string, going: boolean): void {
  const arm = going ? 6 : 4;
  strokeTwice(pen, LIGHT, 1.5, () => {
    for (const { x, y } of points) {
      pen.moveTo(x - arm, y - arm);
      pen.lineTo(x + arm, y + arm);
      pen.moveTo(x - arm, y + arm);
      pen.lineTo(x + arm, y - arm);
    }
  });
  const at = points[points.length === 3 ? 1 : points.length - 1];
  text(pen, words, at.x + 10, at.y - 12, "left");
}

/** Where a person pointed: a plus where the object is, a minus where it is not. */
function dot(pen: Pen, { x, y }: CanvasPoint, positive: boolean): void {
  pen.setLineDash([]);
  pen.beginPath();
  pen.arc(x, y, 6, 0, 2 * Math.PI);
  pen.fillStyle = positive ? "rgb(20 110 60 / 0.9)" : "rgb(160 50 40 / 0.9)";
  pen.fill();
  pen.strokeStyle = LIGHT;
  pen.lineWidth = 1.5;
  pen.moveTo(x - 3, y);
  pen.lineTo(x + 3, y);
  if (positive) {
    pen.moveTo(x, y - 3);
    pen.lineTo(x, y + 3);
  }
  pen.stroke();
}

/** A light line on a dark one can be seen on any picture. */
function strokeTwice(pen: Pen, colour: string, width: number, draw: () => void): void {
  pen.setLineDash([]);
  pen.beginPath();
  draw();
  pen.strokeStyle = SHADE;
  pen.lineWidth = width + 2;
  pen.stroke();
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke();
}

