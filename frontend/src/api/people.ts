import { get, patch, post, put, remove } from "./http";
import type { List, Me, Person, Preferences } from "./types";

export const me = () => get<Me>("me/");
export const preferencesSet = (preferences: Preferences) => put<Preferences>("me/preferences/", preferences);
export const signIn = (username: string, password: string) =>
  post<unknown>("session/", { username, password }, { signedOut: "throw" });
export const signOut = () => remove("session/");

export type NewPerson = { username: string; full_name: string; is_site_administrator: boolean };
export type Token = { readonly id: string; readonly name: string; readonly created_at: string; readonly token?: string };

export const people = (after?: string) => get<List<Person>>("people/", { after });
export const personCreate = (person: NewPerson) => post<Person & { url?: string }>("people/", person);
export const personChange = (id: number, change: Partial<Person>) => patch<Person>(`people/${id}/`, change);
export const linkCreate = (id: number) => post<{ url: string }>(`people/${id}/link/`);

export const tokens = () => get<List<Token>>("me/tokens/");
export const tokenCreate = (name: string) => post<Token>("me/tokens/", { name });
export const tokenRemove = (id: string) => remove(`me/tokens/${id}/`);
