import { defineConfig } from 'tsdown';
import { bundled } from './build/bundled.ts';

export default defineConfig({
  entry: ['generated/index.ts', 'generated/tanstack.ts'],
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  tsconfig: 'tsconfig.build.json',
  dts: true,
  deps: { onlyBundle: bundled },
});
