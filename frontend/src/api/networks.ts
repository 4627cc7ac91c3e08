import { get } from "./http";
import type { List, Network } from "./types";

export const networks = () => get<List<Network>>("networks/");
export const network = (id: string) => get<Network>(`networks/${id}/`);
