import { answer, client } from "./client";
import type { NewComment } from "./types";

export type { Comment, NewComment } from "./types";

const of = (id: string) => ({ params: { path: { case_id: id } } });

export const caseSubmit = (id: string) => answer(client.POST("/api/v1/cases/{case_id}/submit/", of(id)));
export const caseReturn = (id: string, comment: string) =>
  answer(client.POST("/api/v1/cases/{case_id}/return/", { ...of(id), body: { comment } }));
export const caseAccept = (id: string) => answer(client.POST("/api/v1/cases/{case_id}/accept/", of(id)));
export const caseReopen = (id: string) => answer(client.POST("/api/v1/cases/{case_id}/reopen/", of(id)));
export const caseWithdraw = (id: string) => answer(client.POST("/api/v1/cases/{case_id}/withdraw/", of(id)));
export const caseRelease = (id: string) => answer(client.POST("/api/v1/cases/{case_id}/release/", of(id)));
export const caseAssign = (id: string, users: readonly number[]) =>
  answer(client.POST("/api/v1/cases/{case_id}/assign/", { ...of(id), body: { users: [...users] } }));
export const caseReference = (id: string, image: string) =>
  answer(client.POST("/api/v1/cases/{case_id}/reference/", { ...of(id), body: { image } }));
export const casePredict = (id: string, body: { version?: string; replace?: "untouched_findings" } = {}) =>
  answer(client.POST("/api/v1/cases/{case_id}/predict/", { ...of(id), body }));

export const comments = (id: string) => answer(client.GET("/api/v1/cases/{case_id}/comments/", of(id)));
export const commentAdd = (id: string, body: NewComment) =>
  answer(client.POST("/api/v1/cases/{case_id}/comments/", { ...of(id), body }));
export const commentResolve = (id: number, resolved: boolean) =>
  answer(client.PATCH("/api/v1/comments/{comment_id}/", { params: { path: { comment_id: id } }, body: { resolved } }));
