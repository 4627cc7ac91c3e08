import { answer, client } from "./client";

export const uploadOpen = (project: string) =>
  answer(client.POST("/api/v1/projects/{project_id}/uploads/", { params: { path: { project_id: project } } }));
export const upload = (session: string) =>
  answer(client.GET("/api/v1/uploads/{session_id}/", { params: { path: { session_id: session } } }));

/** What did not arrive whole is dropped: a lost answer may have announced a file twice. */
export const uploadClose = (session: string) =>
  answer(
    client.POST("/api/v1/uploads/{session_id}/close/", {
      params: { path: { session_id: session } },
      body: { discard_unfinished: true },
    }),
  );
