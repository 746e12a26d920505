import { defineConfig } from 'tsdown';

/** What a deployment runs: `node dist/bin/olympus.js start`. The workspace's own packages are built in; libraries are not. */
export default defineConfig({
  entry: { olympus: 'src/cli/olympus.ts', worker: '../drizzle/src/embedded/worker.ts' },
  outDir: 'dist/bin',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: false,
  deps: { alwaysBundle: [/^@olympus\//] },
  fixedExtension: false,
  copy: [{ from: '../drizzle/migrations', to: 'dist' }],
});
