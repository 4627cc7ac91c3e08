import type { PromptFound, PromptRequest } from "../state/prompting";
import { post } from "./http";

/** The mask that clicks, scribbles and a box mean; nothing is stored. */
export const prompt = (caseId: string, request: PromptRequest) => post<PromptFound>(`cases/${caseId}/prompt/`, request);
