import { answer, client } from "./client";
import type {
  ExportFormat,
  NetworkChoice,
  NewLabel,
  NewProject,
  ProjectChange,
  RecipeStep,
  Role,
} from "./types";

const of = (id: string) => ({ params: { path: { project_id: id } } });

export const projects = (after?: string, archived?: boolean) =>
  answer(client.GET("/api/v1/projects/", { params: { query: { after, archived } } }));
export const project = (id: string) => answer(client.GET("/api/v1/projects/{project_id}/", of(id)));
export const projectCreate = (body: NewProject) => answer(client.POST("/api/v1/projects/", { body }));
export const projectChange = (id: string, body: ProjectChange) =>
  answer(client.PATCH("/api/v1/projects/{project_id}/", { ...of(id), body }));
export const projectVersions = (id: string) => answer(client.GET("/api/v1/projects/{project_id}/versions/", of(id)));
export const labelsSet = (id: string, labels: readonly NewLabel[]) =>
  answer(client.PUT("/api/v1/projects/{project_id}/labels/", { ...of(id), body: { labels: [...labels] } }));
export const membersSet = (id: string, members: readonly { user: number; role: Role }[]) =>
  answer(client.PUT("/api/v1/projects/{project_id}/members/", { ...of(id), body: { members: [...members] } }));

export const recipeSet = (id: string, steps: readonly RecipeStep[]) =>
  answer(client.PUT("/api/v1/projects/{project_id}/recipe/", { ...of(id), body: { steps: [...steps] } }));
export const recipes = (id: string) => answer(client.GET("/api/v1/projects/{project_id}/recipes/", of(id)));
export const recipeSchema = () => answer(client.GET("/api/v1/recipe-schema/"));
export const recipePreview = (id: string, caseId: string, steps: readonly RecipeStep[]) =>
  answer(client.POST("/api/v1/projects/{project_id}/recipe/preview/", { ...of(id), body: { case: caseId, steps: [...steps] } }));

export const suitableNetworks = (id: string) => answer(client.GET("/api/v1/projects/{project_id}/networks/", of(id)));
export const networkChoicesSet = (id: string, choices: readonly Pick<NetworkChoice, "kind" | "version_id">[]) =>
  answer(
    client.PUT("/api/v1/projects/{project_id}/network-choices/", { ...of(id), body: { network_choices: [...choices] } }),
  );

export const predictAgain = (id: string) =>
  answer(client.POST("/api/v1/projects/{project_id}/predict-again/", { ...of(id), body: { only_untouched: true } }));
export const exportCreate = (id: string, format: ExportFormat, cases: readonly string[] | null) =>
  answer(
    client.POST("/api/v1/projects/{project_id}/exports/", {
      ...of(id),
      body: cases ? { format, which: "chosen", cases: [...cases] } : { format, which: "accepted" },
    }),
  );
export const exportAddress = (job: string) => `/api/v1/exports/${job}/download/`;

export type CaseOrder = "number" | "uncertainty" | "updated" | "state";
export type CaseFilter = {
  state?: string;
  mine?: boolean;
  unassigned?: boolean;
  kind?: string;
  q?: string;
  order?: CaseOrder;
};
export const cases = (id: string, filter: CaseFilter, after?: string | null) =>
  answer(
    client.GET("/api/v1/projects/{project_id}/cases/", {
      params: { path: { project_id: id }, query: { ...worded(filter), after: after ?? undefined } },
    }),
  );
export const casesById = async (id: string, ids: readonly string[]) =>
  (
    await answer(
      client.GET("/api/v1/projects/{project_id}/cases/", {
        params: { path: { project_id: id }, query: { ids: ids.join(",") } },
      }),
    )
  ).results;
export const nextCase = (id: string, after: string | null, order?: CaseOrder) =>
  answer(
    client.GET("/api/v1/projects/{project_id}/cases/next/", {
      params: { path: { project_id: id }, query: { after: after ?? undefined, order } },
    }),
  );

/** What was not asked for is left out of the address. */
function worded({ state, kind, q, ...rest }: CaseFilter) {
  return { ...rest, state: state || undefined, kind: kind || undefined, q: q || undefined };
}
