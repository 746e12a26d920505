import { defineConfig } from 'drizzle-kit';

// drizzle-kit's default output is `./drizzle`, which would nest this folder in itself.
export default defineConfig({ dialect: 'postgresql', schema: './schema/index.ts', out: './migrations', casing: 'snake_case' });
