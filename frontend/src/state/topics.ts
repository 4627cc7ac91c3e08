type Listener = () => void;

/** Who listens to what. A page asks once; nothing here knows a framework. */
export class Topics<Name extends string> {
  private readonly listeners = new Map<Name, Set<Listener>>();

  on(names: readonly Name[], listener: Listener): () => void {
    for (const name of names) {
      const known = this.listeners.get(name);
      if (known) known.add(listener);
      else this.listeners.set(name, new Set([listener]));
    }
    return () => names.forEach((name) => this.listeners.get(name)?.delete(listener));
  }

  tell(...names: Name[]): void {
    const told = new Set<Listener>();
    for (const name of names) this.listeners.get(name)?.forEach((listener) => told.add(listener));
    told.forEach((listener) => listener());
  }
}
