import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: ['generated/index.ts', 'generated/tanstack.ts'],
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  tsconfig: 'tsconfig.build.json',
  dts: true,
  deps: {
    // superjson has no CommonJS build; tRPC's bindings ask for exactly one older version of its client.
    onlyBundle: ['superjson', 'copy-anything', '@trpc/tanstack-react-query'],
  },
});
