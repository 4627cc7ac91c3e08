import { answer, client } from "./client";
import { post } from "./http";
import type { Me, Person, Preferences } from "./types";

export const me = async () => (await answer(client.GET("/api/v1/me/"))) as Me;
export const preferencesSet = (preferences: Preferences) =>
  answer(client.PUT("/api/v1/me/preferences/", { body: preferences }));

/** A wrong password is an error to show, not a reason to ask for a sign-in. */
export const signIn = (username: string, password: string) =>
  post<Me>("session/", { username, password }, { signedOut: "throw" });
export const signOut = () => answer(client.DELETE("/api/v1/session/"));

/** A wrong current password is a refusal that names its field, never a lost session. */
export const passwordChange = (current_password: string, new_password: string) =>
  answer(client.PUT("/api/v1/me/password/", { body: { current_password, new_password } }));

export type NewPerson = { username: string; full_name: string; is_site_administrator: boolean };

export const people = (after?: string) => answer(client.GET("/api/v1/people/", { params: { query: { after } } }));
export const personCreate = (person: NewPerson) => answer(client.POST("/api/v1/people/", { body: person }));
export const personChange = (id: number, change: Partial<Pick<Person, "is_active" | "full_name">>) =>
  answer(client.PATCH("/api/v1/people/{person_id}/", { params: { path: { person_id: id } }, body: change }));
export const linkCreate = (id: number) =>
  answer(client.POST("/api/v1/people/{person_id}/link/", { params: { path: { person_id: id } } }));

export const tokens = () => answer(client.GET("/api/v1/me/tokens/"));
export const tokenCreate = (name: string) => answer(client.POST("/api/v1/me/tokens/", { body: { name } }));
export const tokenRemove = (id: string) =>
  answer(client.DELETE("/api/v1/me/tokens/{token_id}/", { params: { path: { token_id: Number(id) } } }));
