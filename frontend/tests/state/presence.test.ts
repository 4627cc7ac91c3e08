import { expect, test } from "vitest";

import { Presence, type PresenceAnswer, type PresenceTransport } from "../../src/state/presence";
import { settle } from "./support";

const answer = (is_me: boolean): PresenceAnswer => ({ holder: null, is_me, watchers: [], expires_in_s: 30 });

test("an answer that a later one has overtaken changes nothing", async () => {
  const waiting: ((told: PresenceAnswer) => void)[] = [];
  const calls: PresenceTransport = {
    beat: () => new Promise((resolve) => waiting.push(resolve)),
    take: async () => answer(true),
    leave: () => undefined,
  };
  const heard: boolean[] = [];
  const presence = new Presence(calls, "tab", () => true, (held) => heard.push(held), () => true);
  const slow = presence.ask();
  await presence.take();
  waiting[0](answer(false));
  await slow;
  await settle();
  expect([presence.held, heard]).toEqual([true, [true]]);
  presence.stop();
});
