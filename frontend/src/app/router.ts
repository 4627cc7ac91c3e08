/** A history router: paths name pages, a page is a lazy chunk. */

export type Params = Readonly<Record<string, string>>;
export type PageName =
  | "projects"
  | "newproject"
  | "project"
  | "import"
  | "settings"
  | "learn"
  | "review"
  | "jobs"
  | "people"
  | "networks"
  | "account"
  | "missing";
export type Place = { readonly page: PageName; readonly params: Params; readonly query: URLSearchParams };

type Leave = () => void;

const ROUTES: readonly (readonly [string, PageName])[] = [
  ["/", "projects"],
  ["/projects/new", "newproject"],
  ["/projects/:id", "project"],
  ["/projects/:id/import", "import"],
  ["/projects/:id/settings", "settings"],
  ["/projects/:id/learn", "learn"],
  ["/cases/:id", "review"],
  ["/jobs", "jobs"],
  ["/people", "people"],
  ["/networks", "networks"],
  ["/account", "account"],
];

const listeners = new Set<Leave>();

export function match(path: string): { page: PageName; params: Params } {
  const parts = split(path);
  for (const [pattern, page] of ROUTES) {
    const params = matchParts(split(pattern), parts);
    if (params) return { page, params };
  }
  return { page: "missing", params: {} };
}

export function currentPlace(): Place {
  return { ...match(location.pathname), query: new URLSearchParams(location.search) };
}

export function navigate(path: string, replace = false): void {
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  listeners.forEach((listener) => listener());
}

export function onNavigate(listener: Leave): Leave {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

/** Lets plain links of our own routes change the page without a reload. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (match(link.pathname).page === "missing") return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}

function split(path: string): string[] {
  return path.split("/").filter(Boolean);
}

function matchParts(pattern: string[], parts: string[]): Params | null {
  if (pattern.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = decodeURIComponent(parts[index]);
    else if (part !== parts[index]) return null;
  }
  return params;
}
