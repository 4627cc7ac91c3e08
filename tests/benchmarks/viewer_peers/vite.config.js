// Two of Node's own modules are asked for by name, and Vite 8 leaves them out of a page unless told.
export default {
  resolve: { alias: { events: "events/", url: "url/" } },
  build: { target: "es2022", chunkSizeWarningLimit: 1e5 },
  worker: { format: "es" },
};
