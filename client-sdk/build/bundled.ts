/** Packages whose code is part of ours: superjson has no CommonJS build, and tRPC's bindings ask for one exact version of its client. */
export const bundled = ['superjson', 'copy-anything', '@trpc/tanstack-react-query'];
