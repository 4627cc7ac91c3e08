/** Brings the map of uncertainty, from when it is first asked for. */

import { uncertaintyBytes, uncertaintyTileBytes, type ReviewRun } from "../../api/review";
import type { HeatMap } from "../../viewer/heat";
import type { Opened } from "./series";

export class UncertaintyDesk {
  private heat: HeatMap | null = null;
  private loading = "";
  private readonly off: () => void;

  constructor(
    private readonly opened: Opened,
    private readonly failed: () => void,
  ) {
    this.off = opened.state.topics.on(["looks"], () => void this.load());
  }

  /** What the newest prediction has; another one than before begins anew. */
  offer(run: ReviewRun | null): void {
    const { state } = this.opened;
    if (run?.id === state.uncertainty?.run) return;
    this.drop();
    state.uncertainty = run && { run: run.id, hasMap: run.has_uncertainty_map, places: run.uncertain_places, at: null };
    state.topics.tell("looks");
  }

  retry(): void {
    this.heat?.retry();
  }

  stop(): void {
    this.off();
    this.drop();
  }

  private drop(): void {
    this.heat?.stop();
    this.heat = this.opened.state.heat = null;
    this.loading = "";
  }

  private async load(): Promise<void> {
    const { state } = this.opened;
    const { uncertainty } = state;
    if (!state.looks.uncertainShown || !uncertainty?.hasMap || this.loading === uncertainty.run) return;
    const { run } = uncertainty;
    this.loading = run;
    const { HeatMap } = await import("../../viewer/heat");
    if (this.loading !== run) return;
    this.heat = state.heat = new HeatMap(state, {
      fetchSlice: (z, t, signal) => uncertaintyBytes(run, z, t, signal),
      fetchTile: (at, signal) => uncertaintyTileBytes(run, at, signal),
      failed: this.failed,
    });
  }
}
