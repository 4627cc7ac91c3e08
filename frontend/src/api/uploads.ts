import { get, post } from "./http";
import type { UploadSession } from "./types";

export const uploadOpen = (project: string) => post<UploadSession>(`projects/${project}/uploads/`, {});
export const upload = (session: string) => get<UploadSession>(`uploads/${session}/`);
/** What did not arrive whole is dropped: a lost answer may have announced a file twice. */
export const uploadClose = (session: string) => post<UploadSession>(`uploads/${session}/close/`, { discard_unfinished: true });
