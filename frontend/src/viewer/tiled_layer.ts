import { above, tilesIn, type TileAt } from "../domain/tiles";
import type { Pixels } from "../domain/slicecodec";
import type { Box } from "../domain/spans";
import type { Sight } from "../state/sight";
import type { Tiles } from "../state/tiles";
import { boxInSight, drawTile, levelInSight } from "./drawing";
import { TilePictures } from "./tile_pictures";

/** How samples become colours; `key` changes with the colours. */
export type Paint = { readonly key: string; readonly paint: (out: Uint32Array, samples: Pixels) => void };

/** A large picture by the tiles in sight, on the level that fits the zoom; coarser ones until these are here. */
export class TiledLayer {
  private readonly pictures: TilePictures;

  constructor(private readonly tiles: Tiles) {
    this.pictures = new TilePictures(tiles.layout);
  }

  /** False while there is nothing to show yet. */
  draw(sight: Sight, how: Paint, smooth: boolean): boolean {
    const { layout } = this.tiles;
    const level = levelInSight(layout, sight);
    const within = boxInSight(sight);
    const here = tilesIn(layout, level, within);
    const top: TileAt = { level: layout.levels - 1, row: 0, column: 0 };
    this.tiles.want([top, ...here, ...around(here, tilesIn(layout, level, wider(within, layout.size * 2 ** level)))]);
    let shown = false;
    for (const at of here) {
      const from = this.best(at);
      if (!from) continue;
      const picture = this.pictures.picture(from, how.key, (out) => how.paint(out, this.tiles.get(from)!));
      drawTile(sight, layout, at, from, picture, smooth);
      shown = true;
    }
    this.pictures.keep(here.length);
    return shown || here.length === 0;
  }

  /** The tile itself, else the finest one above it that is here. */
  private best(at: TileAt): TileAt | null {
    for (let one = at; one.level < this.tiles.layout.levels; one = above(one)) if (this.tiles.has(one)) return one;
    return null;
  }
}

const wider = ([x1, y1, x2, y2]: Box, by: number): Box => [x1 - by, y1 - by, x2 + by, y2 + by];

function around(here: readonly TileAt[], more: readonly TileAt[]): TileAt[] {
  const [rows, columns] = [here.map(({ row }) => row), here.map(({ column }) => column)];
  const [top, bottom, left, right] = [Math.min(...rows), Math.max(...rows), Math.min(...columns), Math.max(...columns)];
  return more.filter(({ row, column }) => row < top || row > bottom || column < left || column > right);
}
