/** The client that is typed by the service's own schema: a drift between the two does not compile. */

import createClient from "openapi-fetch";

import type { paths } from "./generated/schema";
import { guarded } from "./http";

export const client = createClient<paths>({ fetch: guarded });

/** What a call answers with; a refusal has been thrown before it came here. */
export async function answer<Outcome extends { readonly data?: unknown }>(
  call: Promise<Outcome>,
): Promise<Exclude<Outcome["data"], undefined>> {
  return (await call).data as Exclude<Outcome["data"], undefined>;
}
