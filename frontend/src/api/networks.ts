import { answer, client } from "./client";
import type { Network } from "./types";

export const networks = async () => (await answer(client.GET("/api/v1/networks/"))).results as unknown as readonly Network[];
