import { voxel } from "../domain/coordinates";
import type { MeasureFields } from "../state/measures";
import { answer, client } from "./client";

export type Measured = readonly [string, MeasureFields];

export async function measurements(caseId: string): Promise<Measured[]> {
  const { results } = await answer(client.GET("/api/v1/cases/{case_id}/measurements/", { params: { path: { case_id: caseId } } }));
  return results.map(({ id, kind, plane, moment, points, note }) => [
    id,
    { kind, plane, moment: moment ?? 0, note: note ?? "", points: points.map(([x, y, z]) => voxel(x, y, z)) },
  ]);
}

export function measurementPut(caseId: string, id: string, tab: string, { points, ...fields }: MeasureFields): Promise<unknown> {
  const body = { ...fields, tab, points: points.map(({ x, y, z }) => [x, y, z]) };
  return answer(client.PUT("/api/v1/cases/{case_id}/measurements/{measurement_id}/", { params: { path: { case_id: caseId, measurement_id: id } }, body }));
}

export function measurementRemove(caseId: string, id: string, tab: string): Promise<unknown> {
  const params = { path: { case_id: caseId, measurement_id: id }, query: { tab } };
  return answer(client.DELETE("/api/v1/cases/{case_id}/measurements/{measurement_id}/", { params }));
}
