import { get, patch, post } from "./http";
import type { CaseRow } from "./types";

export type Comment = {
  readonly id: number;
  readonly author: string | null;
  readonly text: string;
  readonly finding: number | null;
  readonly place: { readonly x: number; readonly y: number; readonly z: number } | null;
  readonly resolved_at: string | null;
  readonly created_at: string;
};
export type NewComment = Pick<Comment, "text"> & Partial<Pick<Comment, "finding" | "place">>;

export const caseSubmit = (id: string) => post<CaseRow>(`cases/${id}/submit/`);
export const caseReturn = (id: string, comment: string) => post<CaseRow>(`cases/${id}/return/`, { comment });
export const caseAccept = (id: string) => post<CaseRow>(`cases/${id}/accept/`);
export const caseReopen = (id: string) => post<CaseRow>(`cases/${id}/reopen/`);
export const caseWithdraw = (id: string) => post<CaseRow>(`cases/${id}/withdraw/`);
export const caseAssign = (id: string, users: readonly number[]) => post<CaseRow>(`cases/${id}/assign/`, { users });
export const casePredict = (id: string, choice: { version?: string; replace?: "untouched_findings" } = {}) =>
  post<CaseRow>(`cases/${id}/predict/`, choice);

export const comments = (id: string) => get<{ results: readonly Comment[] }>(`cases/${id}/comments/`);
export const commentAdd = (id: string, comment: NewComment) => post<Comment>(`cases/${id}/comments/`, comment);
export const commentResolve = (id: number, resolved: boolean) => patch<Comment>(`comments/${id}/`, { resolved });
